"""The story of one order, told from the rows that are kept anyway."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Prefetch

from payments.models import IncomingPayment, Payment, WebhookEvent
from ticketsuma.money import format_msats, format_sats

from .models import Order, Ticket


@dataclass(frozen=True)
class Moment:
    """Something that happened: `kind` is one word for it, `says` the sentence."""

    at: datetime
    kind: str
    says: str


def order_file(pk: object) -> Order:
    """The order with everything that hangs on it, in a number of queries that does not grow."""
    tickets = Ticket.objects.select_related("check_in__by")
    incoming = IncomingPayment.objects.select_related("invoice").prefetch_related("refunds")
    return (
        Order.objects.select_related("event", "buyer", "payment")
        .prefetch_related(
            Prefetch("tickets", tickets), "mails", "payment__invoices",
            Prefetch("payment__incoming_payments", incoming),
        )
        .get(pk=pk)
    )  # fmt: skip


def timeline(order: Order) -> list[Moment]:
    """What happened to an order from `order_file`, oldest first."""
    moments = [*_of_order(order), *_of_mails(order), *_of_tickets(order), *_of_staff(order)]
    if order.payment:
        moments += [*_of_payment(order.payment), *_of_money(order.payment)]
    return sorted(moments, key=lambda moment: moment.at)


def _of_order(order: Order) -> Iterator[Moment]:
    held = f"{order.quantity} × {order.event.title} held until {order.expires_at:%H:%M:%S} UTC"
    # Its payment is written first, a few microseconds earlier.
    began = min(order.created_at, order.payment.created_at) if order.payment else order.created_at
    yield Moment(began, "held", held)
    if order.paid_at:
        yield Moment(order.paid_at, "paid", "Free." if not order.payment else "Paid; the tickets are good.")
    if order.ended_at:
        yield Moment(
            order.ended_at, "ended", f"The order was {order.status} or had been; its seats were released."
        )


def _of_payment(payment: Payment) -> Iterator[Moment]:
    if payment.pushed_at:
        yield Moment(payment.pushed_at, "pushed", f"Payment request delivered to {payment.uma_address}.")
    for invoice in payment.invoices.all():
        payer = f" for {invoice.payer}" if invoice.payer else ""
        yield Moment(
            invoice.created_at, "invoiced", f"Invoice ({invoice.kind}){payer}: {invoice.status} now."
        )
    if payment.paid_at:
        yield Moment(payment.paid_at, "settled", f"{format_sats(payment.amount_sats)} settled.")


def _of_money(payment: Payment) -> Iterator[Moment]:
    incoming = list(payment.incoming_payments.all())
    for money in incoming:
        yield Moment(money.received_at, "arrived", f"{format_msats(money.amount_msats)} arrived at the node.")
        for refund in money.refunds.all():
            amount, to = format_msats(refund.amount_msats), refund.to or "an address we do not know yet"
            yield Moment(refund.created_at, "refund", f"{amount} to go back to {to} ({refund.reason}).")
            if refund.sent_at:
                yield Moment(refund.sent_at, "refunded", f"{amount} sent to {to}.")
    if incoming:
        ids = [money.node_payment_id for money in incoming]
        for event in WebhookEvent.objects.filter(entity_id__in=ids):
            yield Moment(event.received_at, "webhook", f"The node said {event.type}.")


def _of_mails(order: Order) -> Iterator[Moment]:
    for mail in order.mails.all():
        if mail.sent_at:
            yield Moment(mail.sent_at, "mailed", f"{mail.get_kind_display()} to {mail.to}.")


def _of_tickets(order: Order) -> Iterator[Moment]:
    for ticket in order.tickets.all():
        if ticket.is_used:
            by = f" by {ticket.check_in.by}" if ticket.check_in.by else ""
            yield Moment(ticket.check_in.at, "checked in", f"Ticket {ticket.number}{by}.")
        if ticket.voided_at:
            yield Moment(ticket.voided_at, "void", f"Ticket {ticket.number} admits nobody any more.")


def _of_staff(order: Order) -> Iterator[Moment]:
    about = ContentType.objects.get_for_model(Order)
    for entry in LogEntry.objects.filter(content_type=about, object_id=str(order.pk)).select_related("user"):
        yield Moment(entry.action_time, "staff", f"{entry.user}: {entry.get_change_message()}")
