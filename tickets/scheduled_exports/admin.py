"""Admin of scheduled exports, and of their mails."""

from django.contrib import admin, messages
from django.shortcuts import redirect
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _

from accounts.roles import Ability, may, visible
from events.models import Event
from events.organizer_models import Organizer
from ticketsuma.admin.actions import JobAdmin
from ticketsuma.admin.base import ByRole
from ticketsuma.admin.history import KeepsHistory
from ticketsuma.admin.stale_forms import UnstaleAdmin
from ticketsuma.paginator import GrowingPaginator

from .forms import ScheduledExportForm
from .models import ExportMail, ScheduledExport
from .services import plan

SEES = (Ability.SEE_GUESTS, Ability.SEE_MONEY)
CHANGES = (Ability.MANAGE_EVENTS, Ability.MOVE_MONEY)
TIMES = {"every", "hour", "timezone", "is_active"}
MOST_MAILS = 20


@admin.register(ScheduledExport)
class ScheduledExportAdmin(UnstaleAdmin, ByRole, KeepsHistory, admin.ModelAdmin):
    """Begun with organizer and table; its page asks for the rest, and switches it on."""

    sees, changes = SEES, CHANGES
    form = ScheduledExportForm
    list_display = ["__str__", "event", "every", "hour", "timezone", "is_active", "next_on"]
    list_filter = ["is_active", "every"]
    list_select_related = ["organizer", "event"]
    ordering = ["-created_at"]
    paginator = GrowingPaginator
    list_per_page = 50
    show_full_result_count = False
    actions = None
    readonly_fields = ["next_on", "shown_table", "mailed"]

    def has_change_permission(self, request, obj=None) -> bool:
        """Nobody changes to whom a table goes that they may not see themselves."""
        if not super().has_change_permission(request, obj):
            return False
        return obj is None or may(request.user, obj.of.needs, obj.organizer)

    has_delete_permission = has_change_permission

    def get_deleted_objects(self, objs, request):
        """Its mails go with it, whoever may delete those."""
        to_delete, counts, _others, protected = super().get_deleted_objects(objs, request)
        return to_delete, counts, set(), protected

    def get_readonly_fields(self, request, obj=None):
        return [*self.readonly_fields, *(["organizer", "table"] if obj else [])]

    def get_fieldsets(self, request, obj=None):
        if obj is None:
            return [(None, {"fields": ["organizer", "table"]})]
        fields = ["organizer", "shown_table", "event", "columns", "format", "every", ("hour", "timezone"),
                  "recipients", "is_active"]  # fmt: skip
        seen = ["seen"] if self.has_change_permission(request, obj) else []
        return [(None, {"fields": [*fields, *seen]}), (_("State"), {"fields": ["next_on", "mailed"]})]

    def get_field_queryset(self, db, db_field, request):
        if db_field.name == "organizer":
            return visible(request.user, Organizer.objects.filter(closed_at=None), *CHANGES)
        if db_field.name == "event":
            return visible(request.user, Event.objects.all(), *SEES)
        return None  # the form says which people

    def save_model(self, request, obj, form, change):
        if not change:
            newest = Event.objects.filter(organizer=obj.organizer).order_by("-pk")
            obj.timezone = newest.values_list("timezone", flat=True).first() or "UTC"
        if TIMES & {*form.changed_data}:
            plan(obj)
        super().save_model(request, obj, form, change)

    def response_add(self, request, obj, post_url_continue=None):
        messages.success(request, _("It is begun. Choose when and to whom it is mailed, then switch it on."))
        return redirect("admin:scheduled_exports_scheduledexport_change", obj.pk)

    # -- columns ------------------------------------------------------------------------------
    @admin.display(description=_("table"))
    def shown_table(self, schedule: ScheduledExport) -> str:
        return str(schedule.of.label)

    @admin.display(description=_("last mails"))
    def mailed(self, schedule: ScheduledExport) -> str:
        """Who got it, and why somebody did not."""
        mails = schedule.mails.select_related("recipient").order_by("-last", "recipient__email")[:MOST_MAILS]
        lines = ((mail.first, mail.last, mail.recipient.email, mail.says) for mail in mails)
        return format_html_join("", "<div>{} – {} · {} · {}</div>", lines) or "-"


@admin.register(ExportMail)
class ExportMailAdmin(JobAdmin):
    sees = SEES
    list_display = ["schedule", "recipient", "first", "last", "status", "why", "sent_at"]
    list_filter = ["status", "why"]
    list_select_related = ["schedule__organizer", "recipient"]
    ordering = ["-last"]
