"""Giving back: buyers return unused tickets, for the money that the refund policy of their order promises."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.history import record
from payments import refunds as payment_refunds
from payments.models import IncomingPayment, Payment, Refund
from tickets.models import Order, Ticket
from ticketsuma.errors import DomainError
from ticketsuma.money import MSATS_PER_SAT
from ticketsuma.state_machine import InvalidTransition

from .refunds import refund_order
from .seats import give_back_tickets
from .voiding import NotVoidable


class GiveBackChanged(InvalidTransition):
    code = "give_back_changed"
    message = _("What comes back for this has changed. Please look again.")


class PolicyChanged(DomainError):
    code = "refund_policy_changed"
    message = _("What can be given back has changed meanwhile; it stands below. Press again if you agree.")


@dataclass(frozen=True)
class GiveBack:
    """What giving `tickets` back would do now: `back_sats` go to `to`, empty where it has to be asked for."""

    tickets: list[Ticket]
    back_sats: int
    to: str = ""


def may_give_back(order: Order) -> bool:
    """Whether this order, whose event is loaded, has tickets that its buyer may give back, money or not."""
    return order.is_paid and not order.event.is_canceled and not order.event.is_past


def is_refundable(order: Order) -> bool:
    """Whether money comes back for its tickets at this moment."""
    until = order.refundable_until
    return may_give_back(order) and until is not None and timezone.now() < until


def preview_give_back(order: Order, ticket_ids: Collection | None = None) -> GiveBack:
    """What `give_back` of these tickets, or of all that nobody used, would do; nothing changes.

    Raises NotVoidable when one of them is used or void, or none is left.
    """
    payment = order.payment
    incoming = payment.incoming_payments.filter(applied_msats__gt=0).first() if payment else None
    return _reckon(order, incoming, ticket_ids)


def give_back(order: Order, ticket_ids: Collection, *, expected_sats: int | None = None) -> Refund | None:
    """Void unused tickets of a paid order by its buyer's wish, free their seats, and send their money back.

    Until the order's `refundable_until` each ticket's price comes back, less its share of what went back
    before; later nothing. With `expected_sats` it is that much or GiveBackChanged. When all of the money
    goes, the order is canceled. Raises NotVoidable when one of them is used or void, or the event is over
    or canceled: so of two at once one wins. Lock order: payment → order → types → event.
    """
    with transaction.atomic():
        payment = Payment.objects.select_for_update().get(pk=order.payment_id) if order.payment_id else None
        locked = Order.objects.select_for_update(of=("self",)).select_related("event").get(pk=order.pk)
        incoming, locked.payment = None, payment
        if payment:
            incoming = payment.incoming_payments.select_for_update().filter(applied_msats__gt=0).first()
        plan = _reckon(locked, incoming, ticket_ids)
        if expected_sats not in (None, plan.back_sats):
            raise GiveBackChanged
        back_msats = plan.back_sats * MSATS_PER_SAT
        record("give_back", locked, tickets=len(plan.tickets), sats=plan.back_sats)
        if incoming and back_msats == incoming.applied_msats:
            return refund_order(locked, reason=Refund.Reason.GIVEN_BACK)
        locked.tickets.filter(pk__in=[ticket.pk for ticket in plan.tickets]).update(voided_at=timezone.now())
        refund = None
        if incoming and back_msats:
            reason = Refund.Reason.GIVEN_BACK
            refund = payment_refunds.take_back(incoming, amount_msats=back_msats, reason=reason)
        give_back_tickets(locked, plan.tickets)
    return refund


def gave_back(order: Order, tickets: list[Ticket]) -> bool:
    """Whether these tickets are given back already."""
    back = Refund.objects.filter(incoming_payment__payment__order=order, reason=Refund.Reason.GIVEN_BACK)
    if order.status == Order.Status.CANCELED and back.exists():
        return True
    return not order.tickets.filter(pk__in=[ticket.pk for ticket in tickets], voided_at=None).exists()


def _reckon(order: Order, incoming: IncomingPayment | None, ticket_ids: Collection | None) -> GiveBack:
    """Shares are of the money that is still with us: staff may have sent a part back already."""
    good = list(order.tickets.filter(voided_at=None).select_related("check_in", "line__type"))
    unused = [ticket for ticket in good if not ticket.is_used]
    chosen = [ticket for ticket in unused if ticket_ids is None or ticket.pk in ticket_ids]
    is_whole = ticket_ids is None or len(chosen) == len(set(ticket_ids))
    if not (may_give_back(order) and chosen and is_whole):
        raise NotVoidable
    if incoming is None or not is_refundable(order):
        return GiveBack(chosen, 0)
    due, share, left = _worth(good), _worth(chosen), incoming.applied_msats // MSATS_PER_SAT
    if not due:  # only what was free is left
        return GiveBack(chosen, 0)
    back = sats_back(order.amount_sats, order.amount, due=due, share=share, left_sats=left)
    return GiveBack(chosen, back, payment_refunds.refund_address(incoming))


def sats_back(amount_sats: int, amount: int, *, due: Fraction, share: Fraction, left_sats: int) -> int:
    """What tickets worth `share` bring back of an order whose `amount` minor units came to `amount_sats`.

    `due` is what its good tickets are worth, those included, and `left_sats` the money that is still with
    us. Whatever the parts and their order, all of them bring `amount_sats`; where staff sent a part of the
    money back already, each brings its share of the rest.
    """
    before = amount - due
    part = floor(amount_sats * (before + share) / amount) - floor(amount_sats * before / amount)
    return min(part, ceil(left_sats * share / due))


def _worth(tickets: list[Ticket]) -> Fraction:
    """What `tickets` cost in minor units, exactly; their lines are loaded."""
    worth = Fraction(sum(ticket.order.price_sats for ticket in tickets if ticket.line is None))
    of_lines = Counter(ticket.line for ticket in tickets if ticket.line)
    return worth + sum(Fraction(line.amount * count, line.quantity) for line, count in of_lines.items())
