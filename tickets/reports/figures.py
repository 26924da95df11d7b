"""Figures of a report, sums that the database makes: sales, payments, money.

Sats are what was charged; amounts in another currency are those agreed at the purchase, in its minor units.
Every function reads the database it is told (`ticketsuma.replica`) and takes a period by days of its zone.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.db.models import Count, DurationField, ExpressionWrapper, F, Q, Sum
from django.db.models.functions import Coalesce, TruncDate, TruncMonth

from accounts.roles import Ability
from events.catalogue_models import TicketType
from events.models import Event
from payments.models import IncomingPayment, Invoice, Payment, Refund
from tickets.models import Order, OrderLine
from ticketsuma.money import format_amount

from .periods import Period
from .scopes import Scope

MOST_LINES = 100  # of a table; the rest are in the export


@dataclass(frozen=True)
class Sold:
    """Of orders that were paid (`given_back` of them were canceled since), free ones too."""

    orders: int = 0
    seats: int = 0
    sats: int = 0
    given_back: int = 0

    def __add__(self, other: "Sold") -> "Sold":
        return Sold(
            self.orders + other.orders, self.seats + other.seats, self.sats + other.sats,
            self.given_back + other.given_back,
        )  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One line of a table: of what, by which event it is reached, and how much of it was sold."""

    name: str
    sold: Sold
    event_id: int | None = None
    amounts: str = ""  # in the currencies in which it was sold, where these are others than sats


@dataclass(frozen=True)
class Sales:
    steps: list[tuple[date, Sold]]
    events: list[Line] = field(default_factory=list)
    types: list[Line] = field(default_factory=list)
    codes: list[Line] = field(default_factory=list)
    amounts: dict[str, int] = field(default_factory=dict)  # by currency, in minor units; without sats

    @property
    def total(self) -> Sold:
        return sum((sold for _day, sold in self.steps), Sold())


_SOLD: dict[str, Any] = {
    "orders": Count("pk"),
    "seats": Sum("quantity"),
    "sats": Coalesce(Sum("payment__amount_sats"), 0),
    "given_back": Count("pk", filter=Q(status=Order.Status.CANCELED)),
}


def _sold(row: dict) -> Sold:
    return Sold(row["orders"], row["seats"], row["sats"], row["given_back"])


def _paid(scope: Scope, period: Period, database: str):
    orders = scope.rows(Order, database, Ability.SEE_MONEY, "event")
    return orders.filter(paid_at__gte=period.start, paid_at__lt=period.end).order_by()


def sales_total(scope: Scope, period: Period, database: str) -> Sold:
    row = _paid(scope, period, database).aggregate(**_SOLD)
    return _sold(row | {"seats": row["seats"] or 0})


def sales(scope: Scope, period: Period, database: str) -> Sales:
    """Orders paid in `period`, by day or month, event, ticket type and promo code."""
    paid = _paid(scope, period, database)
    trunc: Any = TruncDate if period.is_by_day else TruncMonth
    rows = paid.annotate(step=trunc("paid_at", tzinfo=period.zone)).values("step").annotate(**_SOLD)
    found = {row["step"] if period.is_by_day else row["step"].date(): _sold(row) for row in rows}
    others = paid.filter(payment__isnull=False).exclude(payment__currency="SAT")
    return Sales(
        [(step, found.get(step, Sold())) for step in period.steps],
        _by_event(paid),
        _by_type(scope, period, database),
        _by_code(paid),
        dict(others.values_list("payment__currency").annotate(Sum("payment__amount_minor"))),
    )


# Sums are grouped by ids; names are read of the lines that are shown: grouping by texts takes far longer.
def _by_event(paid) -> list[Line]:
    rows = paid.values("event_id").annotate(**_SOLD).order_by("-sats", "-seats", "event_id")[:MOST_LINES]
    shown = list(rows)
    events = Event.objects.using(paid.db).filter(pk__in=[row["event_id"] for row in shown])
    titles = dict(events.values_list("pk", "title"))
    return [Line(titles[row["event_id"]], _sold(row), row["event_id"]) for row in shown]


def _by_code(paid) -> list[Line]:
    with_code = paid.filter(promo_code__isnull=False)
    rows = with_code.values("promo_code_id", "promo_code__text", "event__title").annotate(**_SOLD)
    return [
        Line(f"{row['promo_code__text']} · {row['event__title']}", _sold(row))
        for row in rows.order_by("-orders", "promo_code_id")[:MOST_LINES]
    ]


def _by_type(scope: Scope, period: Period, database: str) -> list[Line]:
    """Amounts of lines are in the currency of the order; those in sats are sats."""
    lines = scope.rows(OrderLine, database, Ability.SEE_MONEY, "order__event")
    lines = lines.filter(order__paid_at__gte=period.start, order__paid_at__lt=period.end).order_by()
    known = scope.rows(TicketType, database, Ability.SEE_MONEY, "event").order_by()
    if len(known.values_list("pk")[: MOST_LINES + 1]) > MOST_LINES:
        # Orders are counted for the types that are shown: for thousands it takes most of a report's time.
        most = lines.values("type_id").annotate(seats=Sum("quantity")).order_by("-seats", "type_id")
        lines = lines.filter(type_id__in=[row["type_id"] for row in most[:MOST_LINES]])
    rows = lines.values("type_id", "order__payment__currency").annotate(
        orders=Count("order_id", distinct=True), seats=Sum("quantity"),
        amount=Sum(F("price") * F("quantity") - F("discount")),
        given_back=Count("order_id", distinct=True, filter=Q(order__status=Order.Status.CANCELED)),
    )  # fmt: skip
    found: dict[int, tuple[Sold, str]] = {}
    for row in rows.order_by("-seats", "type_id"):
        currency = row["order__payment__currency"] or "SAT"
        sold = Sold(row["orders"], row["seats"], row["amount"] if currency == "SAT" else 0, row["given_back"])
        amounts = "" if currency == "SAT" else format_amount(row["amount"], currency)
        if more := found.get(row["type_id"]):
            sold, amounts = sold + more[0], " + ".join(filter(None, (more[1], amounts)))
        found[row["type_id"]] = sold, amounts
    types = TicketType.objects.using(database).filter(pk__in=found)
    names = {pk: " · ".join(filter(None, of)) for pk, *of in types.values_list("pk", "name", "event__title")}
    return [Line(names[pk], sold, None, amounts) for pk, (sold, amounts) in found.items()]


# -- payments -------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Health:
    """Payments asked for in a period, and what became of them; times are from the hold to the money."""

    asked: int
    settled: int
    waiting: int
    closed: int
    late: int
    half_took: timedelta | None
    most_took: timedelta | None
    ways: dict[str, int]
    refunds: list[tuple[str, int, int]]  # reason, how many, msats


def health(scope: Scope, period: Period, database: str) -> Health:
    """`late`: money that came after the hold and won its seats back, or went home as too late."""
    payments = scope.rows(Payment, database, Ability.SEE_MONEY, "order__event")
    payments = payments.filter(created_at__gte=period.start, created_at__lt=period.end).order_by()
    settled = payments.filter(status=Payment.Status.SETTLED)
    counts = payments.aggregate(
        asked=Count("pk"), settled=Count("pk", filter=Q(status=Payment.Status.SETTLED)),
        waiting=Count("pk", filter=Q(status=Payment.Status.PENDING)),
        closed=Count("pk", filter=Q(status=Payment.Status.CLOSED)),
        late=Count("pk", filter=Q(paid_at__gt=F("due_at"))),
    )  # fmt: skip
    took = settled.annotate(
        took=ExpressionWrapper(F("paid_at") - F("created_at"), output_field=DurationField())
    ).order_by("took")
    refunds = scope.rows(Refund, database, Ability.SEE_MONEY, "incoming_payment__payment__order__event")
    refunds = refunds.filter(created_at__gte=period.start, created_at__lt=period.end).order_by()
    back = refunds.values_list("reason").annotate(Count("pk"), Sum("amount_msats")).order_by("-pk__count")
    return Health(
        **counts,
        half_took=_nth(took, counts["settled"], 50),
        most_took=_nth(took, counts["settled"], 95),
        ways=_ways(scope, period, database),
        refunds=[(str(Refund.Reason(reason).label), count, msats) for reason, count, msats in back],
    )


def _nth(took, count: int, percent: int) -> timedelta | None:
    """The smallest time within which so many percent of the payments came (nearest rank)."""
    if not count:
        return None
    place = -(-count * percent // 100) - 1
    return took.values_list("took", flat=True)[place]


def _ways(scope: Scope, period: Period, database: str) -> dict[str, int]:
    """How they were paid: by the request we pushed to a wallet, by an address, by the QR or the link."""
    invoices = scope.rows(Invoice, database, Ability.SEE_MONEY, "payment__order__event")
    paid = invoices.filter(
        status=Invoice.Status.PAID, payment__status=Payment.Status.SETTLED,
        payment__created_at__gte=period.start, payment__created_at__lt=period.end,
    )  # fmt: skip
    pushed = Q(slot=Invoice.Slot.TYPED, payment__push=Payment.Push.DELIVERED)
    return paid.aggregate(
        push=Count("pk", filter=pushed), qr=Count("pk", filter=Q(slot=Invoice.Slot.PLAIN)),
        address=Count("pk", filter=~pushed & ~Q(slot=Invoice.Slot.PLAIN)),
    )  # fmt: skip


# -- money ----------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Money:
    """Msats that arrived in a period: `received = sold + kept + refunded + waiting`, as in statements.

    `refunded` is what of it goes back or has gone, whenever; `fees` is what sending that cost.
    """

    payments: int
    received_msats: int
    sold_msats: int
    kept_msats: int
    refunded_msats: int
    sent_msats: int
    fees_msats: int

    @property
    def waiting_msats(self) -> int:
        return self.received_msats - self.sold_msats - self.kept_msats - self.refunded_msats

    @property
    def owed_msats(self) -> int:
        return self.sold_msats + self.kept_msats - self.fees_msats


def money(scope: Scope, period: Period, database: str) -> Money:
    within = {"received_at__gte": period.start, "received_at__lt": period.end}
    incoming = scope.rows(IncomingPayment, database, Ability.SEE_MONEY, "payment__order__event")
    came = incoming.filter(**within).aggregate(
        payments=Count("pk"), received=Sum("amount_msats"), sold=Sum("applied_msats"), kept=Sum("kept_msats")
    )
    refunds = scope.rows(Refund, database, Ability.SEE_MONEY, "incoming_payment__payment__order__event")
    is_sent = Q(status=Refund.Status.SENT)
    back = refunds.filter(**{f"incoming_payment__{name}": value for name, value in within.items()}).aggregate(
        refunded=Sum("amount_msats"), sent=Sum("amount_msats", filter=is_sent),
        fees=Sum("fee_msats", filter=is_sent),
    )  # fmt: skip
    return Money(
        came["payments"], came["received"] or 0, came["sold"] or 0, came["kept"] or 0, back["refunded"] or 0,
        back["sent"] or 0, back["fees"] or 0,
    )  # fmt: skip
