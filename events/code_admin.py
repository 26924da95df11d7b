"""Promo codes in the admin, and how often each was used."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from accounts.roles import Ability, visible
from ticketsuma.admin.base import ByRole
from ticketsuma.admin.history import KeepsHistory
from ticketsuma.admin.stale_forms import UnstaleAdmin
from ticketsuma.amount_fields import AmountField, tell_currency
from ticketsuma.bidi import isolate
from ticketsuma.csv_file import csv_answer
from ticketsuma.money import SAT
from ticketsuma.zoned_fields import ZonedDateTimeField

from .catalogue_admin import ZonedForm
from .catalogue_models import PromoCode
from .models import Event

CSV_HEADINGS = [
    "code", "event", "kind", "value", "uses", "uses at most", "per person at most", "from", "until",
    "for types", "active",
]  # fmt: skip


class PromoCodeForm(ZonedForm):
    value = AmountField(label=capfirst(_("value")), initial=0, help_text=_("Percent, or money of each seat."))
    starts_at = ZonedDateTimeField(
        label=capfirst(_("good from")), required=False, help_text=_("Empty: at once.")
    )
    ends_at = ZonedDateTimeField(
        label=capfirst(_("good until")), required=False, help_text=_("Empty: as long as seats are sold.")
    )

    class Meta:
        model = PromoCode
        exclude: list[str] = []

    def arrange(self) -> None:
        super().arrange()
        tell_currency(self.fields.values(), self._currency())

    def _currency(self) -> str:
        """Of its value: that of its event, and none of percent."""
        kind = self.data.get(self.add_prefix("kind")) or self.instance.kind
        if kind not in PromoCode.OF_MONEY:
            return SAT
        pk = str(self.instance.event_id or self.data.get(self.add_prefix("event")) or "")
        events = Event.objects.filter(pk=pk if pk.isdecimal() and len(pk) < 19 else "0")
        return events.values_list("currency", flat=True).first() or SAT

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
        events = visible(request.user, Event.objects.all(), *model_admin.sees)
        has_codes = Exists(PromoCode.objects.filter(event=OuterRef("pk")))
        shown = list(events.upcoming().filter(has_codes)[: self.most])
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
    list_display = ["text", "event", "kind", "worth", "uses", "max_uses", "is_active"]
    list_filter = [EventFilter, "is_active", "kind"]
    event_path = "event"
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

    @admin.display(description=_("value"), ordering="value")
    def worth(self, code: PromoCode) -> str:
        return code.shown_value

    def has_delete_permission(self, request, obj=None) -> bool:
        """One with which orders were placed stays: it is ended by its tick."""
        return super().has_delete_permission(request, obj) and (obj is None or not obj.orders.exists())


def _csv_row(code: PromoCode) -> list[Any]:
    moments = [moment and moment.isoformat() for moment in (code.starts_at, code.ends_at)]
    types = ", ".join(each.shown_name for each in code.types.all())
    bounds = [code.uses, code.max_uses, code.max_per_person]
    return [
        code.text,
        code.event.title,
        code.kind,
        code.major_value,
        *bounds,
        *moments,
        types,
        int(code.is_active),
    ]
