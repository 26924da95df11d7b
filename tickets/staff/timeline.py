"""Timeline of one order, from the rows that are kept anyway."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db.models import Prefetch
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from accounts.history import HistoryEntry
from payments.models import IncomingPayment, Invoice, Payment, Refund, WebhookEvent
from payments.quotes import then_and_now
from tickets.line_models import LINES
from tickets.models import Order, Ticket
from ticketsuma.bidi import isolate
from ticketsuma.money import format_amount, format_due, format_msats, minor_digits

KINDS = {
    "held": gettext_lazy("held"),
    "paid": gettext_lazy("paid"),
    "ended": gettext_lazy("ended"),
    "pushed": pgettext_lazy("payment request", "pushed"),
    "invoiced": gettext_lazy("invoiced"),
    "quoted": gettext_lazy("quoted"),
    "settled": gettext_lazy("settled"),
    "arrived": gettext_lazy("arrived"),
    "refund": gettext_lazy("refund"),
    "refunded": gettext_lazy("refunded"),
    "webhook": gettext_lazy("webhook"),
    "mailed": gettext_lazy("mailed"),
    "checked in": gettext_lazy("checked in"),
    "void": gettext_lazy("void"),
    "done by": gettext_lazy("done by"),
    "note": gettext_lazy("note"),
}


OF_MONEY = {"quoted", "invoiced", "settled", "arrived", "refund", "refunded"}
OF_THE_HOOD = {"webhook"}


@dataclass(frozen=True)
class TimelineEntry:
    """Something that happened: `kind` is one of KINDS, `says` the sentence."""

    at: datetime
    kind: str
    says: str

    @property
    def word(self) -> str:
        return str(KINDS[self.kind])


def order_file(pk: uuid.UUID) -> Order:
    """The order with everything that hangs on it, in a number of queries that does not grow."""
    tickets = Ticket.objects.select_related("check_in", "line__type")
    incoming = IncomingPayment.objects.select_related("invoice").prefetch_related("refunds")
    return (
        Order.objects.select_related("event", "buyer", "payment", "promo_code")
        .prefetch_related(
            Prefetch("tickets", tickets), "mails", LINES, "payment__invoices", "answers__question", "notes",
            Prefetch("payment__incoming_payments", incoming),
        )
        .get(pk=pk)
    )  # fmt: skip


def pay_url(order: Order) -> str:
    """Where a guest pays what staff sold them, while it waits; of no other order: its link is the buyer's."""
    if not order.is_pending or not HistoryEntry.objects.about([order]).filter(act="sell").exists():
        return ""
    return settings.SITE_URL + order.get_absolute_url()


def timeline(order: Order) -> list[TimelineEntry]:
    """What happened to an order from `order_file`, oldest first."""
    moments = [*_of_order(order), *_of_mails(order), *_of_tickets(order)]
    moments += [*_of_people(order), *_of_notes(order)]
    if order.payment:
        moments += [*_of_payment(order.payment), *_of_money(order.payment)]
    return sorted(moments, key=lambda moment: moment.at)


def _of_order(order: Order) -> Iterator[TimelineEntry]:
    until = order.expires_at.astimezone(order.event.zone)
    facts = {
        "quantity": order.quantity, "event": isolate(order.event.title), "time": f"{until:%H:%M:%S}",
        "lines": ", ".join(f"{line.quantity} × {isolate(line.type.name)}" for line in order.named_lines),
    }  # fmt: skip
    held = _("%(quantity)s × %(event)s held until %(time)s") % facts
    if facts["lines"]:
        held = _("%(event)s: %(lines)s held until %(time)s") % facts
    # Its payment is written first, a few microseconds earlier.
    began = min(order.created_at, order.payment.created_at) if order.payment else order.created_at
    yield TimelineEntry(began, "held", held)
    if order.paid_at:
        yield TimelineEntry(
            order.paid_at, "paid", _("Paid; the tickets are good.") if order.payment else _("Free.")
        )
    if order.ended_at:
        ended = _("The order ended; its seats were released. It is %(state)s now.")
        yield TimelineEntry(order.ended_at, "ended", ended % {"state": order.get_status_display().lower()})


def _of_payment(payment: Payment) -> Iterator[TimelineEntry]:
    if payment.rate:
        rate = format_amount(_in_minor(payment.rate, payment.currency), payment.currency)
        facts = {
            "amount": _due(payment),
            "rate": rate,
            "sources": ", ".join(payment.rate_sources or []),
        }
        says = _("%(amount)s agreed, with a bitcoin at %(rate)s (%(sources)s).")
        yield TimelineEntry(payment.created_at, "quoted", says % facts)
    if payment.pushed_at:
        yield TimelineEntry(
            payment.pushed_at,
            "pushed",
            _("Payment request delivered to %(address)s.") % {"address": payment.uma_address},
        )
    for invoice in payment.invoices.all():
        yield TimelineEntry(invoice.created_at, "invoiced", _about(invoice))
    if payment.paid_at:
        yield TimelineEntry(
            payment.paid_at,
            "settled",
            _("%(amount)s settled.") % {"amount": _due(payment)},
        )


def _due(payment: Payment) -> str:
    return format_due(payment.amount_sats, payment.amount, payment.currency)


def _in_minor(amount: Decimal, currency: str) -> int:
    return round(amount.scaleb(minor_digits(currency)))


def _about(invoice: Invoice) -> str:
    facts = {
        "kind": invoice.get_kind_display(), "payer": invoice.payer,
        "comment": isolate(invoice.comment),
        "state": invoice.get_status_display().lower(),
    }  # fmt: skip
    says = _("Invoice (%(kind)s) for %(payer)s: %(state)s now.") if invoice.payer else ""
    says = says or _("Invoice (%(kind)s): %(state)s now.")
    return " ".join(
        [says % facts, _("Its comment: “%(comment)s”.") % facts if invoice.comment else ""]
    ).strip()


def _of_money(payment: Payment) -> Iterator[TimelineEntry]:
    incoming = list(payment.incoming_payments.all())
    for money in incoming:
        yield TimelineEntry(
            money.received_at,
            "arrived",
            _("%(amount)s arrived at the node.") % {"amount": format_msats(money.amount_msats)},
        )
        for refund in money.refunds.all():
            facts = {
                "amount": format_msats(refund.amount_msats), "reason": refund.get_reason_display().lower(),
                "address": refund.destination or _nowhere(refund),
            }  # fmt: skip
            says = _("%(amount)s to go back to %(address)s (%(reason)s).") % facts
            says = f"{says} {then_and_now(payment, refund.amount_msats)}".strip()
            yield TimelineEntry(refund.created_at, "refund", says)
            if refund.sent_at:
                yield TimelineEntry(refund.sent_at, "refunded", _about_sent(refund, facts))
    if incoming:
        ids = [money.node_payment_id for money in incoming]
        for event in WebhookEvent.objects.filter(entity_id__in=ids):
            yield TimelineEntry(
                event.received_at, "webhook", _("The node said %(what)s.") % {"what": event.type}
            )


def _nowhere(refund: Refund) -> str:
    return _("an address that was forgotten") if refund.sent_at else _("an address we do not know yet")


def _about_sent(refund: Refund, facts: dict[str, str]) -> str:
    says = _("%(amount)s sent to %(address)s.") % facts
    if not refund.arrives:
        return says
    arrived = _("%(amount)s arrived, says its wallet.") % {"amount": refund.arrives}
    return f"{says} {arrived}"


def _of_mails(order: Order) -> Iterator[TimelineEntry]:
    for mail in order.mails.all():
        if mail.sent_at:
            said = {"kind": mail.get_kind_display(), "address": mail.to}
            yield TimelineEntry(mail.sent_at, "mailed", _("%(kind)s to %(address)s.") % said)


def _of_tickets(order: Order) -> Iterator[TimelineEntry]:
    for ticket in order.tickets.all():
        if ticket.is_used:
            came = {"number": ticket.number, "who": ticket.check_in.by_name}
            says = _("Ticket %(number)s by %(who)s.") if ticket.check_in.by_name else _("Ticket %(number)s.")
            yield TimelineEntry(ticket.check_in.at, "checked in", says % came)
        if ticket.voided_at:
            yield TimelineEntry(
                ticket.voided_at,
                "void",
                _("Ticket %(number)s admits nobody any more.") % {"number": ticket.number},
            )


def _of_notes(order: Order) -> Iterator[TimelineEntry]:
    for note in order.notes.all():
        yield TimelineEntry(note.at, "note", f"{note.by_name}: {isolate(note.text)}")


def _of_people(order: Order) -> Iterator[TimelineEntry]:
    """Acts of staff and of the buyer on the order and its rows."""
    incoming = order.payment.incoming_payments.all() if order.payment else []
    refunds = [refund for money in incoming for refund in money.refunds.all()]
    rows = [order, *order.tickets.all(), *order.mails.all(), *incoming, *refunds]
    rows += [order.payment] if order.payment else []
    for entry in HistoryEntry.objects.about(rows).exclude(act="note"):  # told by themselves
        yield TimelineEntry(entry.at, "done by", f"{entry.who}: {isolate(entry.row_name)} {entry.says}")
