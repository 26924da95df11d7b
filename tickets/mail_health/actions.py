"""Buttons for mails that did not arrive, and for addresses to which nothing is mailed."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.roles import Ability
from events.models import Event
from tickets.models import Mail, Order
from ticketsuma.admin.actions import StaffAction
from ticketsuma.bidi import isolate

from .models import Suppressed
from .states import resend, undelivered
from .suppression import lift, stop_by_hand, stopped, stopped_of


class Resend(StaffAction):
    """On a mail, and on an event for all of its mails."""

    needs = (Ability.MESSAGES,)
    asks_again = False
    name = "resend"
    label = gettext_lazy("Mail again what did not arrive")

    def mails(self, row: Any):
        return (
            Mail.objects.filter(order__event=row)
            if isinstance(row, Event)
            else Mail.objects.filter(pk=row.pk)
        )

    def is_possible(self, row: Any) -> bool:
        return undelivered(self.mails(row)).exists()

    def seen(self, row: Any) -> object:
        return undelivered(self.mails(row)).count()

    def preview(self, row: Any) -> list[str]:
        count = undelivered(self.mails(row)).count()
        says = ngettext(
            "%(count)s mail did not arrive and is tried again.",
            "%(count)s mails did not arrive and are tried again.",
            count,
        )
        return [isolate(str(row)), says % {"count": count}, *self._stops(row)]

    def _stops(self, row: Any) -> list[str]:
        if not isinstance(row, Mail) or not (stop := stopped(row.to)):
            return []
        says = _(
            "Nothing is mailed to %(address)s, so it will not be sent: %(why)s. Lift it on the order first."
        )
        return [says % {"address": row.to, "why": stop.get_why_display()}]

    def run(self, row: Any, data: dict) -> str:
        count = resend(self.mails(row))
        return ngettext(
            "%(count)s mail is tried again.", "%(count)s mails are tried again.", count
        ) % {"count": count}  # fmt: skip


class Lift(StaffAction):
    """On an order: what did not arrive there goes out again, too."""

    needs = (Ability.MESSAGES,)
    asks_again = False
    name = "lift"
    label = gettext_lazy("Mail to this address again")

    def is_possible(self, order: Order) -> bool:
        return bool(stopped_of(order))

    def preview(self, order: Order) -> list[str]:
        says = _("Nothing is mailed to %(address)s: %(why)s. %(said)s")
        lines = [
            says % {"address": address, "why": row.get_why_display(), "said": row.said}
            for address, row in sorted(stopped_of(order).items())
        ]
        return [*lines, _("Lift it when the mailbox is there again. What did not arrive is mailed at once.")]

    def seen(self, order: Order) -> object:
        return sorted(row.pk for row in stopped_of(order).values())

    def run(self, order: Order, data: dict) -> str:
        addresses = lift(order)
        resend(order.mails.filter(to__in=addresses))
        return _("Mails go to %(address)s again.") % {"address": ", ".join(addresses)}


class Stop(StaffAction):
    """Whoever has the mailbox gets nothing of any organizer, so it takes an operator."""

    needs = (Ability.OPERATE,)
    asks_again = False
    name = "stop-mails"
    label = gettext_lazy("Mail nothing to this address")

    def is_possible(self, order: Order) -> bool:
        return bool(order.email) and stopped(order.email) is None

    def preview(self, order: Order) -> list[str]:
        says = _("Nothing about any order is mailed to %(address)s any more, tickets neither.")
        return [says % {"address": order.email}, _("It can be lifted here.")]

    def seen(self, order: Order) -> object:
        return order.email

    def run(self, order: Order, data: dict) -> str:
        stop_by_hand(order)
        return _("Nothing is mailed to %(address)s any more.") % {"address": order.email}


class LiftOne(StaffAction):
    """On a suppressed address, complaints too."""

    needs = (Ability.OPERATE,)
    asks_again = False
    name = "lift"
    label = gettext_lazy("Lift it")

    def preview(self, row: Suppressed) -> list[str]:
        return [str(row.get_why_display()), _("Mails go there again.")]

    def seen(self, row: Suppressed) -> object:
        return row.pk

    def run(self, row: Suppressed, data: dict) -> str:
        row.delete()
        return _("Mails go there again.")


ORDER_MAIL_ACTIONS: list[StaffAction] = [Lift(), Stop()]
