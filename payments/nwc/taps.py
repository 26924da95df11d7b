"""Paying from a connected wallet, after a press: at most one request, and one way to pay at a time.

The order of things is the safety. The plain invoice is canceled at the node. Only if that is confirmed, an
invoice of the wallet's own is made, that is committed, and the wallet is told of it, once. Whatever it then
says, or does not, the node is asked whether money came and told to cancel; a plain invoice comes back only
when it said that none can come any more.
"""

import logging
import uuid
from concurrent.futures import Future

from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet

from payments.invoices import InvoiceCloseResult, close_invoice, request_invoice, request_now
from payments.models import Invoice, Payment
from payments.node.lightspark import NodeUnknown
from ticketsuma import clock, encryption
from ticketsuma.errors import DomainError
from ticketsuma.live.news import tell_pages
from ticketsuma.state_machine import InvalidTransition

from . import relays
from .link import BadLink, Link
from .models import ConnectedWallet, Tap
from .protocol import RelayAway, SaidNo, Silent

logger = logging.getLogger(__name__)

# NIP-47's codes, and EXPIRED, which wallets say beside them.
_WORDS = {
    "QUOTA_EXCEEDED": Tap.Word.BUDGET,
    "INSUFFICIENT_BALANCE": Tap.Word.BALANCE,
    "UNAUTHORIZED": Tap.Word.REVOKED,
    "RESTRICTED": Tap.Word.REVOKED,
    "EXPIRED": Tap.Word.EXPIRED,
}


def bring_further(tap: Tap) -> None:
    """Send it, or find out what became of it; the worker's handler, safe to run again after any crash."""
    if tap.status == Tap.Status.QUEUED:
        _send(tap)
    elif tap.status == Tap.Status.SENT:
        _find_out(tap)


# -- sending ----------------------------------------------------------------------------------
def _send(tap: Tap) -> None:
    if not tap.payment.is_payable:
        _end(tap, "")
        return
    closing = _close(tap, Invoice.Slot.PLAIN)
    if closing is InvoiceCloseResult.SETTLED:
        tap.advance(Tap.Status.PAID, **tap.finished())
        return
    if closing is InvoiceCloseResult.UNKNOWN:
        _end(tap, Tap.Word.NODE)  # it may be paid still, so the wallet is not asked
        return
    try:
        invoice = _own_invoice(tap)
    except (DomainError, IntegrityError):
        if clock.now() - tap.created_at < tap.patience:
            raise
        _end(tap, Tap.Word.NODE)
        return
    if invoice is None or tap.wallet is None:
        _end(tap, Tap.Word.FORGOTTEN)
        return
    try:
        link = tap.wallet.link()
    except (encryption.Unreadable, BadLink):
        _end(tap, Tap.Word.REVOKED)
        return
    if not _commit(tap, invoice):
        _end(tap, Tap.Word.FORGOTTEN)
        return
    _tell_wallet(tap, link, invoice)


def _own_invoice(tap: Tap) -> Invoice | None:
    """The open invoice in the slot of connected wallets; None when the payment wants none.

    Raises what the node raises, or IntegrityError when a plain invoice came back meanwhile.
    """
    with transaction.atomic():
        payment = Payment.objects.select_for_update().get(pk=tap.payment_id)
        live = payment.invoices.live()
        if not payment.is_payable:
            return None
        if live.filter(slot=Invoice.Slot.PLAIN).exists():
            raise IntegrityError("a plain invoice can be paid")
        own = live.filter(slot=Invoice.Slot.NWC).first()
        own = own or Invoice.objects.create_requested(payment, slot=Invoice.Slot.NWC)
    if own.status == Invoice.Status.REQUESTED:
        request_invoice(own)
    return own if own.status == Invoice.Status.OPEN else None


def _commit(tap: Tap, invoice: Invoice) -> bool:
    """Note that the wallet is about to be told; False when it was forgotten while this waited."""
    with transaction.atomic():
        if not _wallet_of(tap).select_for_update(of=("self",)).exists():
            return False
        now = clock.now()
        tap.advance(
            Tap.Status.SENT, invoice=invoice, sent_at=now, next_attempt_at=now + tap.patience, attempts=0
        )
        tell_pages(f"payment-{tap.payment_id}")
    return True


def _tell_wallet(tap: Tap, link: Link, invoice: Invoice) -> None:
    """Once: a crash between the commit and this is a wallet that never heard of it, as a silent one is."""
    wallet: ConnectedWallet = tap.wallet  # type: ignore[assignment]  # it was locked a moment ago
    talk = relays.ask(
        link, "pay_invoice", {"invoice": invoice.bolt11}, nip44=wallet.has_nip44,
        seconds=tap.patience.total_seconds(),
    )  # fmt: skip
    relays.in_background(talk, then=lambda heard: _note(tap.pk, heard))


def _note(tap_id: uuid.UUID, heard: "Future[dict]") -> None:
    """Keep the wallet's word, and have the worker look at once what is true. Runs on a thread of its own."""
    error = heard.exception()
    if isinstance(error, SaidNo):
        word = _WORDS.get(error.code, Tap.Word.REFUSED)
    elif isinstance(error, RelayAway):
        word = Tap.Word.RELAY
    elif isinstance(error, Silent):
        word = Tap.Word.SILENT
    elif error is None:
        word = Tap.Word.CLAIMED
    else:
        logger.error("asking a wallet: %s", type(error).__name__)
        word = Tap.Word.RELAY
    try:
        with transaction.atomic():
            sent = Tap.objects.filter(pk=tap_id, status=Tap.Status.SENT)
            sent.update(word=word, **Tap.scheduled())
    finally:
        connection.close()


# -- what became of it ------------------------------------------------------------------------
def _find_out(tap: Tap) -> None:
    """Ask the node; without its word the wallet may still pay, and nothing else is offered.

    Raises NodeUnknown, to be tried again until the payment's time is over.
    """
    closing = _close(tap, Invoice.Slot.NWC)
    if closing is InvoiceCloseResult.UNKNOWN:
        raise NodeUnknown
    invoice = Invoice.objects.get(tap=tap)
    if closing is InvoiceCloseResult.SETTLED or invoice.status == Invoice.Status.PAID:
        with transaction.atomic():
            tap.advance(Tap.Status.PAID, **tap.finished())
            _wallet_of(tap).filter(tells_budget=True).update(**ConnectedWallet.requeued())
        return
    _end(tap, tap.word or Tap.Word.SILENT)


def _wallet_of(tap: Tap) -> QuerySet[ConnectedWallet]:
    return ConnectedWallet.objects.filter(taps=tap)


def _close(tap: Tap, slot: str) -> InvoiceCloseResult:
    for invoice in tap.payment.invoices.live().filter(slot=slot):
        closing = close_invoice(invoice)
        if closing is not InvoiceCloseResult.CLOSED:
            return closing
    return InvoiceCloseResult.CLOSED


def _end(tap: Tap, word: str) -> None:
    """It is over; a payment that is still due gets its plain invoice back, when it has none.

    An invoice of the wallet's that was made and not sent is canceled first. Raises NodeUnknown.
    """
    if _close(tap, Invoice.Slot.NWC) is InvoiceCloseResult.UNKNOWN:
        raise NodeUnknown
    plain = None
    with transaction.atomic():
        payment = Payment.objects.select_for_update().get(pk=tap.payment_id)
        tap.advance(Tap.Status.ENDED, word=word, **tap.finished())
        if payment.is_payable and not payment.invoices.live().filter(slot=Invoice.Slot.PLAIN).exists():
            plain = Invoice.objects.create_requested(payment)
        tell_pages(f"payment-{tap.payment_id}")
    if plain:
        try:
            request_now(plain)
        except InvalidTransition:
            logger.info("somebody else asked for the invoice of %s", tap.payment_id)
