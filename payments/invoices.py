"""BOLT11s of a payment: four slots, each with at most one that is requested or open, by a constraint.

`plain` is everybody's (QR, link, LNURL, API), `typed` that of the wallet whose address the buyer typed,
`other` that of the first other verified payer who asks. So no stranger can take what the page shows, and
money goes back to the one who signed for it. `nwc` is the connected wallet's (`payments/nwc/`): while it can
be paid there is no plain one.

Every function here talks to the node and so must be called outside any transaction.
"""

import json
import logging
from collections.abc import Callable
from enum import Enum
from typing import cast

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ticketsuma.conf import traces
from ticketsuma.errors import DomainError
from ticketsuma.state_machine import InvalidTransition

from .models import Invoice, Payment
from .node import lightspark
from .services import settle_node_payment

logger = logging.getLogger(__name__)

MAX_PER_SLOT = 5


class NotPayable(DomainError):
    code = "not_payable"
    message = _("This payment is settled, canceled or past its time.")


class TooManyInvoices(DomainError):
    code = "too_many_invoices"
    message = _("Too many invoices were asked for. Please pay the one that is open.")
    status = 429
    retry_after = 60


class SlotBusy(DomainError):
    code = "busy"
    message = _("Another invoice for this payment is being made. Please try again in a moment.")
    status = 503
    retry_after = 2


class SlotTaken(DomainError):
    code = "another_payer"
    message = _("Another wallet is paying this already. The QR code and the Lightning invoice remain.")
    status = 429
    retry_after = 60


class InvoiceCloseResult(Enum):
    """What became of an invoice we asked the node to close."""

    SETTLED = "settled"
    CLOSED = "closed"
    UNKNOWN = "unknown"


def lnurl_metadata(payment: Payment) -> str:
    """What LNURL payers see, and whose hash is in the BOLT11 (LUD-06, LUD-16)."""
    return json.dumps([["text/plain", payment.memo], ["text/identifier", payment.pay_address]])


def request_invoice(invoice: Invoice) -> None:
    """Ask the node for the BOLT11 of a `requested` row; the worker's handler. Raises what the node raises.

    When two ask for the same row, one BOLT11 is recorded and the other never leaves us.
    """
    traces.about(invoice.payment_id)
    payment = invoice.payment
    if not payment.is_payable:
        _give_up(invoice)
        return
    if invoice.payer:
        _give_up(invoice)  # its asker died; the payer's wallet will come again
        return
    answer = lightspark.create_invoice(
        amount_msats=payment.amount_msats, metadata=lnurl_metadata(payment), expires_at=payment.due_at
    )
    if not record_open(invoice, answer):
        invoice.refresh_from_db()


def request_now(invoice: Invoice) -> None:
    """Ask within a buyer's request; when the node does not answer, the worker asks later."""
    try:
        request_invoice(invoice)
    except DomainError as error:
        logger.warning("no invoice yet for %s: %s", invoice.payment_id, error.noted)
        invoice.retry(error.noted)


def record_open(invoice: Invoice, answer: lightspark.NodeInvoice) -> bool:
    """Make the node's answer the row's BOLT11; False when somebody else was first or the payment closed."""
    try:
        invoice.advance(
            Invoice.Status.OPEN,
            invoice_id=answer.invoice_id,
            bolt11=answer.bolt11,
            payment_hash=answer.payment_hash,
            expires_at=answer.expires_at,
            last_error="",
            **invoice.finished(),
        )
    except InvalidTransition:
        return False
    return True


def _give_up(invoice: Invoice) -> bool:
    try:
        invoice.advance(Invoice.Status.FAILED, **invoice.finished())
    except InvalidTransition:
        return False
    return True


def open_invoice_for_payer(
    *,
    payment: Payment,
    payer: str,
    create: Callable[[], lightspark.NodeInvoice],
    kind: str = Invoice.Kind.UMA,
) -> Invoice:
    """The open invoice of a verified UMA payer, in the slot that is theirs; `create()` asks for a new one.

    The same payer gets the same open invoice until it expires. The `other` slot belongs to whoever asked
    first for as long as that one is open; in `typed` a wallet that the buyer no longer names gives way,
    once the node has canceled its invoice. A plain payer is `payer=""` with `kind=LIGHTNING`. Raises
    NotPayable (also when the canceled one turned out paid), SlotTaken, TooManyInvoices, Busy, NodeRefused
    or NodeUnknown; the plain invoice stands whatever happens. Of two at once one gets Busy.
    """
    if not payment.is_payable:
        raise NotPayable
    live = payment.invoices.live()
    if mine := live.exclude(slot=Invoice.Slot.NWC).filter(payer=payer).first():
        if mine.status == Invoice.Status.REQUESTED:
            return _ask_too(mine, create)
        if mine.expires_at > timezone.now():
            return mine
    slot = payment.slot_of(payer)
    if payment.invoices.filter(slot=slot, invoice_id__isnull=False).count() >= MAX_PER_SLOT:
        raise TooManyInvoices
    if standing := live.filter(slot=slot).first():
        _make_room(standing)
    row = _want_for_payer(payment, kind=kind, payer=payer)
    try:
        answer = create()
    except DomainError as error:
        if payer:
            _give_up(row)
        else:
            row.retry(error.noted)  # the page waits for this one
        raise
    if not record_open(row, answer):
        raise SlotBusy
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
            raise SlotBusy
    return invoice


def _want_for_payer(payment: Payment, *, kind: str, payer: str) -> Invoice:
    try:
        with transaction.atomic():
            locked = Payment.objects.select_for_update().get(pk=payment.pk)
            if not locked.is_payable:
                raise NotPayable
            if not payer and locked.invoices.live().filter(slot=Invoice.Slot.NWC).exists():
                raise SlotTaken
            return Invoice.objects.create_requested(locked, kind=kind, payer=payer)
    except IntegrityError as error:
        raise SlotBusy from error


def _make_room(standing: Invoice) -> None:
    """Have the node cancel what stands in the slot; an `other` one that may still be paid is SlotTaken."""
    ends = standing.expires_at  # none while it is being asked for
    if standing.slot == Invoice.Slot.OTHER and (ends is None or ends > timezone.now()):
        raise SlotTaken
    closing = close_invoice(standing)
    if closing is InvoiceCloseResult.SETTLED:
        raise NotPayable
    if closing is InvoiceCloseResult.UNKNOWN:
        raise lightspark.NodeUnknown


# -- over -------------------------------------------------------------------------------------
def close_invoice(invoice: Invoice) -> InvoiceCloseResult:
    """Make sure that no money can come through `invoice` any more, or learn that it came.

    The node is asked; its CLOSED alone proves nothing, the paid amount decides. An answer we
    cannot read is UNKNOWN and leaves the row as it is.
    """
    if invoice.status == Invoice.Status.REQUESTED:
        return InvoiceCloseResult.CLOSED if _give_up(invoice) else InvoiceCloseResult.UNKNOWN
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
            return InvoiceCloseResult.SETTLED if arrived else InvoiceCloseResult.UNKNOWN
    except (lightspark.NodeUnknown, lightspark.NodeRefused):
        return InvoiceCloseResult.UNKNOWN
    if state.is_open and state.expires_at > timezone.now():
        return InvoiceCloseResult.UNKNOWN
    ended = Invoice.Status.EXPIRED if state.expires_at <= timezone.now() else Invoice.Status.CANCELED
    try:
        invoice.advance(ended, **invoice.finished())
    except InvalidTransition:
        return InvoiceCloseResult.UNKNOWN
    return InvoiceCloseResult.CLOSED


def cancel_leftover(invoice: Invoice) -> None:
    """Cancel an open invoice of what is paid already; the worker's handler. What still comes is a duplicate.

    Raises NodeUnknown while the node cannot say, to be tried again.
    """
    if close_invoice(invoice) is InvoiceCloseResult.UNKNOWN:
        raise lightspark.NodeUnknown


def close_open_invoices(payment: Payment) -> InvoiceCloseResult:
    """Close every live invoice of `payment` at the node: SETTLED if money came, UNKNOWN if nobody can say."""
    closings = {close_invoice(invoice) for invoice in payment.invoices.live()}
    worst_first = (InvoiceCloseResult.SETTLED, InvoiceCloseResult.UNKNOWN)
    return next((closing for closing in worst_first if closing in closings), InvoiceCloseResult.CLOSED)


def expire_unconfirmed(payment: Payment) -> None:
    """Stop waiting for a silent node: open invoices count as expired; late money is still found."""
    for invoice in payment.invoices.filter(status=Invoice.Status.OPEN):
        invoice.advance(Invoice.Status.EXPIRED, **invoice.finished())
