"""Questions in the admin, as inlines of their event."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.utils.functional import cached_property
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from accounts.roles import Ability
from ticketsuma.admin.base import ByRole, ReadOnlyAdmin
from ticketsuma.admin.stale_forms import UnstaleForm

from .catalogue_admin import is_deleted
from .catalogue_models import TicketType
from .question_models import MAX_QUESTIONS, Question

# Of a question that was answered: with another one of these its answers would say something else.
FIXED = ("asked", "kind", "ticket_type")
AGREED = ("label", "link")  # of a consent


class QuestionForm(UnstaleForm):
    """`types` are those of the event, in choices."""

    class Meta:
        model = Question
        exclude: list[str] = []

    def __init__(self, *args, types: list[tuple[Any, str]], **kwargs):
        self.types = types
        super().__init__(*args, **kwargs)

    def arrange(self) -> None:
        fields: dict[str, Any] = self.fields
        if "ticket_type" in fields:
            pks = [pk for pk, _name in self.types if pk]
            fields["ticket_type"].queryset = TicketType.objects.filter(pk__in=pks)
            fields["ticket_type"].widget.choices = self.types
        if "options" in fields:
            fields["options"].widget.attrs["rows"] = 4

    def clean(self):
        data = super().clean() or self.cleaned_data
        fixed = FIXED + (AGREED if self.instance.kind == Question.Kind.CONSENT else ())
        changed = [name for name in fixed if name in self.changed_data and name in data]
        if changed and self.instance.pk and self.instance.answers.exists():
            says = _("It was answered. Take away the tick at “Active”, and ask another question instead.")
            for name in changed:
                self.add_error(name, says)
        return data


class QuestionFormSet(forms.BaseInlineFormSet):
    """What was answered stays: a question with answers is not deleted."""

    @cached_property
    def types(self) -> list[tuple[Any, str]]:
        types = self.instance.ticket_types.all() if self.instance.pk else []
        return [("", _now("All")), *((each.pk, each.shown_name) for each in types)]

    def get_form_kwargs(self, index) -> dict[str, Any]:
        return super().get_form_kwargs(index) | {"types": self.types}

    def clean(self) -> None:
        kept = 0
        for form in self.forms:
            if not is_deleted(form):
                kept += bool(getattr(form, "cleaned_data", None))
            elif form.instance.pk and form.instance.answers.exists():
                says = _now(
                    "“%(question)s” cannot be deleted: it was answered."
                    " Take away the tick at “Active” instead, and nobody is asked any more."
                )
                raise ValidationError(says % {"question": form.instance})
        if kept > MAX_QUESTIONS:
            raise ValidationError(_now("An event asks at most %(most)s questions.") % {"most": MAX_QUESTIONS})
        super().clean()  # last: Django says the same of deleted rows, without what to do instead


class QuestionInline(ByRole, admin.StackedInline):
    """What the event asks: before the payment no more than is needed for the sale."""

    sees = (Ability.SEE_GUESTS, Ability.SEE_MONEY)
    changes = (Ability.MANAGE_EVENTS,)
    model = Question
    form = QuestionForm
    formset = QuestionFormSet
    extra = 0
    classes = ["types"]
    fields = [
        "label", "hint", ("asked", "kind", "ticket_type"), "options", "link",
        ("is_required", "is_active", "position"), "seen",
    ]  # fmt: skip

    def get_fields(self, request, obj=None):
        return [name for name in self.fields if name != "seen" or self.has_change_permission(request, obj)]


@admin.register(Question)
class QuestionAdmin(ReadOnlyAdmin):
    """Every question of every event, to be found; they are written on their event's page."""

    sees = (Ability.SEE_GUESTS, Ability.SEE_MONEY)
    event_path = "event"
    list_display = ["label", "event", "asked", "kind", "is_required", "is_active"]
    list_filter = ["asked", "is_active"]
    list_select_related = ["event"]
    search_fields = ["label", "event__search_key__folded"]
    ordering = ["-pk"]
