"""Tables that can be exported: their rows, columns, and who may see them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.roles import Ability
from payments.models import IncomingPayment, Refund
from tickets.models import CheckIn, Order, Ticket
from tickets.receipts.models import Receipt
from ticketsuma.money import MSATS_PER_SAT, in_major
from ticketsuma.replica import PRIMARY

from .periods import Period
from .scopes import Scope

AT_ONCE = 2000  # rows in memory


@dataclass(frozen=True)
class Column:
    """`name` is for programs and never changes, `label` for people; `read` makes a cell of a row."""

    name: str
    label: str | Promise
    read: Callable[[Any], Any]


@dataclass(frozen=True)
class Table:
    """Rows of `model` whose `moment` lies in a period, oldest first; `event` is the path to their event."""

    name: str
    label: str | Promise
    needs: Ability
    model: Any
    moment: str
    event: str
    columns: Sequence[Column]
    read: Callable[[QuerySet[Any, Any]], QuerySet[Any, Any]]

    def rows(
        self, scope: Scope, period: Period, columns: Sequence[Column], database: str = PRIMARY
    ) -> Iterator[list[Any]]:
        """The labels, then a row at a time; AT_ONCE rows are in memory, however many there are.

        Read page by page behind the last row that was seen, without a cursor of the database's: rows that
        are written meanwhile come along or not, and none comes twice.
        """
        yield [str(column.label) for column in columns]
        rows = scope.rows(self.model, database, self.needs, self.event)
        rows = rows.filter(**{f"{self.moment}__gte": period.start, f"{self.moment}__lt": period.end})
        rows = self.read(rows).order_by(self.moment, "pk")
        last: tuple[datetime, Any] | None = None
        while page := list(rows.filter(_behind(self.moment, last))[:AT_ONCE]):
            for row in page:
                yield [_cell(column.read(row), period) for column in columns]
            last = getattr(page[-1], self.moment), page[-1].pk

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)


def _behind(moment: str, last: tuple[datetime, Any] | None) -> Q:
    if last is None:
        return Q()
    at, pk = last
    return Q(**{f"{moment}__gte": at}) & (Q(**{f"{moment}__gt": at}) | Q(pk__gt=pk))


def _cell(value: Any, period: Period) -> Any:
    """Moments by the clocks of the period's zone; spreadsheets know no zones."""
    if isinstance(value, datetime):
        return value.astimezone(period.zone).replace(tzinfo=None, microsecond=0)
    if value is None:
        return ""
    return str(value) if isinstance(value, Promise) else value


def _priced(order: Order) -> Any:
    payment = order.payment
    if payment is None:
        return 0
    return payment.amount_sats if payment.currency == "SAT" else in_major(payment.amount, payment.currency)


def _refunded(order: Order) -> int:
    return sum(one.amount_msats for came in _came(order) for one in came.refunds.all())


def _came(order: Order) -> list[IncomingPayment]:
    return list(order.payment.incoming_payments.all()) if order.payment else []


def _sats(msats: int | None) -> int | float | None:
    """Whole sats as a whole number."""
    if msats is None:
        return None
    whole, rest = divmod(msats, MSATS_PER_SAT)
    return msats / MSATS_PER_SAT if rest else whole


def _answers(ticket: Ticket) -> str:
    """Those about this ticket, and those about its whole order."""
    said = [one for one in ticket.order.answers.all() if one.ticket_number in (0, ticket.number)]
    return "\n".join(f"{one.question.label}: {one.shown}" for one in said)


_ORDER_EVENT = [
    Column("event_id", _("event id"), lambda order: order.event_id),
    Column("event", _("event"), lambda order: order.event.title),
]


def _through(path: str, columns: Sequence[Column]) -> list[Column]:
    def reader(read):
        def of(row):
            for name in path.split("."):
                row = getattr(row, name)
            return read(row)

        return of

    return [Column(each.name, each.label, reader(each.read)) for each in columns]


ORDERS = Table(
    "orders", _("Orders"), Ability.SEE_GUESTS, Order, "created_at", "event",
    [
        Column("code", _("code"), lambda order: order.code),
        Column("status", _("status"), lambda order: order.status),
        *_ORDER_EVENT,
        Column("name", _("name"), lambda order: order.name),
        Column("email", _("e-mail"), lambda order: order.email),
        Column("uma_address", _("UMA address"), lambda order: order.uma_address),
        Column("seats", _("seats"), lambda order: order.quantity),
        Column("types", _("ticket types"), lambda order: ", ".join(
            f"{line.quantity} × {line.type.shown_name}" for line in order.lines.all())),
        Column("promo_code", _("promo code"), lambda order: order.promo_code and order.promo_code.text),
        Column("sats", _("sats"), lambda order: order.payment.amount_sats if order.payment else 0),
        Column("currency", _("currency"), lambda order: order.payment.currency if order.payment else "SAT"),
        Column("amount", _("amount in its currency"), _priced),
        Column("btc_price", _("price of a bitcoin"), lambda order: order.payment and order.payment.rate),
        Column("refunded_sats", _("refunded sats"), lambda order: _sats(_refunded(order))),
        Column("payment_hash", _("payment hash"), lambda order: ", ".join(
            came.payment_hash for came in _came(order) if came.applied_msats)),
        Column("created_at", _("created"), lambda order: order.created_at),
        Column("paid_at", _("paid"), lambda order: order.paid_at),
        Column("ended_at", _("ended"), lambda order: order.ended_at),
        Column("language", _("language"), lambda order: order.language),
    ],
    lambda rows: rows.select_related("event", "payment", "promo_code").prefetch_related(
        "lines__type", "payment__incoming_payments__refunds"),
)  # fmt: skip

TICKETS = Table(
    "tickets", _("Tickets"), Ability.SEE_GUESTS, Ticket, "created_at", "order__event",
    [
        Column("order", _("order"), lambda ticket: ticket.order.code),
        Column("number", _("number"), lambda ticket: ticket.number),
        Column("status", _("status"), lambda ticket: ticket.order.status),
        *_through("order", _ORDER_EVENT),
        Column("type", _("ticket type"), lambda ticket: ticket.line.type.shown_name if ticket.line else ""),
        Column("sats", _("sats"), lambda ticket: ticket.price_sats),
        Column("name", _("holder"), lambda ticket: ticket.holder_name or ticket.order.name),
        Column("email", _("e-mail"), lambda ticket: ticket.holder_email or ticket.order.email),
        Column("answers", _("answers"), _answers),
        Column("admits", _("admits"), lambda ticket: _("yes") if ticket.admits else _("no")),
        Column("checked_in_at", _("checked in"), lambda ticket: _check_in(ticket)),
        Column("voided_at", _("void since"), lambda ticket: ticket.voided_at),
        Column("created_at", _("created"), lambda ticket: ticket.created_at),
    ],
    lambda rows: rows.select_related(
        "order__event", "order__payment", "line__type", "check_in").prefetch_related(
        "order__answers__question"),
)  # fmt: skip


def _check_in(ticket: Ticket) -> datetime | None:
    return ticket.check_in.at if hasattr(ticket, "check_in") else None


CHECK_INS = Table(
    "check-ins", _("Check-ins"), Ability.SEE_GUESTS, CheckIn, "at", "ticket__order__event",
    [
        Column("at", _("checked in"), lambda row: row.at),
        *_through("ticket.order", _ORDER_EVENT),
        Column("order", _("order"), lambda row: row.ticket.order.code),
        Column("number", _("number"), lambda row: row.ticket.number),
        Column("name", _("holder"), lambda row: row.ticket.holder_name or row.ticket.order.name),
        Column("by", _("checked in by (e-mail)"), lambda row: row.by_name),
    ],
    lambda rows: rows.select_related("ticket__order__event"),
)  # fmt: skip


def _order_of(incoming: IncomingPayment) -> Any:
    return getattr(incoming.payment, "order", None)


PAYMENTS = Table(
    "payments", _("Payments that arrived"), Ability.SEE_MONEY, IncomingPayment, "received_at",
    "payment__order__event",
    [
        Column("received_at", _("received"), lambda row: row.received_at),
        Column("node_payment_id", _("node's id"), lambda row: row.node_payment_id),
        Column("payment_hash", _("payment hash"), lambda row: row.payment_hash),
        Column("order", _("order"), lambda row: _order_of(row) and _order_of(row).code),
        Column("event", _("event"), lambda row: _order_of(row) and _order_of(row).event.title),
        Column("received_sats", _("received sats"), lambda row: _sats(row.amount_msats)),
        Column("sold_sats", _("applied"), lambda row: _sats(row.applied_msats)),
        Column("kept_sats", _("kept"), lambda row: _sats(row.kept_msats)),
        Column("refunded_sats", _("refunded sats"), lambda row: _sats(row.refunded)),
        Column("currency", _("currency"), lambda row: row.payment.currency if row.payment else "SAT"),
        Column("amount", _("amount in its currency"), lambda row: row.payment and in_major(
            row.payment.amount, row.payment.currency)),
        Column("btc_price", _("price of a bitcoin"), lambda row: row.payment and row.payment.rate),
    ],
    lambda rows: rows.select_related("payment__order__event").annotate(
        refunded=Coalesce(Sum("refunds__amount_msats"), 0)),
)  # fmt: skip

REFUNDS = Table(
    "refunds", _("Refunds"), Ability.SEE_MONEY, Refund, "created_at",
    "incoming_payment__payment__order__event",
    [
        Column("created_at", _("created"), lambda row: row.created_at),
        Column("order", _("order"), lambda row: _order_of(row.incoming_payment)
               and _order_of(row.incoming_payment).code),
        Column("event", _("event"), lambda row: _order_of(row.incoming_payment)
               and _order_of(row.incoming_payment).event.title),
        Column("status", _("status"), lambda row: row.status),
        Column("reason", _("reason"), lambda row: row.reason),
        Column("sats", _("sats"), lambda row: _sats(row.amount_msats)),
        Column("fee_sats", _("fee"), lambda row: _sats(row.fee_msats)),
        Column("to", _("destination"), lambda row: row.to),
        Column("sent_at", _("sent"), lambda row: row.sent_at),
        Column("payment_hash", _("payment hash"), lambda row: row.payment_hash),
        Column("node_payment_id", _("node's id"), lambda row: row.node_payment_id),
    ],
    lambda rows: rows.select_related("incoming_payment__payment__order__event"),
)  # fmt: skip


def _signed(minor: Any) -> Callable[[Receipt], Any]:
    """What `minor` says of a receipt, in whole units; below zero of a credit note, so that sums are right."""

    def read(receipt: Receipt) -> Any:
        amount = -minor(receipt) if receipt.is_credit_note else minor(receipt)
        return amount if receipt.currency == "SAT" else in_major(amount, receipt.currency)

    return read


def _by_rate(receipt: Receipt) -> str:
    taxes = ((rate, _signed(lambda _row, tax=tax: tax)(receipt)) for rate, _gross, tax in receipt.taxes)
    return "\n".join(f"{rate / 100:g} %: {tax}" for rate, tax in taxes)


def _made_out_to(receipt: Receipt) -> str:
    said = [to for one in receipt.order.receipts.all() for to in one.addressees.all()]
    return "\n".join(filter(None, (said[-1].name, said[-1].address, said[-1].tax_number))) if said else ""


RECEIPTS = Table(
    "receipts", _("Receipts and credit notes"), Ability.SEE_MONEY, Receipt, "issued_at", "order__event",
    [
        Column("number", _("number"), lambda row: row.name),
        Column("kind", _("kind"), lambda row: "credit_note" if row.is_credit_note else "receipt"),
        Column("issued_at", _("paid or sent back"), lambda row: row.issued_at),
        *_through("order", _ORDER_EVENT),
        Column("order", _("order"), lambda row: row.order.code),
        Column("seller", _("seller"), lambda row: row.seller),
        Column("made_out_to", _("made out to"), _made_out_to),
        Column("currency", _("currency"), lambda row: row.currency),
        Column("amount", _("amount in its currency"), _signed(lambda row: row.amount)),
        Column("net", _("without tax"), _signed(lambda row: row.net)),
        Column("tax", _("tax included"), _signed(lambda row: row.tax)),
        Column("taxes", _("tax by rate"), _by_rate),
        Column("sats", _("sats"), lambda row: _sats(-row.msats if row.is_credit_note else row.msats)),
        Column("btc_price", _("price of a bitcoin"), lambda row: row.rate),
        Column("payment_hash", _("payment hash"), lambda row: row.payment_hash),
    ],
    lambda rows: rows.select_related("series", "order__event").prefetch_related(
        "order__receipts__addressees"),
)  # fmt: skip

TABLES: dict[str, Table] = {
    table.name: table for table in (ORDERS, TICKETS, CHECK_INS, PAYMENTS, REFUNDS, RECEIPTS)
}
