from django.contrib import admin, messages
from django.db import connection
from django.shortcuts import redirect
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from accounts.roles import Ability, may, visible
from ticketsuma.admin.actions import StaffActionsMixin
from ticketsuma.admin.base import ByRole, ReadOnlyAdmin, ReadOnlyInline, amount_column
from ticketsuma.admin.event_times import moment_column, with_moments
from ticketsuma.admin.history import KeepsHistory
from ticketsuma.admin.stale_forms import UnstaleAdmin
from ticketsuma.paginator import GrowingPaginator
from ticketsuma.templatetags.display import number

from .catalogue_admin import TicketTypeInline
from .catalogue_models import lock_catalogue
from .code_admin import PromoCodeAdmin  # noqa: F401, Django looks for it here
from .forms import EventForm, OrganizerForm
from .models import Event, FormerSlug, Invitation, Membership, Organizer
from .publishing import preview_path
from .question_admin import QuestionInline
from .team_actions import INVITATION_ACTIONS, MEMBERSHIP_ACTIONS, ORGANIZER_ACTIONS

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


class StateFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request, model_admin):
        return [("draft", _("Drafts")), ("published", _("Published")), ("canceled", _("Canceled"))]

    def queryset(self, request, queryset):
        match self.value():
            case "draft":
                return queryset.filter(is_active=False, canceled_at=None)
            case "published":
                return queryset.filter(is_active=True, canceled_at=None)
            case "canceled":
                return queryset.exclude(canceled_at=None)
        return queryset


class BaseEventAdmin(UnstaleAdmin, ByRole, KeepsHistory, admin.ModelAdmin):
    """Staff describe events; seats are counted by sales alone (`tickets.admin` registers it)."""

    sees = (Ability.SEE_GUESTS, Ability.SEE_MONEY)
    changes = (Ability.MANAGE_EVENTS,)
    event_path = ""
    form = EventForm
    list_display = [
        "title", moment_column("start_time", _("start"), ""), "sold",
        amount_column("lowest_price", _("price"), "currency", "price_sats"), "state", "shown_organizer",
    ]  # fmt: skip
    list_select_related = ["organizer"]
    list_filter = [WhenFilter, StateFilter]
    search_fields = ["search_key__folded", "slug"]
    ordering = ["-start_time"]
    paginator = GrowingPaginator
    list_per_page = 50
    show_full_result_count = False
    actions = None
    inlines = [TicketTypeInline, QuestionInline]
    prepopulated_fields = {"slug": ["title"]}
    readonly_fields = ["seats_taken", "state", "preview_link", *DATES]
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
                "fields": ["timezone", "start_time", "end_time", "sales_end"],
            },
        ),
        (_("Seats"), {"fields": ["capacity", "seats_taken", "max_per_order", ("currency", "price_sats")]}),
        (_("Money back"), {"fields": ["refund_hours", "refunds_when_moved"]}),
        (_("Stream"), {"fields": ["stream_url", "replay_until"]}),
        (_("State"), {"fields": ["state", "preview_link", *DATES]}),
    ]

    def get_object(self, request, object_id, from_field=None):
        """Saving locks in the order of sales: types before the event."""
        if request.method == "POST" and connection.in_atomic_block and str(object_id).isdecimal():
            lock_catalogue(int(object_id))
        return super().get_object(request, object_id, from_field)

    def get_view_on_site_url(self, obj=None) -> str | None:
        return obj and obj.get_absolute_url()

    def get_fieldsets(self, request, obj=None):
        """The stream's address is for those who set it: whoever may only look is no ticket holder."""
        fieldsets = super().get_fieldsets(request, obj)
        if self.has_view_permission(request, obj) and not self.has_change_permission(request, obj):
            return [
                (title, {**facts, "fields": [name for name in facts["fields"] if name != "stream_url"]})
                for title, facts in fieldsets
            ]
        return fieldsets

    def get_field_queryset(self, db, db_field, request):
        if db_field.name == "organizer":
            return _organizers_for_events(request.user)
        return super().get_field_queryset(db, db_field, request)

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        """Whoever is no operator makes no event of the shop's own."""
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if field and db_field.name == "organizer" and not may(request.user, Ability.OPERATE):
            field.required = True
        return field

    def get_changeform_initial_data(self, request):
        """Who works for one organizer begins with its name and policies."""
        initial = super().get_changeform_initial_data(request)
        organizers = [] if may(request.user, Ability.OPERATE) else _organizers_for_events(request.user)[:2]
        if len(organizers) == 1:
            [organizer] = organizers
            initial |= {"organizer": organizer, "refunds_when_moved": organizer.refunds_when_moved}
        return initial

    def get_readonly_fields(self, request, obj=None):
        """An event stays with its organizer, whose statement it is in; an operator may mend a mistake."""
        fields = super().get_readonly_fields(request, obj)
        return fields if obj is None or may(request.user, Ability.OPERATE) else [*fields, "organizer"]

    @admin.display(description=_("organizer"), ordering="organizer_name")
    def shown_organizer(self, event: Event) -> str:
        return event.shown_organizer

    def save_model(self, request, obj, form, change):
        """What staff begin is a draft, until they publish it."""
        if not change:
            obj.is_active = False
        super().save_model(request, obj, form, change)

    @admin.display(description=_("sold"), ordering="seats_taken")
    def sold(self, event: Event) -> str:
        return _("%(sold)s of %(total)s") % {
            "sold": number(event.seats_taken), "total": number(event.capacity),
        }  # fmt: skip

    def response_add(self, request, obj, post_url_continue=None):
        """A new event is looked at next, and published: its page leads to both."""
        if "_addanother" in request.POST:
            return super().response_add(request, obj, post_url_continue)
        messages.success(
            request, _("It is saved as a draft, which nobody else sees. Look at it, then publish it.")
        )
        return redirect("admin:events_event_change", obj.pk)

    @admin.display(description=_("link for a preview"))
    def preview_link(self, event: Event) -> str | Promise:
        """For whoever should look at a draft without an account."""
        if event.pk is None or event.is_active or event.is_canceled:
            return "-"
        return format_html(
            '<a href="{0}">{1}</a>',
            preview_path(event),
            _("Opens the draft for whoever has this link, for 30 days"),
        )

    @admin.display(description=_("state"))
    def state(self, event: Event) -> str | Promise:
        if event.pk is None:
            return _("new: it is saved as a draft")
        if event.is_canceled:
            return _("canceled")
        if not event.is_active:
            return _("draft")
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


# -- organizers and their teams -----------------------------------------------------------------
def _organizers_for_events(user):
    return visible(user, Organizer.objects.filter(closed_at=None), Ability.MANAGE_EVENTS)


class MembershipInline(ReadOnlyInline):
    sees = (Ability.TEAM,)
    model = Membership
    fields = readonly_fields = ["user", "role", "created_at"]


class InvitationInline(ReadOnlyInline):
    sees = (Ability.TEAM,)
    model = Invitation
    fields = readonly_fields = ["email", "role", "sent_at"]


class BaseOrganizerAdmin(StaffActionsMixin, UnstaleAdmin, ByRole, KeepsHistory, admin.ModelAdmin):
    """Operators make an organizer and invite its first owner, who does the rest (`tickets` registers it)."""

    sees = (Ability.SEE_MONEY, Ability.MANAGE_EVENTS)
    changes = (Ability.TEAM,)
    staff_actions = ORGANIZER_ACTIONS
    form = OrganizerForm
    list_display = ["name", "contact_email", "closed_at"]
    search_fields = ["name", "slug"]
    ordering = ["name"]
    list_per_page = 50
    show_full_result_count = False
    actions = None
    inlines = [MembershipInline, InvitationInline]
    readonly_fields = ["closed_at", "created_at"]
    fieldsets = [
        (None, {"fields": ["name", "slug", "description", "logo", "contact_email"]}),
        (_("Legal details"), {"fields": ["legal_name", "legal_address", "tax_number"]}),
        (_("Policies"), {"fields": ["refunds_when_moved"]}),
        (_("State"), {"fields": ["closed_at", "created_at"]}),
    ]

    def get_view_on_site_url(self, obj=None) -> str | None:
        return obj and obj.get_absolute_url()

    def has_add_permission(self, request, obj=None) -> bool:
        return may(request.user, Ability.OPERATE)

    def has_delete_permission(self, request, obj=None) -> bool:
        """One that ever held an event is closed instead: its books stay."""
        return may(request.user, Ability.OPERATE) and (obj is None or not obj.events.exists())


@admin.register(Membership)
class MembershipAdmin(StaffActionsMixin, ReadOnlyAdmin):
    """Who works for an organizer; roles are changed by buttons, which keep the last owner."""

    sees = (Ability.TEAM,)
    staff_actions = MEMBERSHIP_ACTIONS
    list_display = ["user", "organizer", "role", "created_at"]
    list_filter = ["role"]
    list_select_related = ["user", "organizer"]
    search_fields = ["user__search_key__folded", "organizer__name"]
    ordering = ["organizer__name", "created_at"]
    fields = ["user", "organizer", "role", "doors", "created_at"]

    @admin.display(description=_("events"))
    def doors(self, membership: Membership) -> str:
        return ", ".join(event.title for event in membership.events.all()) or "-"


@admin.register(Invitation)
class InvitationAdmin(StaffActionsMixin, ReadOnlyAdmin):
    sees = (Ability.TEAM,)
    staff_actions = INVITATION_ACTIONS
    list_display = ["email", "organizer", "role", "sent_at"]
    list_select_related = ["organizer"]
    search_fields = ["email", "organizer__name"]
    ordering = ["-sent_at"]
    fields = ["email", "organizer", "role", "invited_by", "sent_at"]
