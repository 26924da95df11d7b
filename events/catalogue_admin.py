"""Ticket types in the admin, as inlines of their event, and promo codes; what is sold and used of each."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Exists, OuterRef
from django.forms.formsets import DELETION_FIELD_NAME
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from accounts.history import CHANGED, record
from accounts.roles import Ability, visible
from ticketsuma.admin.base import ByRole, KeepsHistory, ReadOnlyAdmin
from ticketsuma.admin.stale_forms import UnstaleAdmin, UnstaleForm
from ticketsuma.bidi import isolate
from ticketsuma.csv_file import csv_answer
from ticketsuma.templatetags.display import number
from ticketsuma.zoned_fields import ZonedDateTimeField, tell_zone

from .catalogue_models import MAX_TYPES, PromoCode, TicketType
from .models import Event

CSV_HEADINGS = [
    "code", "event", "kind", "value", "uses", "uses at most", "per person at most", "from", "until",
    "for types", "active",
]  # fmt: skip


class ZonedForm(UnstaleForm):
    """Its moments are typed by the clocks of the event."""

    def __init__(self, *args, zone: str = "UTC", **kwargs):
        self.zone = zone
        super().__init__(*args, **kwargs)

    def arrange(self) -> None:
        tell_zone(self.fields.values(), self.zone)


class TicketTypeForm(ZonedForm):
    sales_start = ZonedDateTimeField(
        label=capfirst(_("start of the sale")), required=False, help_text=_("Empty: at once.")
    )
    sales_end = ZonedDateTimeField(
        label=capfirst(_("end of the sale")), required=False, help_text=_("Empty: as the event's.")
    )

    class Meta:
        model = TicketType
        exclude: list[str] = []

    def clean_capacity(self) -> int | None:
        """The database refuses to oversell; here it is said at the field, with what to do instead."""
        capacity, taken = self.cleaned_data["capacity"], self.instance.seats_taken
        if capacity is not None and capacity < taken:
            says = _("%(taken)s are taken already. To sell no more of them, take away the tick at “Active”.")
            raise ValidationError(says, params={"taken": taken})
        return capacity

    def refuse_deletion(self) -> None:
        """What was sold stays, and so does the first type: say what to do instead."""
        row: TicketType = self.instance
        if is_deleted(self) and row.pk and (row.pk == row.event.default_type_id or row.lines.exists()):
            says = _(
                "“%(name)s” cannot be deleted: seats of it were ordered, or it is the event's first type."
                " Take away the tick at “Active” instead, and nobody can buy it any more."
            )
            raise ValidationError(says, params={"name": row})


def is_deleted(form: forms.BaseForm) -> bool:
    return bool(getattr(form, "cleaned_data", {}).get(DELETION_FIELD_NAME))


class TicketTypeFormSet(forms.BaseInlineFormSet):
    def get_form_kwargs(self, index) -> dict[str, Any]:
        return super().get_form_kwargs(index) | {"zone": self.instance.timezone}

    def clean(self) -> None:
        super().clean()
        kept = [form for form in self.forms if not is_deleted(form)]
        names = [form.cleaned_data.get("name") for form in kept if getattr(form, "cleaned_data", None)]
        if len(names) > 1 and not all(names):
            raise ValidationError(_now("With several ticket types each needs a name: buyers choose by it."))
        if len(names) > MAX_TYPES:
            raise ValidationError(_now("An event has at most %(most)s ticket types.") % {"most": MAX_TYPES})


class TicketTypeInline(ByRole, admin.StackedInline):
    """What the event sells; an event with one type is shown as if there were none."""

    sees = (Ability.SEE_GUESTS, Ability.SEE_MONEY)
    changes = (Ability.MANAGE_EVENTS,)
    model = TicketType
    form = TicketTypeForm
    formset = TicketTypeFormSet
    fk_name = "event"
    extra = 0
    classes = ["types"]
    readonly_fields = ["sold"]
    fields = [
        ("name", "position", "is_active", "is_hidden"), "description",
        ("pricing", "price", "suggested_price"), ("capacity", "sold"), ("sales_start", "sales_end"),
        ("min_per_order", "max_per_order", "admits"), "seen",
    ]  # fmt: skip

    def get_formset(self, request, obj=None, **kwargs):
        """Django asks each form whether its row may go; its own words name only what is in the way."""
        formset = super().get_formset(request, obj, **kwargs)
        formset.form.hand_clean_DELETE = TicketTypeForm.refuse_deletion
        return formset

    def get_fields(self, request, obj=None):
        return [name for name in self.fields if name != "seen" or self.has_change_permission(request, obj)]

    @admin.display(description=_("seats taken"))
    def sold(self, ticket_type: TicketType) -> str:
        """The number, and the way to those tickets."""
        if not ticket_type.seats_taken:
            return "0"
        url = f"{reverse('admin:tickets_ticket_changelist')}?type={ticket_type.pk}"
        return format_html('<a href="{}">{}</a>', url, number(ticket_type.seats_taken))


@admin.register(TicketType)
class TicketTypeAdmin(ReadOnlyAdmin):
    """Every type of every event, to be found; they are written on their event's page."""

    sees = (Ability.SEE_GUESTS, Ability.SEE_MONEY)
    event_path = "event"
    list_display = ["shown_name", "event", "price", "seats_taken", "capacity", "is_active"]
    list_select_related = ["event"]
    search_fields = ["name", "event__search_key__folded"]
    ordering = ["-pk"]


class PromoCodeForm(ZonedForm):
    starts_at = ZonedDateTimeField(label=capfirst(_("good from")), required=False)
    ends_at = ZonedDateTimeField(label=capfirst(_("good until")), required=False)

    class Meta:
        model = PromoCode
        exclude: list[str] = []

    def clean_max_uses(self) -> int | None:
        most, uses = self.cleaned_data["max_uses"], self.instance.uses
        if most is not None and most < uses:
            says = _("It was used %(uses)s times already. To end it, take away the tick at “Active”.")
            raise ValidationError(says, params={"uses": uses})
        return most

    def clean(self):
        """A code is for types of its own event."""
        data = super().clean() or self.cleaned_data
        event_id = data["event"].pk if data.get("event") else self.instance.event_id
        if any(each.event_id != event_id for each in data.get("types") or []):
            self.add_error("types", _("Choose types of the event that the code is for."))
        return data


class EventFilter(admin.SimpleListFilter):
    """Events to come that have codes, and the one that is asked for."""

    title = _("event")
    parameter_name = "event"
    most = 50

    def lookups(self, request, model_admin):
        events = visible(request.user, Event.objects.all(), *model_admin.sees).order_by("start_time", "pk")
        has_codes = Exists(PromoCode.objects.filter(event=OuterRef("pk")))
        shown = list(events.filter(has_codes, end_time__gt=timezone.now())[: self.most])
        if self._event_id is not None and self._event_id not in {each.pk for each in shown}:
            shown += events.filter(pk=self._event_id)
        return [(each.pk, isolate(each.title)) for each in shown]

    def queryset(self, request, queryset):
        return queryset if self._event_id is None else queryset.filter(event=self._event_id)

    @property
    def _event_id(self) -> int | None:
        value = self.value() or ""
        return int(value) if value.isdecimal() and len(value) <= 18 else None


@admin.register(PromoCode)
class PromoCodeAdmin(UnstaleAdmin, ByRole, KeepsHistory, admin.ModelAdmin):
    """Codes, each with how often it was used; times are UTC."""

    sees = changes = (Ability.MANAGE_EVENTS,)
    form = PromoCodeForm
    list_display = ["text", "event", "kind", "value", "uses", "max_uses", "is_active"]
    list_filter = [EventFilter, "is_active", "kind"]
    change_list_template = "admin/events/promocode/change_list.html"
    list_select_related = ["event"]
    search_fields = ["text", "event__search_key__folded"]
    ordering = ["-created_at", "text"]
    list_per_page = 50
    show_full_result_count = False
    actions = None
    readonly_fields = ["uses"]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "event", ("text", "is_active"), ("kind", "value"), ("max_uses", "max_per_person", "uses"),
                    "starts_at", "ends_at", "types",
                ]
            },
        )
    ]  # fmt: skip

    def get_urls(self):
        view = self.admin_site.admin_view(require_safe(self.csv_view))
        return [path("csv", view, name="events_promocode_csv"), *super().get_urls()]

    def csv_view(self, request: HttpRequest) -> HttpResponse:
        """The codes that the list shows by the same query, all pages of it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            codes = self.get_changelist_instance(request).get_queryset(request)
        except IncorrectLookupParameters:
            return redirect("admin:events_promocode_changelist")
        return csv_answer("promo-codes.csv", [CSV_HEADINGS, *map(_csv_row, codes.prefetch_related("types"))])

    def get_readonly_fields(self, request, obj=None):
        """A code stays with its event."""
        return [*self.readonly_fields, *(["event"] if obj else [])]

    def has_delete_permission(self, request, obj=None) -> bool:
        """One with which orders were placed stays: it is ended by its tick."""
        return super().has_delete_permission(request, obj) and (obj is None or not obj.orders.exists())

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        record(
            "change" if change else "add", obj, **dict.fromkeys(form.changed_data if change else [], CHANGED)
        )


def _csv_row(code: PromoCode) -> list[Any]:
    moments = [moment and moment.isoformat() for moment in (code.starts_at, code.ends_at)]
    types = ", ".join(each.shown_name for each in code.types.all())
    bounds = [code.uses, code.max_uses, code.max_per_person]
    return [code.text, code.event.title, code.kind, code.value, *bounds, *moments, types, int(code.is_active)]
