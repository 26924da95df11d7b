"""Admin actions on single tickets and on an order's links: buttons, each calling a service."""

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.roles import Ability
from tickets.models import Order, Ticket
from tickets.services.guest_list import undo_check_in
from tickets.services.refunds import refunded_sats
from tickets.services.voiding import replace_links, replace_ticket, void_ticket
from ticketsuma.admin.actions import ActionForm, StaffAction
from ticketsuma.money import MAX_SATS, SAT, format_amount, format_sats

from .money_actions import on_its_way, sent_by_staff


class ReasonForm(ActionForm):
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=200)


class VoidForm(ReasonForm):
    amount_sats = forms.IntegerField(
        label=gettext_lazy("Sats that go back"), min_value=0, max_value=MAX_SATS, initial=0, required=False
    )


def _summary(ticket: Ticket) -> list[str]:
    facts = {
        "ticket": ticket,
        "event": ticket.order.event.title,
        "price": _price(ticket),
        "back": format_sats(_refunded(ticket)),
    }
    return [
        _("Ticket %(ticket)s for %(event)s, %(price)s; of its order %(back)s went back so far.") % facts,
        _("It was used already.") if ticket.is_used else "",
    ]


def _price(ticket: Ticket) -> str:
    sats = format_sats(ticket.price_sats)
    if ticket.order.currency == SAT:
        return sats
    return f"{format_amount(ticket.price, ticket.order.currency)} ({sats})"


def _refunded(ticket: Ticket) -> int:
    return refunded_sats(ticket.order.payment) if ticket.order.payment else 0


class VoidTicket(StaffAction):
    needs = (Ability.MOVE_MONEY,)
    name = "void"
    label = gettext_lazy("Void the ticket")
    form = VoidForm
    is_grave = True

    def is_possible(self, ticket: Ticket) -> bool:
        return ticket.order.is_paid and ticket.voided_at is None

    def preview(self, ticket: Ticket) -> list[str]:
        return [*_summary(ticket), _("It opens nothing any more, and its seat is on sale again.")]

    def seen(self, ticket: Ticket) -> str:
        return f"{ticket.generation} {ticket.voided_at} {_refunded(ticket)}"

    def sats(self, ticket: Ticket, data: dict) -> int:
        amount = data["amount_sats"] or 0
        return amount and sent_by_staff(ticket.order) + amount

    def run(self, ticket: Ticket, data: dict) -> str:
        refund = void_ticket(
            ticket,
            reason=data["reason"],
            amount_sats=data["amount_sats"] or 0,
            already_refunded_sats=int(data["seen"].split()[-1]),
        )
        if refund is None:
            return _("The ticket is void and its seat is free; no money goes back.")
        return _("The ticket is void and its seat is free; %(refund)s") % {"refund": on_its_way(refund)}


class ReplaceTicket(StaffAction):
    needs = (Ability.MESSAGES,)
    asks_again = False
    name = "replace"
    label = gettext_lazy("Void it and make a new one")
    form = ReasonForm
    is_grave = True

    def is_possible(self, ticket: Ticket) -> bool:
        return ticket.admits

    def preview(self, ticket: Ticket) -> list[str]:
        return [
            *_summary(ticket),
            _("The old link and code open nothing any more; whoever watches with them is out."),
        ]

    def seen(self, ticket: Ticket) -> int:
        return ticket.generation

    def run(self, ticket: Ticket, data: dict) -> str:
        replace_ticket(ticket, reason=data["reason"])
        return _("The ticket has a new code and a new link, on its order's page.")


class ReplaceLinks(StaffAction):
    needs = (Ability.MESSAGES,)
    asks_again = False
    name = "replace-links"
    label = gettext_lazy("Replace all links")
    form = ReasonForm
    is_grave = True

    def is_possible(self, order: Order) -> bool:
        return bool(order.email) and (order.is_paid or order.is_pending)

    def preview(self, order: Order) -> list[str]:
        return [
            _("The order's link, and the links and codes of its tickets, open nothing any more."),
            _("New ones are mailed to %(address)s.") % {"address": order.email},
        ]

    def seen(self, order: Order) -> int:
        return order.generation

    def run(self, order: Order, data: dict) -> str:
        replace_links(order, reason=data["reason"])
        return _("The old links are over; the new ones are mailed to %(address)s.") % {"address": order.email}


class UndoCheckIn(StaffAction):
    needs = (Ability.DOOR,)
    asks_again = False
    name = "undo"
    label = gettext_lazy("Undo the check-in")

    def is_possible(self, ticket: Ticket) -> bool:
        return ticket.is_used and bool(ticket.check_in.by_name)

    def preview(self, ticket: Ticket) -> list[str]:
        return [*_summary(ticket), _("It may be used once more.")]

    def seen(self, ticket: Ticket) -> str:
        return str(ticket.is_used and ticket.check_in.pk)

    def run(self, ticket: Ticket, data: dict) -> str:
        undo_check_in(ticket.pk, event_id=ticket.order.event_id)
        return _("The check-in is undone: the ticket may be used once more.")


TICKET_ACTIONS = [VoidTicket(), ReplaceTicket(), UndoCheckIn()]
