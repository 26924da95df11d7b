import zoneinfo

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminSplitDateTime
from django.core.exceptions import ValidationError
from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ticketsuma.admin import ReadOnlyAdmin, sats_column
from ticketsuma.templatetags.show import number

from .covers import redraw_cover
from .models import Event, FormerSlug


def _zones() -> list[tuple[str, str]]:
    return [(name, name.replace("_", " ")) for name in sorted(zoneinfo.available_timezones())]


class EventForm(forms.ModelForm):
    timezone = forms.ChoiceField(
        label=_("Time zone"), choices=_zones, initial="UTC", help_text=_("Where it takes place.")
    )

    class Meta:
        model = Event
        exclude: list[str] = []

    def __init__(self, *args, **kwargs):
        """A moment is two inputs under one label: each says which it is to those who do not see it."""
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if isinstance(field.widget, AdminSplitDateTime):
                for part, word in zip(field.widget.widgets, (_("Date"), _("Time")), strict=True):
                    part.attrs["aria-label"] = f"{field.label}: {word}"

    def clean_capacity(self) -> int:
        """The database refuses to oversell; here it is said at the field."""
        capacity = self.cleaned_data["capacity"]
        if capacity < self.instance.seats_taken:
            taken = self.instance.seats_taken
            raise ValidationError(_("%(taken)s seats are taken already.") % {"taken": taken})
        return capacity

    def clean_cover(self):
        """A new picture is drawn anew; an untouched one stays."""
        upload = self.cleaned_data["cover"]
        return redraw_cover(upload) if upload and "cover" in self.changed_data else upload

    def clean_replay_until(self):
        """A replay that ends before the event does is a slip of the pen."""
        until, end = self.cleaned_data["replay_until"], self.cleaned_data.get("end_time")
        if until and end and until <= end:
            raise ValidationError(_("The replay ends after the event does."))
        return until


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


class EventAdmin(admin.ModelAdmin):
    """Staff describe events; seats are counted by sales alone (`tickets.admin` registers it)."""

    form = EventForm
    list_display = [
        "title",
        "start_time",
        "sold",
        sats_column("price_sats", _("price")),
        "state",
        "organizer",
    ]
    list_filter = [WhenFilter, "is_active"]
    search_fields = ["title", "slug", "organizer"]
    ordering = ["-start_time"]
    list_per_page = 50
    show_full_result_count = False
    actions = None
    prepopulated_fields = {"slug": ["title"]}
    readonly_fields = ["seats_taken", "canceled_at", "created_at", "updated_at"]
    fieldsets = [
        (
            None,
            {"fields": ["title", "slug", "summary", "description", "cover", "organizer", "contact_email"]},
        ),
        (_("When (times are UTC)"), {"fields": ["start_time", "end_time", "timezone", "sales_end"]}),
        (_("Seats"), {"fields": ["capacity", "seats_taken", "max_per_order", "price_sats"]}),
        (_("Stream"), {"fields": ["stream_url", "replay_until"]}),
        (_("State"), {"fields": ["is_active", "canceled_at", "created_at", "updated_at"]}),
    ]

    def get_object(self, request, object_id, from_field=None):
        """The event; its row is locked while a form is saved, so that a sale waits for the new capacity."""
        event = super().get_object(request, object_id, from_field)
        if event and request.method == "POST" and connection.in_atomic_block:
            event = Event.objects.select_for_update().get(pk=event.pk)
        return event

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
    list_display = fields = ["slug", "event"]
    list_select_related = ["event"]
    search_fields = ["slug", "event__title"]
    ordering = ["slug"]
