"""Admin actions on single tickets: buttons, each calling a service."""

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tickets.models import Order, Ticket
from tickets.services.refunds import refunded_sats
from tickets.services.voiding import replace_links, replace_ticket, void_ticket
from ticketsuma.admin.actions import ActionForm, StaffAction
from ticketsuma.money import MAX_SATS, format_sats

from .money_actions import on_its_way


class ReasonForm(ActionForm):
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=200)


class VoidForm(ReasonForm):
    amount_sats = forms.IntegerField(
        label=gettext_lazy("Sats that go back"), min_value=0, max_value=MAX_SATS, initial=0, required=False
    )


def _story(ticket: Ticket) -> list[str]:
    facts = {
        "ticket": ticket, "event": ticket.order.event.title, "price": format_sats(ticket.order.price_sats),
        "back": format_sats(_refunded(ticket)),
    }  # fmt: skip
    return [
        _("Ticket %(ticket)s for %(event)s, %(price)s; of its order %(back)s went back so far.") % facts,
        _("It was used already.") if ticket.is_used else "",
    ]


def _refunded(ticket: Ticket) -> int:
    return refunded_sats(ticket.order.payment) if ticket.order.payment else 0


def _void(ticket: Ticket, asked: dict) -> str:
    refund = void_ticket(
        ticket, reason=asked["reason"], amount_sats=asked["amount_sats"] or 0,
        already_refunded_sats=int(asked["seen"].split()[-1]),
    )  # fmt: skip
    if refund is None:
        return _("The ticket is void and its seat is free; no money goes back.")
    return _("The ticket is void and its seat is free; %(refund)s") % {"refund": on_its_way(refund)}


def _replace(ticket: Ticket, asked: dict) -> str:
    replace_ticket(ticket, reason=asked["reason"])
    return _("The ticket has a new code and a new link, on its order's page.")


def _replace_links(order: Order, asked: dict) -> str:
    replace_links(order, reason=asked["reason"])
    return _("The old links are over; the new ones are mailed to %(address)s.") % {"address": order.email}


TICKET_ACTIONS = [
    StaffAction(
        "void", gettext_lazy("Void the ticket"),
        lambda ticket: [*_story(ticket), _("It opens nothing any more, and its seat is on sale again.")],
        _void, is_open=lambda ticket: ticket.order.is_paid and ticket.voided_at is None,
        seen=lambda ticket: f"{ticket.generation} {ticket.voided_at} {_refunded(ticket)}",
        form=VoidForm, is_grave=True,
    ),
    StaffAction(
        "replace", gettext_lazy("Void it and make a new one"),
        lambda ticket: [
            *_story(ticket),
            _("The old link and code open nothing any more; whoever watches with them is out."),
        ],
        _replace, is_open=lambda ticket: ticket.admits, seen=lambda ticket: ticket.generation,
        form=ReasonForm, is_grave=True,
    ),
]  # fmt: skip

REPLACE_LINKS = StaffAction(
    "replace-links", gettext_lazy("Replace all links"),
    lambda order: [
        _("The order's link, and the links and codes of its tickets, open nothing any more."),
        _("New ones are mailed to %(address)s.") % {"address": order.email},
    ],
    _replace_links, is_open=lambda order: bool(order.email) and (order.is_paid or order.is_pending),
    seen=lambda order: order.generation, form=ReasonForm, is_grave=True,
)  # fmt: skip
