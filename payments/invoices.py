"""BOLT11s of a payment: at most one is requested or open at a time, says the database.

Every function here talks to the node and so must be called outside any transaction.
"""

import json
import logging
from collections.abc import Callable
from datetime import timedelta
from enum import Enum
from typing import cast

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ticketsuma.errors import DomainError
from ticketsuma.states import InvalidTransition

from . import lightspark
from .models import Invoice, Payment
from .services import settle_node_payment

logger = logging.getLogger(__name__)

MAX_INVOICES = 5


class NotPayable(DomainError):
    code = "not_payable"
    sentence = _("This payment is settled, canceled or past its time.")


class TooManyInvoices(DomainError):
    code = "too_many_invoices"
    sentence = _("Too many invoices were asked for. Please pay the one that is open.")
    status = 429
    retry_after = 60


class Busy(DomainError):
    code = "busy"
    sentence = _("Another invoice for this payment is being made. Please try again in a moment.")
    status = 503
    retry_after = 2


class Closing(Enum):
    """What became of an invoice we asked the node to close."""

    SETTLED = "settled"
    CLOSED = "closed"
    UNKNOWN = "unknown"


def lnurl_metadata(payment: Payment) -> str:
    """What LNURL payers see, and whose hash is in the BOLT11 (LUD-06, LUD-16)."""
    return json.dumps([["text/plain", payment.memo], ["text/identifier", payment.pay_address]])


def request_invoice(invoice: Invoice) -> None:
    """Ask the node for the BOLT11 of a `requested` row; then it is open, or the worker asks later.

    When two ask for the same row, one BOLT11 is recorded and the other never leaves us.
    """
    payment = invoice.payment
    if not payment.is_payable:
        _give_up(invoice)
        return
    if invoice.kind != Invoice.Kind.LIGHTNING:
        # Its asker died; the payer's wallet will come again. Until then the page needs a QR.
        replace_failed(invoice)
        return
    try:
        answer = lightspark.create_invoice(
            amount_msats=payment.amount_msats, metadata=lnurl_metadata(payment), expires_at=payment.due_at
        )
    except DomainError as error:
        invoice.retry_later(error.noted)
        logger.warning("no invoice yet for %s: %s", payment.pk, error.noted)
        return
    record_open(invoice, answer)


def record_open(invoice: Invoice, answer: lightspark.NodeInvoice) -> bool:
    """Make the node's answer the row's BOLT11; False when somebody else was first or the payment closed."""
    try:
        invoice.advance(
            Invoice.Status.OPEN,
            invoice_id=answer.invoice_id,
            bolt11=answer.bolt11,
            payment_hash=answer.payment_hash,
            expires_at=answer.expires_at,
            next_attempt_at=None,
            last_error="",
        )
    except InvalidTransition:
        return False
    return True


def _give_up(invoice: Invoice) -> bool:
    try:
        invoice.advance(Invoice.Status.FAILED, next_attempt_at=None)
    except InvalidTransition:
        return False
    return True


def replace_failed(invoice: Invoice) -> None:
    """Give up a requested invoice of one payer and want a plain one in its place, in one step."""
    with transaction.atomic():
        payment = Payment.objects.select_for_update().get(pk=invoice.payment_id)
        if _give_up(invoice) and payment.is_payable:
            Invoice.objects.want(payment, wait=timedelta(seconds=1))


def open_invoice_for_payer(
    *,
    payment: Payment,
    payer: str,
    create: Callable[[], lightspark.NodeInvoice],
    kind: str = Invoice.Kind.UMA,
) -> Invoice:
    """The one open invoice for a verified UMA payer; `create()` asks the node for a new one.

    The same payer gets the same open invoice until it expires. For anyone else the open one is
    canceled first, confirmed by the node. A plain payer is `payer=""` with `kind=LIGHTNING`. Raises
    NotPayable (also when the canceled one turned out paid), TooManyInvoices, Busy, NodeRefused or
    NodeUnknown; then the old invoice or a fresh request for a plain one stands.
    """
    if not payment.is_payable:
        raise NotPayable
    live = payment.invoices.live().first()
    if live and (live.kind, live.payer) == (kind, payer):
        if live.status == Invoice.Status.REQUESTED:
            return _ask_too(live, create)
        if live.expires_at > timezone.now():
            return live
    if payment.invoices.filter(invoice_id__isnull=False).count() >= MAX_INVOICES:
        raise TooManyInvoices
    if live:
        _close_for_replacement(live)
    row = _want_for_payer(payment, kind=kind, payer=payer)
    try:
        answer = create()
    except DomainError:
        replace_failed(row)
        raise
    if not record_open(row, answer):
        raise Busy
    return row


def note_payer_data(invoice: Invoice, **said: str) -> None:
    """Keep what the asker said with their open invoice: the latest word counts, silence changes nothing."""
    news = {name: text for name, text in said.items() if text and text != getattr(invoice, name)}
    if news:
        Invoice.objects.filter(pk=invoice.pk, status=Invoice.Status.OPEN).update(**news)


def _ask_too(invoice: Invoice, create: Callable[[], lightspark.NodeInvoice]) -> Invoice:
    """Open a row that somebody else is asking for, or died asking for; one of the two BOLT11s is recorded."""
    if not record_open(invoice, create()):
        invoice.refresh_from_db()
        if invoice.status != Invoice.Status.OPEN:
            raise Busy
    return invoice


def _want_for_payer(payment: Payment, *, kind: str, payer: str) -> Invoice:
    try:
        with transaction.atomic():
            locked = Payment.objects.select_for_update().get(pk=payment.pk)
            if not locked.is_payable:
                raise NotPayable
            if payer:
                Payment.objects.filter(pk=payment.pk).update(payer_uma=payer)
            return Invoice.objects.want(locked, kind=kind, payer=payer)
    except IntegrityError as error:
        raise Busy from error


def _close_for_replacement(live: Invoice) -> None:
    closing = close_invoice(live)
    if closing is Closing.SETTLED:
        raise NotPayable
    if closing is Closing.UNKNOWN:
        raise lightspark.NodeUnknown


def close_invoice(invoice: Invoice) -> Closing:
    """Make sure that no money can come through `invoice` any more, or learn that it came.

    The node is asked; its CLOSED alone proves nothing, the paid amount decides. An answer we
    cannot read is UNKNOWN and leaves the row as it is.
    """
    if invoice.status == Invoice.Status.REQUESTED:
        return Closing.CLOSED if _give_up(invoice) else Closing.UNKNOWN
    node_id = cast(str, invoice.invoice_id)  # it was opened, so the node has named it
    try:
        try:
            state = lightspark.cancel_invoice(node_id)
        except lightspark.NodeRefused:
            state = lightspark.get_invoice(node_id)
        if state.paid_msats:
            arrived = lightspark.incoming_payments_of_invoice(node_id)
            for seen in arrived:
                settle_node_payment(seen)
            return Closing.SETTLED if arrived else Closing.UNKNOWN
    except (lightspark.NodeUnknown, lightspark.NodeRefused):
        return Closing.UNKNOWN
    if state.is_open and state.expires_at > timezone.now():
        return Closing.UNKNOWN
    ended = Invoice.Status.EXPIRED if state.expires_at <= timezone.now() else Invoice.Status.CANCELED
    try:
        invoice.advance(ended)
    except InvalidTransition:
        return Closing.UNKNOWN
    return Closing.CLOSED


def close_out(payment: Payment) -> Closing:
    """Close every live invoice of `payment` at the node: SETTLED if money came, UNKNOWN if nobody can say."""
    for invoice in payment.invoices.live():
        closing = close_invoice(invoice)
        if closing is not Closing.CLOSED:
            return closing
    return Closing.CLOSED


def abandon_unknown(payment: Payment) -> None:
    """Stop waiting for a silent node: open invoices count as expired; late money is still found."""
    for invoice in payment.invoices.filter(status=Invoice.Status.OPEN):
        invoice.advance(Invoice.Status.EXPIRED)
