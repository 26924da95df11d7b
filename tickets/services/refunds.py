"""Refund services: one order, a part of it, or a whole event."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from django.db import transaction
from django.db.models import Case, Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Sum, When
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.history import record
from events.models import Event
from payments import refunds as payment_refunds
from payments.models import IncomingPayment, Payment, Refund
from payments.node import lightspark
from payments.node.balance import max_fees_of
from payments.uma.address import normalize_payable_address
from tickets.models import Mail, Order
from ticketsuma.errors import DomainError
from ticketsuma.money import MSATS_PER_SAT
from ticketsuma.state_machine import InvalidTransition

from .orders import cancel_order, release_seats

logger = logging.getLogger(__name__)

RECENT = timedelta(
    minutes=20
)  # how far back the frequent look goes; the one at everything comes now and then


class NothingToRefund(DomainError):
    code = "nothing_to_refund"
    message = _("No money of this order is with us.")


class AlreadyCanceled(DomainError):
    code = "already_canceled"
    message = _("This event is already canceled.")


def refund_order(order: Order, *, reason: str = Refund.Reason.STAFF) -> Refund:
    """Cancel a paid order, give its seats back and queue all its money for the payer.

    Of two at once one wins; the other gets InvalidTransition.
    """
    with transaction.atomic():
        payment, locked = _lock(order)
        incoming = _applied_or_gone(payment)
        locked.advance(Order.Status.CANCELED, ended_at=timezone.now(), **locked.finished())
        if incoming.applied_msats:
            refund = payment_refunds.take_back(incoming, amount_msats=incoming.applied_msats, reason=reason)
        else:
            refund = cast(Refund, incoming.refunds.filter(reason=Refund.Reason.FOUND).last())
        record("refund", order, sats=refund.amount_msats // MSATS_PER_SAT)
        release_seats(locked)
    order.status = locked.status
    return refund


def refund_part(order: Order, *, amount_sats: int, already_refunded_sats: int) -> Refund:
    """Queue a part of a paid order's money for the payer; its tickets stay good.

    `already_refunded_sats` is what the asker believes went back so far: of two who press at once
    the second is refused (InvalidTransition). Raises TooMuch; the whole goes by `refund_order`.
    """
    if amount_sats < 1:
        raise payment_refunds.TooMuch(_("At least 1 sat."))
    with transaction.atomic():
        payment, locked = _lock(order)
        return take_part(locked, payment, amount_sats, already_refunded_sats)


def take_part(order: Order, payment: Payment, amount_sats: int, already_refunded_sats: int) -> Refund:
    """`refund_part` inside a transaction that holds the locks of `order` and `payment`."""
    incoming, amount_msats = applied_payment(payment), amount_sats * MSATS_PER_SAT
    if refunded_sats(payment) != already_refunded_sats:
        raise InvalidTransition(_("Somebody else has just refunded a part of this order."))
    if not order.is_paid or amount_msats >= incoming.applied_msats:
        raise payment_refunds.TooMuch(_("To give everything back, refund the whole order."))
    record("refund_part", order, sats=amount_sats)
    return payment_refunds.take_back(incoming, amount_msats=amount_msats, reason=Refund.Reason.STAFF)


def refunded_sats(payment: Payment) -> int:
    """What was or will be sent back of all that came in for `payment`."""
    total = Refund.objects.filter(incoming_payment__payment=payment).aggregate(total=Sum("amount_msats"))[
        "total"
    ]
    return (total or 0) // MSATS_PER_SAT


def _lock(order: Order) -> tuple[Payment, Order]:
    if order.payment_id is None:
        raise NothingToRefund
    payment = Payment.objects.select_for_update().get(pk=order.payment_id)
    return payment, Order.objects.select_for_update(of=("self",)).select_related("event").get(pk=order.pk)


def applied_payment(payment: Payment) -> IncomingPayment:
    """The money that pays for the order, locked; raises NothingToRefund."""
    incoming = payment.incoming_payments.select_for_update().filter(applied_msats__gt=0).first()
    if incoming is None:
        raise NothingToRefund
    return incoming


def _applied_or_gone(payment: Payment) -> IncomingPayment:
    """The money that the order holds; or that it held until it was found to have been sent back already."""
    rows = payment.incoming_payments.select_for_update(of=("self",))
    gone = rows.filter(refunds__reason=Refund.Reason.FOUND, refunds__status=Refund.Status.SENT)
    if not rows.filter(applied_msats__gt=0).exists() and (incoming := gone.first()):
        return incoming
    return applied_payment(payment)


# -- where to ---------------------------------------------------------------------------------
def waiting_refunds(order: Order) -> QuerySet[Refund]:
    """Refunds of this order that wait for an address, or whose address has taken nothing for hours."""
    return Refund.objects.filter(
        payment_refunds.for_the_payer_to_redirect(), incoming_payment__payment=order.payment_id
    ).exclude(incoming_payment__payment=None)


def give_refund_address(order: Order, *, address: str) -> int:
    """Send what waits for an address, or for another one, to `address`; how many refunds.

    Raises InvalidUmaAddress; NothingToRefund when none waits; InvalidTransition when one of them is just
    being sent after all.
    """
    to = normalize_payable_address(address)
    count = 0
    for refund in waiting_refunds(order):
        payment_refunds.give_address(refund, to=to)
        count += 1
    if not count:
        raise NothingToRefund(_("No refund of this order is waiting for an address."))
    return count


def goes_to(order: Order, address: str) -> bool:
    """Whether a refund of this order is on its way to `address` already, or went there."""
    back = Refund.objects.filter(incoming_payment__payment__order=order)
    return back.filter(to=normalize_payable_address(address)).exists()


def queue_recent_refund_mails() -> int:
    """`queue_refund_mails`, but of refunds that were sent only the latest: often."""
    return queue_refund_mails(since=timezone.now() - RECENT)


def queue_refund_mails(since: datetime | None = None) -> int:
    """Write the mails due for refunds: one that asks for an address, one that says it was sent. How many.

    With `since`, of those that were sent only the ones written to since then are looked at.
    """
    sent = Q(status=Refund.Status.SENT)
    deserve = {
        Mail.Kind.REFUND_ADDRESS: payment_refunds.for_the_payer_to_redirect(),
        Mail.Kind.REFUND_SENT: sent & Q(updated_at__gte=since) if since else sent,
    }
    count = 0
    for kind, which in deserve.items():
        refunds = Refund.objects.filter(
            ~Exists(Mail.objects.filter(about=OuterRef("pk"), kind=kind)),
            which, incoming_payment__payment__order__isnull=False,
        )  # fmt: skip
        for refund in refunds.exclude(incoming_payment__payment__order__email="").select_related(
            "incoming_payment__payment__order"
        )[:200]:
            order = cast(Payment, refund.incoming_payment.payment).order
            count += Mail.objects.get_or_create(
                order=order,
                kind=kind,
                to=order.email,
                about=refund.pk,
                defaults=Mail.scheduled(),
            )[1]
    return count + _ask_again()


def _ask_again() -> int:
    """Send the mail that asks for an address once more, when the address it brought was of no use."""
    refund = Refund.objects.filter(payment_refunds.for_the_payer_to_redirect(), pk=OuterRef("about"))
    needs_address = When(status=Refund.Status.NEEDS_ADDRESS, then="updated_at")
    refund = refund.annotate(back_since=Case(needs_address, default="failing_since"))
    waiting = Refund.objects.filter(payment_refunds.for_the_payer_to_redirect()).values("pk")
    asked = Mail.objects.filter(kind=Mail.Kind.REFUND_ADDRESS, status=Mail.Status.SENT, about__in=waiting)
    useless = asked.annotate(back_since=Subquery(refund.values("back_since"))).filter(
        sent_at__lt=F("back_since")
    )
    return useless.update(status=Mail.Status.DUE, **Mail.requeued())


# -- a whole event ----------------------------------------------------------------------------
@dataclass(frozen=True)
class CancelPreview:
    """What canceling an event would do; `balance_sats` is None when the node does not say.

    `fees_sats` is the most that the node may be charged for sending the refunds.
    """

    pending_orders: int
    paid_orders: int
    free_orders: int
    refund_sats: int
    fees_sats: int
    without_address: int
    balance_sats: int | None


def preview_cancel(event: Event) -> CancelPreview:
    """Count what `cancel_event` would give back; ask the node what it can send, outside transactions."""
    counts = event.orders.aggregate(
        pending=Count("pk", filter=Q(status=Order.Status.PENDING)),
        paid=Count("pk", filter=Q(status=Order.Status.PAID, payment__isnull=False)),
        free=Count("pk", filter=Q(status=Order.Status.PAID, payment__isnull=True)),
    )
    kept = IncomingPayment.objects.filter(
        applied_msats__gt=0, payment__order__event=event, payment__order__status=Order.Status.PAID
    )
    nowhere = Q(payment__uma_address="") & (Q(invoice=None) | Q(invoice__payer=""))  # as refund_address
    money = kept.aggregate(
        msats=Sum("applied_msats"), fees=Sum(max_fees_of("applied_msats")), lost=Count("pk", filter=nowhere)
    )
    try:
        available = lightspark.available_msats()
    except DomainError:
        available = None
    return CancelPreview(
        counts["pending"],
        counts["paid"],
        counts["free"],
        (money["msats"] or 0) // MSATS_PER_SAT,
        -(-(money["fees"] or 0) // MSATS_PER_SAT),
        money["lost"],
        None if available is None else available // MSATS_PER_SAT,
    )


def cancel_event(event: Event) -> None:
    """Stop the sale now; the worker then ends every order and refunds every sat.

    Of two at once one wins; the other gets AlreadyCanceled.
    """
    with transaction.atomic():
        if not Event.objects.filter(pk=event.pk, canceled_at=None).update(canceled_at=timezone.now()):
            raise AlreadyCanceled
        record("cancel", event)
    event.refresh_from_db()
    wake_canceled_orders()


def wake_canceled_orders() -> int:
    """Put every order that a canceled event still holds before the worker, also one paid just then."""
    return (
        orders_of_canceled_events().filter(next_attempt_at=None, parked_at=None).update(**Order.scheduled())
    )


def orders_of_canceled_events() -> QuerySet[Order]:
    return Order.objects.holding().filter(event__canceled_at__isnull=False)


def end_canceled_order(order: Order) -> None:
    """End one order of a canceled event and tell the buyer; the worker's handler. Paid ones are refunded."""
    if order.is_paid and order.payment_id:
        refund_order(order, reason=Refund.Reason.EVENT_CANCELED)
    else:
        cancel_order(order)
