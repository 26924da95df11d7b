"""Payment services: creating, settling and closing payments.

Lock order everywhere: payment → (order → event, by the receivers of `payment_settled`).
"""

import contextlib
import logging
import uuid
from datetime import datetime

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ticketsuma.conf import traces
from ticketsuma.errors import DomainError
from ticketsuma.jobs.models import wake_workers
from ticketsuma.kept_queries import insert
from ticketsuma.money import MSATS_PER_SAT
from ticketsuma.state_machine import InvalidTransition

from .models import IncomingPayment, Invoice, Payment, PostTransaction, Refund, WebhookEvent
from .node import lightspark
from .quotes import Quote
from .refunds import write_refund
from .signals import payment_settled
from .uma.push import sign_uma_invoice

logger = logging.getLogger(__name__)


class StillOpen(DomainError):
    code = "payment_in_flight"
    message = _("A payment may still be on its way. Please try again in a moment.")
    retry_after = 5


def new_payment(
    *, reference: str, quote: Quote, memo: str, uma_address: str, due_at: datetime, signed: bool = False
) -> Payment:
    """A payment of what was quoted, due until `due_at`, not saved yet: `create_payment` does that.

    With `uma_address` the worker pushes a UMA Request to that wallet; then, and if `signed`, its UMA
    invoice is signed already.
    """
    payment = Payment(
        reference=reference,
        **quote.columns,
        memo=memo,
        uma_address=uma_address,
        due_at=due_at,
        push=Payment.Push.QUEUED if uma_address else Payment.Push.NONE,
        **(Payment.scheduled() if uma_address else Payment.finished()),
    )
    if uma_address or signed:
        payment.uma_invoice = sign_uma_invoice(payment)
    return payment


def create_payment(payment: Payment) -> Invoice:
    """Write down that this is due, and that an invoice is wanted: `payment` knows it without being asked.

    Call it inside the transaction that sells; afterwards `invoices.request_now(invoice)` asks the node.
    """
    insert([payment])
    if payment.next_attempt_at:
        wake_workers()
    invoice = Invoice.objects.create_requested(payment)
    payment.invoices_in_hand = [invoice]
    return invoice


def push_again(payment: Payment, *, uma_address: str) -> bool:
    """Send the UMA Request anew, or to another address; the invoices and the seats stay as they are.

    False when nothing was done: it is on its way there already, or nothing is due any more.
    """
    waiting = Payment.objects.filter(pk=payment.pk, status=Payment.Status.PENDING)
    return waiting.exclude(push=Payment.Push.QUEUED, uma_address=uma_address).update(
        uma_address=uma_address, uma_invoice="", push=Payment.Push.QUEUED, pushed_at=None,
        last_error="", **Payment.requeued(),
    ) > 0  # fmt: skip


# -- money arrives ----------------------------------------------------------------------------
def reconcile(node_payment_id: str) -> IncomingPayment | None:
    """Ask the node about a payment of which somebody told us, and settle what is true.

    None when it is not a successful payment to our node. Raises NodeUnknown. However often and by
    however many at once it is called, the effect is that of once.
    """
    seen = lightspark.incoming_payment(node_payment_id)
    return settle_node_payment(seen) if seen else None


def settle_node_payment(seen: lightspark.NodePayment) -> IncomingPayment | None:
    """Record what the node says arrived, and allocate it; what cannot be allocated is recorded all the same.

    Money is ours that came through an invoice of ours, to whatever node, or that came to our node. None
    for the rest: another node of the account has business of its own. Outside transactions.
    """
    invoice = _invoice_of(seen)
    if invoice is None and not seen.is_to_our_node:
        logger.warning("money for another node of the account: %s", seen.node_payment_id)
        return None
    incoming = IncomingPayment(
        node_payment_id=seen.node_payment_id,
        payment_hash=seen.payment_hash,
        invoice=invoice,
        payment_id=invoice.payment_id if invoice else None,
        amount_msats=seen.amount_msats,
        received_at=seen.received_at,
        **IncomingPayment.scheduled(),
    )
    traces.about(incoming.payment_id)
    failure = None
    try:
        with transaction.atomic():
            insert([incoming])
            failure = _allocate_new(incoming)
    except IntegrityError:
        incoming = _recorded_before(seen, invoice)
        if incoming.allocated_at is None:
            allocate(incoming)
    if failure:
        raise failure
    return incoming


def _allocate_new(incoming: IncomingPayment) -> Exception | None:
    """Allocate in the transaction that records; what hinders it is returned, so that the record stands."""
    if incoming.payment_id is None:
        logger.error(
            "money without an invoice of ours: %s, %s msats", incoming.node_payment_id, incoming.amount_msats
        )
    try:
        allocate(incoming, is_new=True)
    except Exception as failure:  # noqa: BLE001, raised by the caller once the record is committed
        return failure
    return None


def _invoice_of(seen: lightspark.NodePayment) -> Invoice | None:
    """Ours that was paid: by the node's id of it, else by the hash, which is its own everywhere."""
    named = Invoice.objects.filter(invoice_id=seen.invoice_id).first() if seen.invoice_id else None
    if named or not seen.payment_hash:
        return named
    return Invoice.objects.filter(payment_hash=seen.payment_hash).first()


def _recorded_before(seen: lightspark.NodePayment, invoice: Invoice | None) -> IncomingPayment:
    """The row of money that was recorded before; it gets its `invoice` if it came without and waits."""
    incoming = IncomingPayment.objects.get(node_payment_id=seen.node_payment_id)
    if invoice and incoming.payment_id is None and incoming.allocated_at is None:
        IncomingPayment.objects.filter(pk=incoming.pk, payment=None, allocated_at=None).update(
            invoice=invoice, payment_id=invoice.payment_id, **IncomingPayment.requeued()
        )
        incoming.refresh_from_db()
    return incoming


def allocate(incoming: IncomingPayment, *, is_new: bool = False) -> None:
    """Allocate recorded money, once: apply it, keep dust, refund the rest. Unmatched money waits.

    One transaction: payment settled, receivers served, refunds written, row allocated. Two at once:
    the second waits for the payment's lock and finds it done. What `is_new`, written by this very
    transaction, nobody else can have seen.
    """
    traces.about(incoming.payment_id)
    if incoming.payment_id is None:
        incoming.retry("unmatched")
        return
    with transaction.atomic():
        payment = Payment.objects.select_for_update().get(pk=incoming.payment_id)
        if not is_new:
            rows = IncomingPayment.objects.select_for_update(of=("self",)).select_related("invoice")
            incoming = rows.get(pk=incoming.pk)
        if incoming.allocated_at:
            return
        if incoming.invoice:
            _mark_invoice_paid(incoming.invoice)
        if incoming.invoice and incoming.invoice.utxo_callback:
            PostTransaction.objects.create(incoming_payment=incoming, **PostTransaction.scheduled())
        refusal = _apply(incoming, payment)
        rest_msats = incoming.amount_msats - incoming.applied_msats
        incoming.kept_msats = _dust(incoming, rest_msats)
        rest_msats -= incoming.kept_msats
        incoming.allocated_at, incoming.next_attempt_at = timezone.now(), None
        incoming.save()
        if rest_msats:
            write_refund(incoming, amount_msats=rest_msats, reason=refusal)


def _dust(incoming: IncomingPayment, rest_msats: int) -> int:
    """What of the rest is too little to send back: a small surplus, or less than a whole sat."""
    if incoming.applied_msats and rest_msats <= settings.DUST_SATS * MSATS_PER_SAT:
        return rest_msats
    return rest_msats % MSATS_PER_SAT


def _mark_invoice_paid(invoice: Invoice) -> None:
    try:
        _advance_to_paid(invoice)
    except InvalidTransition:  # it was closed, or paid by other money, since it was read
        invoice.refresh_from_db()
        _advance_to_paid(invoice)


def _advance_to_paid(invoice: Invoice) -> None:
    if Invoice.Status.PAID in invoice.transitions.get(invoice.status, ()):
        invoice.advance(Invoice.Status.PAID, **invoice.finished())


def _apply(incoming: IncomingPayment, payment: Payment) -> str:
    """Settle `payment` with `incoming` if that is enough and still wanted; why the rest goes back."""
    if payment.status == Payment.Status.SETTLED:
        return Refund.Reason.DUPLICATE
    if incoming.amount_msats < payment.amount_msats:
        return Refund.Reason.UNDERPAID
    try:
        with transaction.atomic():
            payer = incoming.invoice.payer if incoming.invoice else ""
            payment.advance(
                Payment.Status.SETTLED,
                paid_at=timezone.now(),
                payer_uma=payer,
                **payment.finished(),  # a push that was given up matters to nobody now
            )
            _leave_invoices(payment)
            payment_settled.send(sender=Payment, payment=payment)
    except DomainError as refusal:
        logger.warning("late money for %s goes back: %s", payment.pk, refusal.code)
        return Refund.Reason.LATE
    incoming.applied_msats = payment.amount_msats
    return Refund.Reason.SURPLUS


def _leave_invoices(payment: Payment) -> None:
    """Nobody needs the other invoices of a settled payment: the worker has the node cancel the open ones.

    Under the payment's lock, so none is wanted anew; one that opens just now loses or is seen open here.
    """
    live = list(payment.invoices.live())
    for invoice in live:
        if invoice.status == Invoice.Status.REQUESTED:
            with contextlib.suppress(InvalidTransition):
                invoice.advance(Invoice.Status.FAILED, **invoice.finished())
    if live:
        payment.invoices.filter(status=Invoice.Status.OPEN).update(**Invoice.requeued())


# -- the node told us -------------------------------------------------------------------------
def process_webhook_event(event: WebhookEvent) -> None:
    """Do what a stored webhook event asks; the worker's handler. Raises NodeUnknown, to be tried again."""
    if event.type == "PAYMENT_FINISHED":
        reconcile(event.entity_id)
    WebhookEvent.objects.filter(pk=event.pk).update(
        processed_at=timezone.now(), last_error="", **event.finished()
    )


# -- it is over -------------------------------------------------------------------------------
def close_payment(payment: Payment) -> None:
    """Nothing more is due. Call it where the order ends, after `close_open_invoices` said CLOSED.

    Raises StillOpen when an invoice came up since, InvalidTransition when money did.
    """
    locked = Payment.objects.select_for_update().get(pk=payment.pk)
    if locked.invoices.live().exists():
        raise StillOpen
    locked.advance(Payment.Status.CLOSED, **locked.finished())
    payment.status = locked.status


def forget_payers(payments: list[uuid.UUID]) -> None:
    """Which wallets paid `payments`, and got money back, is gone; amounts and the node's ids stay.

    For when nothing can have to go back there any more. Call it under the payments' locks.
    """
    from .nwc.services import forget_wallets_of  # which imports what imports this

    Payment.objects.filter(pk__in=payments).update(
        uma_address="", payer_uma="", uma_invoice="", last_error=""
    )
    forget_wallets_of(payments)
    Invoice.objects.filter(payment__in=payments).update(payer="", comment="", utxo_callback="")
    sent = Refund.objects.filter(status=Refund.Status.SENT, incoming_payment__payment__in=payments)
    sent.update(to="", bolt11="", utxo_callback="", last_error="")
