"""Voiding and replacing tickets: one ticket of an order, or all of its links."""

import contextlib

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.history import record
from payments import refunds as payment_refunds
from payments.models import Payment, Refund
from payments.nwc.services import forget_idle_wallet_of
from tickets.mail.messages import mail_holder, mail_holders, mail_tickets_again
from tickets.models import Order, Ticket, Viewer, new_ticket_code
from tickets.signals import links_renewed
from ticketsuma.errors import DomainError
from ticketsuma.state_machine import InvalidTransition

from .refunds import take_part
from .seats import give_back_tickets


class NotVoidable(InvalidTransition):
    code = "not_voidable"
    message = _("This ticket opens nothing any more, or is used: it can no longer be changed.")


class ReplacedAlready(InvalidTransition):
    message = _("This was just replaced: there is a new link already.")


class NoMailbox(DomainError):
    code = "no_mailbox"
    message = _("This order has no e-mail address to which new links could go.")


def void_ticket(
    ticket: Ticket, *, reason: str = "", amount_sats: int = 0, already_refunded_sats: int = 0
) -> Refund | None:
    """Void one ticket of a paid order and free its seat; with `amount_sats`, that much goes back.

    The seat is on sale again, and the ticket opens neither the door nor the stream, also where somebody
    is watching. Of two at once one wins; the other gets NotVoidable. `already_refunded_sats` is what the
    asker saw, as in `refund_part`. Raises TooMuch. Lock order: payment → order → type → event.
    """
    with transaction.atomic():
        order, payment = _lock(ticket)
        now = timezone.now()
        voided = Ticket.objects.filter(pk=ticket.pk, voided_at=None, order__status=Order.Status.PAID)
        if not voided.update(voided_at=now):
            raise NotVoidable
        Viewer.objects.filter(ticket=ticket).delete()
        refund = _give_back(order, payment, amount_sats, already_refunded_sats) if amount_sats else None
        record("void", ticket, **({"said": reason} if reason else {}), sats=amount_sats)
        give_back_tickets(order, [ticket])
    ticket.voided_at = now
    return refund


def _give_back(order: Order, payment: Payment | None, amount_sats: int, before_sats: int) -> Refund:
    if payment is None:
        raise payment_refunds.TooMuch
    return take_part(order, payment, amount_sats, before_sats)


def replace_ticket(ticket: Ticket, *, reason: str = "") -> Ticket:
    """Give the seat a new code and a new link: whoever holds the old ones holds nothing.

    Whoever watches with the old link is out. A check-in stays, so a used ticket lets nobody in twice.
    Of two at once one wins; the other, whose `ticket` is of the generation before, gets ReplacedAlready.
    Raises NotVoidable.
    """
    with transaction.atomic():
        _lock(ticket)
        if not Ticket.objects.admitting().filter(pk=ticket.pk).exists():
            raise NotVoidable
        if not Ticket.objects.filter(pk=ticket.pk, generation=ticket.generation).exists():
            raise ReplacedAlready
        _renew(ticket)
        if ticket.holder_email not in ("", ticket.order.email):
            mail_holder(ticket.order, ticket.holder_email)
        record("replace", ticket, **({"said": reason} if reason else {}))
    return ticket


def replace_links(order: Order, *, reason: str = "") -> None:
    """End the order's link and the links and codes of its tickets, and mail the new ones to its buyer.

    They are shown to nobody: whoever asks may be the one to whom the old link leaked. Of two at once one
    wins; the other, whose `order` is of the generation before, gets ReplacedAlready. Raises NoMailbox.
    """
    if not order.email:
        raise NoMailbox
    with transaction.atomic():
        locked = Order.objects.select_for_update(of=("self",)).get(pk=order.pk)
        if locked.status not in (Order.Status.PENDING, Order.Status.PAID):
            raise InvalidTransition
        if locked.generation != order.generation:
            raise ReplacedAlready
        renew_links(locked)
        record("replace", order, **({"said": reason} if reason else {}))
        if locked.is_paid:
            with contextlib.suppress(InvalidTransition):  # a mail that is due holds the new links anyway
                mail_tickets_again(locked)
    order.refresh_from_db(fields=["generation"])


def renew_links(order: Order) -> None:
    """The links of a locked order and of its tickets, and the codes, open nothing any more; new ones do.

    What was left with the order by whoever had them goes: devices to be told, a wallet that has paid nothing.
    """
    Order.objects.filter(pk=order.pk).update(generation=F("generation") + 1)
    links_renewed.send(sender=Order, order=order)
    if order.payment_id:
        forget_idle_wallet_of(order.payment_id)
    for ticket in order.tickets.filter(voided_at=None):
        _renew(ticket)
    if order.is_paid:
        mail_holders(order)


def _renew(ticket: Ticket) -> None:
    mine = Ticket.objects.filter(pk=ticket.pk)
    mine.update(generation=F("generation") + 1, ticket_code=new_ticket_code())
    Viewer.objects.filter(ticket=ticket).delete()
    ticket.refresh_from_db(fields=["generation", "ticket_code"])


def _lock(ticket: Ticket) -> tuple[Order, Payment | None]:
    payment_id = Order.objects.values_list("payment", flat=True).get(pk=ticket.order_id)
    payment = Payment.objects.select_for_update().get(pk=payment_id) if payment_id else None
    orders = Order.objects.select_for_update(of=("self",)).select_related("event")
    return orders.get(pk=ticket.order_id), payment
