"""Integrity checks of the shop's invariants: seats, money, tickets, and the node's own list.

Every check is a plain function of some rows that reads in one query and returns what is broken; none repairs
anything. They are asked about all rows, or about those of what changed lately (`tickets.staff.recent`).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import (
    BigIntegerField,
    Count,
    Exists,
    F,
    Model,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
)
from django.db.models.functions import Coalesce
from django.utils import timezone

from events.catalogue_models import Admits, PromoCode, TicketType
from events.models import Event
from payments.models import IncomingPayment, Payment, Refund
from tickets.models import Order, OrderLine
from tickets.receipts.audit import numbers_have_no_gaps, receipts_are_what_was_sold
from ticketsuma.money import MSATS_PER_SAT
from ticketsuma.time_limits import minutes_for_each

from .currency_audit import quotes_are_what_was_sold
from .recent import Changed, changed_since
from .violations import Violation

HOLDING = [Order.Status.PENDING, Order.Status.PAID]
MINUTES = 10  # for one check of all rows
AT_ONCE = 1000  # rows of what changed lately
# Recording money and allocating it are two transactions; a crash between them is mended well within this.
ALLOCATED_WITHIN = timedelta(minutes=2)


def run_integrity_checks(since: datetime | None = None) -> list[Violation]:
    """Everything broken that our own database can tell; with `since`, of what changed since then.

    Memory is bounded by what is broken: the database sums and compares. It may take minutes for it.
    """
    changed = changed_since(since) if since else None
    return [
        violation for check in CHECKS for rows in _rows(check, changed) for violation in _ask(check, rows)
    ]


@dataclass(frozen=True)
class Check:
    """A question about rows of `model`: `ask(rows)`. `is_always_whole` where an index keeps it short."""

    model: type[Model]
    ask: Callable[[QuerySet[Any]], list[Violation]]
    is_always_whole: bool = False


def _rows(check: Check, changed: Changed | None) -> Iterator[QuerySet[Any]]:
    rows = check.model._base_manager.all()
    if changed is None or check.is_always_whole:
        yield rows
        return
    keys = changed.keys_of(check.model)
    for start in range(0, len(keys), AT_ONCE):
        yield rows.filter(pk__in=keys[start : start + AT_ONCE])


def _ask(check: Check, rows: QuerySet[Any]) -> list[Violation]:
    with minutes_for_each(MINUTES):
        return check.ask(rows)


# -- seats and tickets ------------------------------------------------------------------------
def seats_are_those_of_orders(events: QuerySet[Any]) -> list[Violation]:
    """`seats_taken` = tickets of pending and paid orders that are not void ≤ capacity, for every event.

    Tickets that open the replay alone are none of its seats.
    """
    holding = Q(orders__status__in=HOLDING, orders__tickets__voided_at=None)
    holding &= Q(orders__tickets__line=None) | ~Q(orders__tickets__line__admits=Admits.REPLAY)
    events = events.values("pk", "seats_taken", "capacity")
    events = events.annotate(held=Count("orders__tickets", filter=holding))
    broken = events.filter(~Q(seats_taken=F("held")) | Q(held__gt=F("capacity"))).order_by("pk")
    return [
        Violation(
            "seats", f"event {event['pk']}",
            f"seats_taken is {event['seats_taken']}, its orders hold {event['held']}, "
            f"capacity is {event['capacity']}",
        )
        for event in broken
    ]  # fmt: skip


def seats_of_types_are_those_of_lines(types: QuerySet[Any]) -> list[Violation]:
    """The same for every ticket type, whose capacity may be none."""
    holding = Q(lines__order__status__in=HOLDING, lines__tickets__voided_at=None)
    types = types.values("pk", "event_id", "seats_taken", "capacity")
    types = types.annotate(held=Count("lines__tickets", filter=holding))
    broken = types.filter(~Q(seats_taken=F("held")) | Q(held__gt=F("capacity"))).order_by("pk")
    return [
        Violation(
            "ticket types", f"ticket type {row['pk']} of event {row['event_id']}",
            f"seats_taken is {row['seats_taken']}, its lines hold {row['held']}, "
            f"capacity is {'-' if row['capacity'] is None else row['capacity']}",
        )
        for row in broken
    ]  # fmt: skip


def codes_are_used_by_orders(codes: QuerySet[Any]) -> list[Violation]:
    """`uses` = pending and paid orders with the code ≤ its most, for every promo code."""
    codes = codes.values("pk", "uses", "max_uses")
    codes = codes.annotate(held=Count("orders", filter=Q(orders__status__in=HOLDING)))
    broken = codes.filter(~Q(uses=F("held")) | Q(held__gt=F("max_uses"))).order_by("pk")
    return [
        Violation(
            "promo codes", f"promo code {row['pk']}",
            f"uses is {row['uses']}, {row['held']} orders hold it, "
            f"at most {'-' if row['max_uses'] is None else row['max_uses']}",
        )
        for row in broken
    ]  # fmt: skip


def lines_are_what_is_sold(orders: QuerySet[Any]) -> list[Violation]:
    """Σ lines = the order: its amount and seats, of one event. One of the version before has no lines."""
    sums = orders.values("pk", "code", "quantity").annotate(
        due=Coalesce(F("payment__amount_minor"), F("payment__amount_sats"), 0),
        currency=Coalesce(F("payment__currency"), F("event__currency")),
        line_cost=Sum(
            F("lines__price") * F("lines__quantity") - F("lines__discount"), output_field=BigIntegerField()
        ),
        line_seats=Sum("lines__quantity"),
        foreign=Count("lines", filter=~Q(lines__type__event=F("event"))),
    )
    broken = sums.filter(line_seats__isnull=False).filter(
        ~Q(line_cost=F("due")) | ~Q(line_seats=F("quantity")) | Q(foreign__gt=0)
    )
    return [
        Violation(
            "lines", f"order {row['code']}",
            f"lines of {row['line_seats']} seats and {row['line_cost']} of {row['currency']}, sold are "
            f"{row['quantity']} for {row['due']}" + ", types of another event" * bool(row["foreign"]),
        )
        for row in broken.order_by("code")
    ]  # fmt: skip


def tickets_are_those_of_lines(orders: QuerySet[Any]) -> list[Violation]:
    """As many tickets of each line as it has seats."""
    lines = OrderLine.objects.filter(order__in=orders).values("pk", "order__code", "quantity")
    lines = lines.annotate(issued=Count("tickets"))
    return [
        Violation(
            "lines", f"order {row['order__code']}",
            f"{row['issued']} tickets of line {row['pk']} for {row['quantity']} seats",
        )
        for row in lines.exclude(issued=F("quantity")).order_by("order__code", "pk")
    ]  # fmt: skip


def tickets_are_as_many_as_sold(orders: QuerySet[Any]) -> list[Violation]:
    orders = orders.values("pk", "code", "quantity").annotate(issued=Count("tickets"))
    return [
        Violation(
            "tickets", f"order {order['code']}",
            f"{order['issued']} tickets for {order['quantity']} seats",
        )
        for order in orders.exclude(issued=F("quantity")).order_by("code")
    ]  # fmt: skip


# -- money ------------------------------------------------------------------------------------
def every_msat_is_accounted_for(incoming: QuerySet[Any]) -> list[Violation]:
    """applied + kept + refunds = received; only money not allocated yet (unmatched, new) may have no use."""
    sums = incoming.annotate(refunded=Coalesce(Sum("refunds__amount_msats"), 0))
    sums = sums.annotate(spoken_for=F("applied_msats") + F("kept_msats") + F("refunded"))
    broken = sums.filter(
        Q(spoken_for__gt=F("amount_msats")) | Q(allocated_at__isnull=False) & ~Q(spoken_for=F("amount_msats"))
    )
    return [
        Violation(
            "msats", f"incoming payment {row.node_payment_id}",
            f"{row.amount_msats} msats arrived; {row.applied_msats} are applied, {row.kept_msats} kept, "
            f"{row.refunded} refunded",
        )
        for row in broken.order_by("received_at")
    ]  # fmt: skip


def matched_money_is_allocated(incoming: QuerySet[Any]) -> list[Violation]:
    late = timezone.now() - ALLOCATED_WITHIN
    return [
        Violation(
            "allocation", f"incoming payment {row.node_payment_id}",
            f"recorded {row.created_at:%F %T} for a payment of ours, not allocated: {row.last_error or '-'}",
        )
        for row in incoming.filter(allocated_at=None, payment__isnull=False, created_at__lt=late)
    ]  # fmt: skip


def _refunds(**which: Any) -> QuerySet[Any]:
    return Refund.objects.filter(incoming_payment__payment=OuterRef("pk"), **which).order_by()


def _applied() -> Coalesce:
    return Coalesce(Sum("incoming_payments__applied_msats"), 0)


def _refunded(**which: Any) -> Coalesce:
    """Of a payment's money, the msats that go back: looked up for each row, so for the few where some do."""
    sums = _refunds(**which).values("incoming_payment__payment")
    return Coalesce(Subquery(sums.annotate(total=Sum("amount_msats")).values("total")), 0)


DUE_MSATS = F("amount_sats") * MSATS_PER_SAT
OF_PAYMENTS = ("pk", "reference", "status", "amount_sats", "order__code", "order__status")


def paid_orders_have_their_money(payments: QuerySet[Any]) -> list[Violation]:
    """No ticket admits without settled money, unless it was free; a part may have been given back."""
    paid = payments.filter(order__status=Order.Status.PAID)
    in_part = {"reason__in": [Refund.Reason.STAFF, Refund.Reason.GIVEN_BACK]}
    whole = paid.filter(~Exists(_refunds(**in_part))).values(*OF_PAYMENTS).annotate(applied=_applied())
    part = paid.filter(Exists(_refunds(**in_part))).values(*OF_PAYMENTS).annotate(applied=_applied())
    none = Value(0, BigIntegerField())
    whole, part = whole.annotate(gone=none), part.annotate(gone=_refunded(**in_part))
    right = Q(status=Payment.Status.SETTLED, applied__gt=0, applied=DUE_MSATS - F("gone"))
    return [
        Violation(
            "paid orders", f"order {payment['order__code']}",
            f"paid, but its payment is {payment['status']} with {payment['applied']} of "
            f"{payment['amount_sats'] * MSATS_PER_SAT} msats applied, {payment['gone']} given back",
        )
        for payments in (whole, part)
        for payment in payments.exclude(right).order_by("reference")
    ]  # fmt: skip


def settled_payments_sold_something(payments: QuerySet[Any]) -> list[Violation]:
    """Settled payments, and those with money applied, belong to a paid order, or the money goes back."""
    unsold = payments.filter(Q(order=None) | ~Q(order__status=Order.Status.PAID))
    sums = unsold.values(*OF_PAYMENTS).annotate(applied=_applied())
    broken = sums.filter(Q(status=Payment.Status.SETTLED) | Q(applied__gt=0)).annotate(refunded=_refunded())
    broken = broken.filter(Q(applied__gt=0) | Q(refunded__lt=DUE_MSATS))
    return [
        Violation(
            "settled payments", f"payment {payment['reference']}",
            f"{payment['applied']} of {payment['amount_sats'] * MSATS_PER_SAT} msats applied, "
            f"{payment['refunded']} refunded, and its order is {payment['order__status'] or 'missing'}",
        )
        for payment in broken.order_by("reference")
    ]  # fmt: skip


def sent_refunds_are_payments_of_their_own(refunds: QuerySet[Any]) -> list[Violation]:
    """What the node sent is one refund: with two of one payment, somebody did not get theirs."""
    names = refunds.filter(status=Refund.Status.SENT).order_by().values("node_payment_id")
    sent = Refund.objects.filter(status=Refund.Status.SENT, node_payment_id__in=names).order_by()
    counts = sent.values("node_payment_id").annotate(count=Count("pk"))
    return [
        Violation(
            "sent refunds", f"node payment {row['node_payment_id'] or '-'}",
            f"{row['count']} refunds say that they were sent by it",
        )
        for row in counts.filter(Q(count__gt=1) | Q(node_payment_id=""))
    ]  # fmt: skip


def orders_and_payments_agree(orders: QuerySet[Any]) -> list[Violation]:
    """Both wait or neither; and what is due is what the order costs."""
    most = F("price_sats") * F("quantity")  # the price of a seat is an average, rounded up
    pending = Order.Status.PENDING
    broken = orders.filter(payment__isnull=False).filter(
        Q(payment__amount_sats__gt=most)
        | Q(payment__amount_sats__lte=most - F("quantity"))
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


CHECKS = [
    Check(Event, seats_are_those_of_orders),
    Check(TicketType, seats_of_types_are_those_of_lines),
    Check(PromoCode, codes_are_used_by_orders),
    Check(Order, tickets_are_as_many_as_sold),
    Check(Order, lines_are_what_is_sold),
    Check(Order, tickets_are_those_of_lines),
    Check(IncomingPayment, every_msat_is_accounted_for),
    Check(IncomingPayment, matched_money_is_allocated, is_always_whole=True),
    Check(Payment, paid_orders_have_their_money),
    Check(Payment, settled_payments_sold_something),
    Check(Refund, sent_refunds_are_payments_of_their_own),
    Check(Order, orders_and_payments_agree),
    Check(Payment, quotes_are_what_was_sold),
    Check(Order, numbers_have_no_gaps),
    Check(Order, receipts_are_what_was_sold),
]
