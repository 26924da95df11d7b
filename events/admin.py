from django.contrib import admin
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.roles import Ability
from ticketsuma.admin.base import ByRole, KeepsHistory, ReadOnlyAdmin, sats_column
from ticketsuma.admin.event_times import moment_column, with_moments
from ticketsuma.admin.stale_forms import UnstaleAdmin
from ticketsuma.templatetags.display import number

from .changes import fields_of, record_change
from .forms import EventForm
from .models import Event, FormerSlug

DATES = with_moments(Event, ["canceled_at", "created_at", "updated_at"], "")


class WhenFilter(admin.SimpleListFilter):
    title = _("when")
    parameter_name = "when"

    def lookups(self, request, model_admin):
        return [("upcoming", _("Upcoming and live")), ("past", _("Past"))]

    def queryset(self, request, queryset):
        match self.value():
            case "upcoming":
                return queryset.upcoming()
            case "past":
                return queryset.past()
        return queryset


class BaseEventAdmin(UnstaleAdmin, ByRole, KeepsHistory, admin.ModelAdmin):
    """Staff describe events; seats are counted by sales alone (`tickets.admin` registers it)."""

    sees = (Ability.SEE_GUESTS, Ability.SEE_MONEY)
    changes = (Ability.MANAGE_EVENTS,)
    form = EventForm
    list_display = [
        "title",
        moment_column("start_time", _("start"), ""),
        "sold",
        sats_column("price_sats", _("price")),
        "state",
        "organizer",
    ]
    list_filter = [WhenFilter, "is_active"]
    search_fields = ["search_key__folded", "slug"]
    ordering = ["-start_time"]
    list_per_page = 50
    show_full_result_count = False
    actions = None
    prepopulated_fields = {"slug": ["title"]}
    readonly_fields = ["seats_taken", *DATES]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "title",
                    "slug",
                    "summary",
                    "description",
                    "cover",
                    "organizer",
                    "organizer_name",
                    "contact_email",
                ]
            },
        ),
        (
            _("When"),
            {
                "description": _("By the clocks of its time zone."),
                "fields": ["timezone", "start_time", "end_time", "sales_end", "refunds_when_moved"],
            },
        ),
        (_("Seats"), {"fields": ["capacity", "seats_taken", "max_per_order", "price_sats"]}),
        (_("Stream"), {"fields": ["stream_url", "replay_until"]}),
        (
            _("State"),
            {"fields": ["is_active", *DATES]},
        ),
    ]

    def save_model(self, request, obj, form, change):
        before = fields_of(obj if change else None)
        super().save_model(request, obj, form, change)
        record_change(obj, before)

    @admin.display(description=_("sold"), ordering="seats_taken")
    def sold(self, event: Event) -> str:
        return _("%(sold)s of %(total)s") % {
            "sold": number(event.seats_taken), "total": number(event.capacity),
        }  # fmt: skip

    @admin.display(description=_("state"))
    def state(self, event: Event) -> str | Promise:
        if event.is_canceled:
            return _("canceled")
        if not event.is_active:
            return _("hidden")
        if event.is_past:
            return _("past")
        if event.is_sold_out:
            return _("sold out")
        if event.is_live:
            return _("live")
        return _("on sale") if event.sells else _("sales ended")


@admin.register(FormerSlug)
class FormerSlugAdmin(ReadOnlyAdmin):
    sees = (Ability.MANAGE_EVENTS,)
    list_display = fields = ["slug", "event"]
    list_select_related = ["event"]
    search_fields = ["slug", "event__search_key__folded"]
    ordering = ["slug"]
