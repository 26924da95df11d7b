"""Integrity checks of the shop's invariants: seats, money, tickets, and the node's own list.

Every check is a plain function that reads in one query and returns what is broken; none repairs anything.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from events.models import Event
from payments import refund_recovery
from payments.models import IncomingPayment, Payment, Refund
from payments.node import lightspark, listing, outgoing
from payments.refunds import refunded_msats
from tickets.models import Order
from ticketsuma.errors import DomainError
from ticketsuma.money import MSATS_PER_SAT

# Recording money and allocating it are two transactions; a crash between them is mended well within this.
ALLOCATED_WITHIN = timedelta(minutes=2)
# The node lists payments by the time they began, we keep the time they arrived.
MAX_PAYMENT = timedelta(hours=1)


@dataclass(frozen=True)
class Violation:
    """Something that must never be: the check it failed, the row, and why in words."""

    check: str
    row: str
    says: str


def run_integrity_checks() -> list[Violation]:
    """Everything broken that our own database can tell."""
    return [violation for check in CHECKS for violation in check()]


# -- seats and tickets ------------------------------------------------------------------------
def seats_are_those_of_orders() -> list[Violation]:
    """`seats_taken` = tickets of pending and paid orders that are not void ≤ capacity, for every event."""
    holding = Q(orders__status__in=[Order.Status.PENDING, Order.Status.PAID])
    holding &= Q(orders__tickets__voided_at=None)
    events = Event.objects.annotate(held=Count("orders__tickets", filter=holding))
    broken = events.filter(~Q(seats_taken=F("held")) | Q(held__gt=F("capacity"))).order_by("pk")
    return [
        Violation(
            "seats", f"event {event.pk}",
            f"seats_taken is {event.seats_taken}, its orders hold {event.held}, capacity is {event.capacity}",
        )
        for event in broken
    ]  # fmt: skip


def tickets_are_as_many_as_sold() -> list[Violation]:
    orders = Order.objects.annotate(issued=Count("tickets")).exclude(issued=F("quantity"))
    return [
        Violation("tickets", f"order {order.code}", f"{order.issued} tickets for {order.quantity} seats")
        for order in orders.order_by("created_at")
    ]


# -- money ------------------------------------------------------------------------------------
def every_msat_is_accounted_for() -> list[Violation]:
    """applied + kept + refunds = received; only money not allocated yet (unmatched, new) may have no use."""
    incoming = IncomingPayment.objects.annotate(
        refunded=refunded_msats(), spoken_for=F("applied_msats") + F("kept_msats") + F("refunded")
    )
    broken = incoming.filter(
        Q(spoken_for__gt=F("amount_msats")) | Q(allocated_at__isnull=False) & ~Q(spoken_for=F("amount_msats"))
    )
    return [
        Violation(
            "msats", f"incoming payment {row.node_payment_id}",
            f"{row.amount_msats} msats arrived; {row.applied_msats} are applied, {row.kept_msats} kept, "
            f"{row.refunded} refunded",
        )
        for row in broken
    ]  # fmt: skip


def matched_money_is_allocated() -> list[Violation]:
    late = timezone.now() - ALLOCATED_WITHIN
    rows = IncomingPayment.objects.filter(allocated_at=None, payment__isnull=False, created_at__lt=late)
    return [
        Violation(
            "allocation", f"incoming payment {row.node_payment_id}",
            f"recorded {row.created_at:%F %T} for a payment of ours, not allocated: {row.last_error or '-'}",
        )
        for row in rows
    ]  # fmt: skip


def _sums_of_payments() -> QuerySet[Any]:
    """Payments with what is applied to them, what of their money goes back, and how much of that by staff."""
    applied = IncomingPayment.objects.filter(payment=OuterRef("pk")).order_by().values("payment")
    refunds = Refund.objects.filter(incoming_payment__payment=OuterRef("pk")).order_by()
    by_staff = refunds.filter(reason=Refund.Reason.STAFF)

    def total(rows: QuerySet, group: str, field: str) -> Coalesce:
        return Coalesce(Subquery(rows.values(group).annotate(total=Sum(field)).values("total")), 0)

    return Payment.objects.annotate(
        applied=total(applied, "payment", "applied_msats"),
        refunded=total(refunds, "incoming_payment__payment", "amount_msats"),
        part_refunded=total(by_staff, "incoming_payment__payment", "amount_msats"),
        due_msats=F("amount_sats") * MSATS_PER_SAT,
    ).select_related("order")


def paid_orders_have_their_money() -> list[Violation]:
    """No ticket admits without settled money, unless it was free; staff may have given a part back."""
    paid = _sums_of_payments().filter(order__status=Order.Status.PAID)
    broken = paid.exclude(
        status=Payment.Status.SETTLED, applied__gt=0, applied=F("due_msats") - F("part_refunded")
    )
    return [
        Violation(
            "paid orders", f"order {payment.order.code}",
            f"paid, but its payment is {payment.status} with {payment.applied} of "
            f"{payment.amount_msats} msats applied, {payment.part_refunded} given back",
        )
        for payment in broken
    ]  # fmt: skip


def settled_payments_sold_something() -> list[Violation]:
    """Settled payments, and those with money applied, belong to a paid order, or the money goes back."""
    unsold = _sums_of_payments().filter(Q(order=None) | ~Q(order__status=Order.Status.PAID))
    return [
        Violation(
            "settled payments", f"payment {payment.reference}",
            f"{payment.applied} of {payment.amount_msats} msats applied, {payment.refunded} refunded, "
            "and its order is " + (payment.order.status if hasattr(payment, "order") else "missing"),
        )
        for payment in unsold.filter(
            Q(applied__gt=0) | Q(status=Payment.Status.SETTLED, refunded__lt=F("due_msats"))
        )
    ]  # fmt: skip


def sent_refunds_are_payments_of_their_own() -> list[Violation]:
    """What the node sent is one refund: with two of one payment, somebody did not get theirs."""
    sent = Refund.objects.filter(status=Refund.Status.SENT).order_by().values("node_payment_id")
    broken = sent.annotate(count=Count("pk")).filter(Q(count__gt=1) | Q(node_payment_id=""))
    return [
        Violation(
            "sent refunds", f"node payment {row['node_payment_id'] or '-'}",
            f"{row['count']} refunds say that they were sent by it",
        )
        for row in broken
    ]  # fmt: skip


def orders_and_payments_agree() -> list[Violation]:
    """Both wait or neither; and what is due is what the order costs."""
    cost = F("price_sats") * F("quantity")
    pending = Order.Status.PENDING
    broken: QuerySet[Any] = Order.objects.filter(payment__isnull=False).filter(
        ~Q(payment__amount_sats=cost)
        | Q(status=pending) & ~Q(payment__status=Payment.Status.PENDING)
        | ~Q(status=pending) & Q(payment__status=Payment.Status.PENDING)
    )
    return [
        Violation(
            "orders", f"order {order.code}",
            f"{order.status}, {order.amount_sats} sats; its payment is {order.payment.status}, "
            f"{order.payment.amount_sats} sats",
        )
        for order in broken.select_related("payment")
    ]  # fmt: skip


CHECKS: list[Callable[[], list[Violation]]] = [
    seats_are_those_of_orders,
    tickets_are_as_many_as_sold,
    every_msat_is_accounted_for,
    matched_money_is_allocated,
    paid_orders_have_their_money,
    settled_payments_sold_something,
    sent_refunds_are_payments_of_their_own,
    orders_and_payments_agree,
]


# -- the node ---------------------------------------------------------------------------------
def compare_with_node(since: datetime) -> list[Violation]:
    """What the node's own list since `since` and ours do not agree on; a silent node is a violation too.

    A payment that arrived this second may be found missing: ask again before believing it.
    """
    try:
        pages = list(listing.incoming_pages(since, every_node=True))
        sent = outgoing.sent_since(since)
        never_left = [refund for refund in _not_listed(since, sent) if not _was_sent(refund)]
    except DomainError as error:
        return [Violation("node", "the node's list", f"cannot be compared: {error.code}")]
    listed = [payment for page in pages for payment in page.payments]
    rows = IncomingPayment.objects.filter(
        Q(received_at__gte=since + MAX_PAYMENT)
        | Q(node_payment_id__in=[payment.node_payment_id for payment in listed])
    )
    ours = dict(rows.values_list("node_payment_id", "amount_msats"))
    # What came to another node of the account, and not through an invoice of ours, is not ours.
    listed = [payment for payment in listed if payment.is_to_our_node or payment.node_payment_id in ours]
    unreadable = [name for page in pages for name in page.unreadable]
    return (
        unlike(listed, {name: msats for name, msats in ours.items() if name not in unreadable})
        + [
            Violation("node", f"node payment {name}", "what the node lists cannot be read")
            for name in unreadable
        ]
        + [
            Violation("node", f"refund {refund.pk}", "we say it was sent, the node knows of no such payment")
            for refund in never_left
        ]
        + _sent_unknown_to_us(sent)
    )


def _not_listed(since: datetime, listed: list[outgoing.OutgoingPayment]) -> list[Refund]:
    """Refunds we call sent that are not among the payments which the node began since `since`."""
    sent = Refund.objects.filter(status=Refund.Status.SENT, sent_at__gte=since)
    return list(sent.exclude(node_payment_id__in=[payment.node_payment_id for payment in listed]))


def _sent_unknown_to_us(listed: list[outgoing.OutgoingPayment]) -> list[Violation]:
    """Payments with a key of ours that no refund says it is, as after a restore before the worker ran."""
    keyed = [payment for payment in listed if refund_recovery.KEY.fullmatch(payment.idempotency_key)]
    ids = [payment.node_payment_id for payment in keyed]
    known = set(Refund.objects.filter(node_payment_id__in=ids).values_list("node_payment_id", flat=True))
    return [
        Violation(
            "node", f"node payment {payment.node_payment_id}",
            f"the node sent {payment.amount_msats} msats as {payment.idempotency_key}, no refund says so",
        )
        for payment in keyed
        if payment.node_payment_id not in known
    ]  # fmt: skip


def _was_sent(refund: Refund) -> bool:
    payment = outgoing.payment_for(refund.idempotency_key)
    return bool(payment and payment.is_sent and payment.node_payment_id == refund.node_payment_id)


def unlike(listed: list[lightspark.NodePayment], ours: dict[str, int]) -> list[Violation]:
    """Where the node's list and our msats by node payment id differ, either way round."""
    theirs = {payment.node_payment_id: payment.amount_msats for payment in listed}
    wrong = [
        Violation(
            "node", f"node payment {name}",
            f"the node received {msats} msats, we recorded {ours.get(name, 'nothing')}",
        )
        for name, msats in theirs.items()
        if ours.get(name) != msats
    ]  # fmt: skip
    invented = [
        Violation(
            "node", f"incoming payment {name}", f"we recorded {ours[name]} msats, the node lists nothing"
        )
        for name in sorted(ours.keys() - theirs.keys())
    ]
    return wrong + invented
