from datetime import UTC, datetime
from typing import Any

import allauth.account.admin
import allauth.mfa.admin  # noqa: F401, registers Authenticator, likewise
import django.contrib.auth.admin  # noqa: F401, registers Group, likewise
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.auth.models import Group
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext_lazy as _

from ticketsuma.admin.base import ReadOnlyAdmin
from ticketsuma.admin.event_times import words
from ticketsuma.admin.stale_forms import UnstaleAdmin, UnstaleForm

from .authentication import end_tokens
from .history import HistoryEntry, record
from .models import Usage, User
from .roles import Ability, may
from .second_person import PendingAct
from .sessions import SignIn

admin.site.unregister(Group)  # who is staff stands in ADMIN_EMAILS
admin.site.unregister(EmailAddress)  # a mailbox is proven by its owner, not ticked by staff
admin.site.unregister(Authenticator)  # its secrets are nobody's to see


@admin.register(User)
class UserAdmin(UnstaleAdmin, ReadOnlyAdmin):
    """Admin of users: staff may deactivate one, and change nothing else."""

    sees = changes = (Ability.OPERATE,)
    form = UnstaleForm
    list_display = ["email", "name", "is_active", "verified", "staff", "created_at"]
    list_filter = ["is_active", "created_at"]
    search_fields = ["search_key__folded"]
    ordering = ["-created_at"]
    fields = ["email", "name", "is_active", "verified", "staff", "created_at", "updated_at", "last_login"]

    def has_change_permission(self, request, obj=None):
        return may(request.user, Ability.OPERATE)

    def get_readonly_fields(self, request, obj=None):
        names = flatten_fieldsets(self.get_fieldsets(request, obj))
        return [name for name in names if name not in ("is_active", "seen")]

    def save_model(self, request, user, form, change):
        """Who was shut out starts with no token when let in again."""
        super().save_model(request, user, form, change)
        if not user.is_active:
            end_tokens(user)

    def record_saved(self, form):
        if "is_active" in form.changed_data:
            record("let_in" if form.instance.is_active else "shut_out", form.instance)

    def get_queryset(self, request):
        own = EmailAddress.objects.filter(user=OuterRef("pk"), email=OuterRef("email"), verified=True)
        return super().get_queryset(request).annotate(is_verified=Exists(own))

    @admin.display(boolean=True, description=_("verified e-mail"), ordering="is_verified")
    def verified(self, user: Any) -> bool:
        return user.is_verified

    @admin.display(boolean=True, description=_("staff"))
    def staff(self, user: Any) -> bool:
        return user.is_verified and user.is_listed_as_staff


@admin.register(HistoryEntry)
class HistoryAdmin(ReadOnlyAdmin):
    """Admin of the history, read-only."""

    sees = (Ability.OPERATE,)
    list_display = ["at", "who", "row", "row_name", "says", "via"]
    list_filter = ["at", "act", "row", "via"]
    search_fields = ["actor_email", "actor_name", "actor__search_key__folded", "row_name", "=row_id"]
    ordering = ["-at", "-pk"]
    fields = ["at", "who", "actor_name", "via", "row", "row_name", "row_id", "says"]

    @admin.display(description=_("actor"), ordering="actor_email")
    def who(self, entry: HistoryEntry) -> str:
        return entry.who

    @admin.display(description=_("action"))
    def says(self, entry: HistoryEntry) -> str:
        return entry.says


@admin.register(PendingAct)
class PendingActAdmin(ReadOnlyAdmin):
    """What took two persons, or waits for the second; it is decided on the page of its row."""

    sees = (Ability.OPERATE,)
    list_display = ["asked_at", "row_name", "action", "sats", "status", "asked_email", "decided_email"]
    list_filter = ["status", "asked_at"]
    search_fields = ["row_name", "asked_email", "decided_email"]
    ordering = ["-asked_at"]
    fields = [
        "asked_at", "row", "row_name", "action", "sats", "status", "asked_email", "decided_email",
        "decided_at",
    ]  # fmt: skip


@admin.register(SignIn)
class SignInAdmin(ReadOnlyAdmin):
    """Where people are signed in, roughly; never the session's key, which would sign in whoever reads it."""

    sees = (Ability.OPERATE,)
    list_display = fields = ["user", "device", "network", "at"]
    list_select_related = ["user"]
    search_fields = ["user__search_key__folded"]
    ordering = ["-at"]


@admin.register(Usage)
class UsageAdmin(ReadOnlyAdmin):
    """Admin of the rate limits' counters, read-only; clients appear as digests."""

    sees = (Ability.OPERATE,)
    list_display = fields = ["key", "uses", "ends"]
    ordering = ["-until"]

    @admin.display(description=_("counted until"), ordering="until")
    def ends(self, usage: Usage) -> str:
        return words(datetime.fromtimestamp(usage.until, UTC), "UTC")
