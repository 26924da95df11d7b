"""Admin actions on a row: a button, a page that asks, and a service that acts or gives its reason."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import second_factor, second_person
from accounts.history import record, watch
from accounts.roles import Ability, may
from ticketsuma.errors import DomainError

from .base import ReadOnlyAdmin

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin as AnyAdmin
else:
    AnyAdmin = object  # a mixin; mypy wants its base


def other_staff(user: Any) -> list[Any]:
    """Everybody else who may be allowed something here."""
    listed = Q(email__in=settings.ADMIN_EMAILS) | Q(memberships__isnull=False)
    return list(get_user_model().objects.filter(listed, is_active=True).exclude(pk=user.pk).distinct())


@dataclass(frozen=True)
class Done:
    """What is true after an action, and the address that shows it in place of its row's own page."""

    says: str
    url: str


class ActionForm(forms.Form):
    """What an action asks for besides "are you sure?": nothing. `row` is what it is done to."""

    # What the asker saw: when it is different at the time of the answer, somebody else was faster.
    seen = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, *args, row: Model, seen: str, typed: dict[str, str] | None = None, **kwargs):
        shown = {"seen": seen} | (typed or {})
        super().__init__(*args, initial=shown, **kwargs)  # type: ignore[misc]  # nobody gives five arguments
        self.row, self._now = row, seen

    @property
    def is_outdated(self) -> bool:
        return self.data.get("seen") != self._now


class StaffAction:
    """What staff may do to a row: a button on its page, and a page that asks before a service acts.

    `needs` are the abilities it takes, all of them; an action that names none is nobody's.
    """

    needs: tuple[Ability, ...] = ()
    name: str
    label: str | Promise
    form: type[ActionForm] = ActionForm
    is_grave = False
    # Whether the second factor must have been given lately: wherever money, or where it goes, may change.
    asks_again = True

    def is_allowed(self, user: Any, row: Any) -> bool:
        return bool(self.needs) and all(may(user, ability, row) for ability in self.needs)

    def is_possible(self, row: Any) -> bool:
        """Tell whether there is a button."""
        return True

    def preview(self, row: Any) -> list[str]:
        """What it would do, a line a fact; empty lines are not shown."""
        raise NotImplementedError

    def seen(self, row: Any) -> object:
        """What must not have changed between question and answer."""
        return getattr(row, "status", "")

    def sats(self, row: Any, data: dict) -> int:
        """What staff send out by it, with what they sent out of the same before; it may take two persons."""
        return 0

    def run(self, row: Any, data: dict) -> str | Done:
        """Call a service, outside any transaction, with the form's `data`; what is true now."""
        raise NotImplementedError


class TryAgain(StaffAction):
    asks_again = False
    needs = (Ability.OPERATE,)
    name = "try-again"
    label = gettext_lazy("Try again")

    def is_possible(self, row: Any) -> bool:
        return row.parked_at is not None

    def preview(self, row: Any) -> list[str]:
        return [_("The worker gave this up after its last attempt. It tries anew, at once."), row.last_error]

    def seen(self, row: Any) -> object:
        return row.parked_at

    def run(self, row: Any, data: dict) -> str:
        row.requeue()
        return _("It is being tried again.")


class StaffActionsMixin(AnyAdmin):
    """For a ModelAdmin: buttons for `staff_actions` on a row's page, each with its own page that asks."""

    staff_actions: list[StaffAction] = []
    change_form_template = "admin/staff_actions_change_form.html"

    @classmethod
    def extend(cls, *, actions: list[StaffAction], filters: tuple = ()) -> None:
        """Add what an app above knows of these rows; called once, where that app's admin is loaded."""
        cls.staff_actions = [*cls.staff_actions, *actions]
        cls.list_filter = [*cls.list_filter, *filters]

    def get_urls(self):
        meta = self.model._meta
        view = self.admin_site.admin_view(self.act_view)
        name = f"{meta.app_label}_{meta.model_name}_act"
        return [path("<path:object_id>/act/<slug:action>", view, name=name), *super().get_urls()]

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        context["staff_actions"] = self.possible_actions(request, obj) if obj else []
        context["waiting"] = set(self._waiting(obj).values_list("action", flat=True)) if obj else set()
        return super().render_change_form(request, context, add, change, form_url, obj)

    def possible_actions(self, request: HttpRequest, row: Model) -> list[StaffAction]:
        allowed = [action for action in self.staff_actions if action.is_allowed(request.user, row)]
        return [action for action in allowed if action.is_possible(row)]

    def act_view(self, request: HttpRequest, object_id: str, action: str) -> HttpResponse:
        """Ask (GET) and act (POST); whoever comes second is told and changes nothing."""
        row = self.get_object(request, unquote(object_id))
        chosen = next((one for one in self.staff_actions if one.name == action), None)
        if row is None or chosen is None:
            raise Http404
        if not chosen.is_allowed(request.user, row):
            raise PermissionDenied
        meta = self.model._meta
        back = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk])
        if not chosen.is_possible(row):
            return self._too_late(request, back)
        if waiting := self._waiting(row).filter(action=chosen.name).first():
            return self._second_person(request, row, chosen, waiting, back)
        typed = second_factor.take_kept(request) if request.method == "GET" else None
        form = chosen.form(request.POST or None, row=row, seen=str(chosen.seen(row)), typed=typed)
        if request.method == "POST":
            return self._answer(request, row, chosen, form, back)
        if typed:
            messages.info(request, _("Thank you. Nothing was done yet: please press once more."))
        return self._ask(request, row, chosen, form, back)

    def _answer(self, request, row: Model, action: StaffAction, form: ActionForm, back: str) -> HttpResponse:
        if form.is_outdated:
            return self._too_late(request, back)
        if not form.is_valid():
            return self._ask(request, row, action, form, back)
        if action.asks_again and not second_factor.is_fresh(request):
            return second_factor.ask(request, keep={name: form[name].value() for name in form.fields})
        refusal = self._ask_second_or_run(request, row, action, form)
        if not isinstance(refusal, DomainError):
            return redirect(refusal or back)
        now = self.get_object(request, str(row.pk))
        if now is None or str(action.seen(now)) != form["seen"].value():
            return self._too_late(request, back)
        form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal.message))
        return self._ask(request, row, action, form, back)

    # -- two persons --------------------------------------------------------------------------
    def _waiting(self, row: Model) -> second_person.PendingActQuerySet:
        acts = second_person.PendingAct.objects
        return acts.waiting().about(row) if settings.REFUND_NEEDS_TWO_SATS else acts.none()

    def _ask_second_or_run(
        self, request, row: Model, action: StaffAction, form: ActionForm
    ) -> DomainError | str:
        """As `_run`."""
        sats = action.sats(row, form.cleaned_data)
        if not second_person.is_needed(sats):
            return self._run(request, row, action, form)
        try:
            if not any(action.is_allowed(one, row) for one in other_staff(request.user)):
                raise second_person.NobodyElse
            typed = {name: form[name].value() for name in form.fields}
            with transaction.atomic():
                second_person.ask(row, action.name, sats=sats, typed=typed, by=request.user)
                record("ask_second", row, sats=sats, said=str(action.label))
        except DomainError as refusal:
            return refusal
        messages.success(request, _("Nothing was sent yet: a second person must approve it, on this page."))
        return ""

    def _second_person(self, request, row: Model, action: StaffAction, waiting, back: str) -> HttpResponse:
        """Show what waits (GET); approve it and so do it, or decline it (POST)."""
        form = action.form(waiting.typed, row=row, seen=str(action.seen(row)))
        if request.method == "POST":
            return self._decide(request, row, action, waiting, form, back)
        context = self._context(request, row, action, back) | {
            "waiting": waiting,
            "is_own": waiting.asked_by_id == request.user.pk,
            "typed": [(field.label, field.value()) for field in form.visible_fields()],
        }
        return TemplateResponse(request, "admin/second_person.html", context)

    def _decide(self, request, row: Model, action: StaffAction, waiting, form: ActionForm, back: str):
        decision = request.POST.get("decision")
        if request.POST.get("waiting") != str(waiting.pk) or decision not in ("approve", "decline"):
            return self._too_late(request, back)
        if not second_factor.is_fresh(request):
            return second_factor.ask(request)
        outdated = form.is_outdated or not form.is_valid()
        status = (
            waiting.Status.APPROVED if decision == "approve" and not outdated else waiting.Status.DECLINED
        )
        with transaction.atomic():
            if not waiting.decide(status, request.user):
                return self._too_late(request, back)
            record("approve" if status == waiting.Status.APPROVED else "decline", row, sats=waiting.sats)
        if status == waiting.Status.DECLINED:
            if decision == "approve":
                return self._too_late(request, back)
            messages.success(request, _("It is declined; nothing was sent."))
        elif isinstance(refusal := self._run(request, row, action, form), DomainError):
            messages.error(request, str(refusal.message))
        return redirect(back)

    def _too_late(self, request: HttpRequest, back: str) -> HttpResponse:
        messages.error(request, _("Nothing was done: it has changed in the meantime, somebody was faster."))
        return redirect(back)

    def _run(self, request, row: Model, action: StaffAction, form: ActionForm) -> DomainError | str:
        """Do it, write who did it and say so; the refusal, or the address that shows what is done, if any."""
        try:
            with watch() as written:
                done = action.run(row, form.cleaned_data)
        except DomainError as refusal:
            return refusal
        said, url = (done.says, done.url) if isinstance(done, Done) else (done, "")
        if not written:  # its service changes nothing that it keeps a history of
            record("press", row, said=f"{action.label}: {said}")
        messages.success(request, said)
        return url

    def _ask(self, request, row: Model, action: StaffAction, form: ActionForm, back: str) -> HttpResponse:
        context = self._context(request, row, action, back) | {"form": form}
        return TemplateResponse(request, "admin/act.html", context)

    def _context(self, request, row: Model, action: StaffAction, back: str) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request),
            "opts": self.model._meta,
            "original": row,
            "title": action.label,
            "action": action,
            "lines": [line for line in action.preview(row) if line],
            "back": back,
        }


class JobAdmin(StaffActionsMixin, ReadOnlyAdmin):
    """A read-only row of the worker's queue: staff may have given-up work tried again."""

    staff_actions = [TryAgain()]
