"""Admin of mails, in the words of their states, and of suppressed addresses."""

from django.contrib import admin
from django.db.models import OuterRef, Subquery
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from accounts.roles import Ability
from tickets.admin import EventAdmin, FindsCodes, OrderAdmin
from tickets.admin_filters import OrderEventFilter
from tickets.models import Mail
from ticketsuma.admin.actions import JobAdmin, StaffActionsMixin, TryAgain
from ticketsuma.admin.base import ParkedFilter, ReadOnlyAdmin

from .actions import ORDER_MAIL_ACTIONS, LiftOne, Resend
from .models import Suppressed
from .states import STATE_WORDS, STATES, came_back, state_of
from .suppression import key_of

WAY_BACK = _("Came back, and somebody waits for it")


class StateFilter(admin.SimpleListFilter):
    """What became of a mail; `came_back` are those that need somebody."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request, model_admin):
        return [("came_back", WAY_BACK), *STATE_WORDS.items()]

    def queryset(self, request, queryset):
        if self.value() == "came_back":
            return came_back(queryset)
        return queryset.filter(STATES[self.value()]) if self.value() in STATES else queryset


@admin.register(Mail)
class MailAdmin(FindsCodes, JobAdmin):
    sees = (Ability.MESSAGES,)
    staff_actions = [Resend(), TryAgain()]
    event_path = "order.event"
    list_display = ["order", "kind", "to", "state", "again", "created_at", "sent_at", "said"]
    list_filter = [StateFilter, OrderEventFilter, "kind", ParkedFilter, "created_at"]
    list_select_related = ["order__event"]
    code_fields = ("order__code",)
    search_fields = ["to", "=order__code", "order__search_key__folded"]
    ordering = ["-created_at"]
    fields = [
        "order", "kind", "to", "state", "said", "created_at", "sent_at", "attempts", "next_attempt_at",
        "failing_since", "parked_at", "last_error", "about", "id",
    ]  # fmt: skip

    @admin.display(description=_("state"), ordering="status")
    def state(self, mail: Mail) -> str:
        return str(STATE_WORDS[state_of(mail)])

    @admin.display(description=_("what the mail server said"))
    def said(self, mail: Mail) -> str:
        return mail.last_error.partition(": ")[2] if state_of(mail) == "bounced" else "-"

    @admin.display(description=_("again"))
    def again(self, mail: Mail) -> str:
        if state_of(mail) not in ("given_up", "bounced", "suppressed"):
            return "-"
        url = reverse("admin:tickets_mail_act", args=[mail.pk, Resend.name])
        return format_html('<a href="{}">{}</a>', url, _now("Mail it again"))


@admin.register(Suppressed)
class SuppressedAdmin(StaffActionsMixin, ReadOnlyAdmin):
    """To be found by the whole address; of orders that are kept, the address is shown."""

    sees = (Ability.OPERATE,)
    staff_actions = [LiftOne()]
    list_display = ["address", "why", "said", "at"]
    list_filter = ["why", "at"]
    fields = ["address", "why", "said", "at", "key"]
    search_fields = ["=key"]
    search_help_text = _("The whole address.")
    ordering = ["-at"]

    def get_queryset(self, request):
        to = Mail.objects.filter(pk=OuterRef("mail_id")).values("to")
        return super().get_queryset(request).annotate(to=Subquery(to[:1]))

    def get_search_results(self, request, queryset, search_term):
        term = search_term.strip()
        return super().get_search_results(request, queryset, key_of(term) if "@" in term else term)

    @admin.display(description=_("address"))
    def address(self, row: Suppressed) -> str:
        return getattr(row, "to", None) or _now("its orders are forgotten")


EventAdmin.extend(actions=[Resend()])
OrderAdmin.extend(actions=ORDER_MAIL_ACTIONS)
