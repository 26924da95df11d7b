"""Ledger between the nodes of the sandbox: invoices, payments, balances."""

import hashlib
import re
import secrets
from datetime import timedelta

from django.db import transaction
from django.db.models import F, Sum
from django.utils import timezone

from node import bolt11_codec, faults, network, wakeup, webhooks
from node.models import Invoice, Node, Payment, new_id
from node.signals import payment_resolved

MAX_MSATS = 21_000_000 * 100_000_000 * 1000


class Refused(Exception):
    """The node says no, in a sentence; `name` is GraphQL's `extensions.error_name`."""

    def __init__(self, message: str, *, name: str = "BadRequestException"):
        super().__init__(message)
        self.name = name


def _is_whole(number) -> bool:
    return isinstance(number, int) and not isinstance(number, bool)


def create_invoice(
    *,
    node: Node,
    amount_msats: int,
    expiry_s: int,
    memo: str = "",
    description_hash: str = "",
    kind: str = "standard",
    payment_hash: str = "",
) -> Invoice:
    """An open invoice with a really signed BOLT11; amount 0 lets the payer choose. Raises Refused.

    With a `payment_hash` only the caller knows the preimage: what is paid stays PENDING until `resolve`.
    """
    if not _is_whole(amount_msats) or not 0 <= amount_msats <= MAX_MSATS:
        raise Refused("amount_msats must be between 0 and 21 million BTC")
    if not _is_whole(expiry_s) or not 1 <= expiry_s <= 365 * 86400:
        raise Refused("expiry_secs must be between one second and one year")
    if len(memo.encode()) > 600 or (description_hash and len(description_hash) != 64):
        raise Refused("the description is too long or no hash")
    if payment_hash and not re.fullmatch("[0-9a-f]{64}", payment_hash):
        raise Refused("payment_hash must be 32 bytes in hex")
    if payment_hash and Invoice.objects.filter(payment_hash=payment_hash).exists():
        raise Refused("there is an invoice with this payment_hash", name="DuplicateException")
    strange = faults.strike("wrong_network")
    chain = strange.params["network"] if strange else node.network
    if other := faults.strike("wrong_invoice_amount"):
        amount_msats = max(0, amount_msats + int(other.params["delta_msats"]))
    preimage, now = b"" if payment_hash else secrets.token_bytes(32), timezone.now()
    payment_hash = payment_hash or hashlib.sha256(preimage).hexdigest()
    text = bolt11_codec.write_bolt11(
        secret_hex=node.secret_hex,
        network=chain,
        payment_hash=payment_hash,
        payment_secret=secrets.token_hex(32),
        amount_msats=amount_msats,
        memo=memo,
        description_hash=description_hash,
        created_at=int(now.timestamp()),
        expiry_s=expiry_s,
    )
    return Invoice.objects.create(
        id=new_id("Invoice"),
        node=node,
        kind=kind,
        bolt11=text,
        payment_hash=payment_hash,
        preimage=preimage.hex(),
        network=chain,
        amount_msats=amount_msats,
        memo=memo,
        description_hash=description_hash,
        created_at=now,
        expires_at=now + timedelta(seconds=expiry_s),
    )


@transaction.atomic
def cancel_invoice(invoice: Invoice) -> Invoice:
    """The invoice can no longer be paid. Canceling twice is fine. Raises Refused: paid, or expired."""
    invoice.refresh_from_db()
    if invoice.amount_paid_msats:
        raise Refused("the invoice was already paid", name="InvoiceAlreadyPaidException")
    if invoice.canceled_at is None and invoice.expires_at <= timezone.now():
        raise Refused("the invoice has expired", name="InvoiceExpiredException")
    if invoice.canceled_at is None:
        invoice.canceled_at = timezone.now()
        invoice.save(update_fields=["canceled_at", "updated_at"])
    return invoice


def find_invoice(bolt11: str) -> Invoice | None:
    """The sandbox's invoice behind this string, in either case; None when it is somebody else's."""
    return Invoice.objects.select_related("node").filter(bolt11=bolt11.strip().lower()).first()


@transaction.atomic
def pay(
    *,
    payer: Node,
    bolt11: str,
    amount_msats: int | None = None,
    idempotency_key: str | None = None,
    is_uma: bool = False,
    max_fee_msats: int | None = None,
) -> Payment:
    """Pay a BOLT11 from a node. Money moves in this transaction, or the payment is FAILED with a reason.

    The route costs what `network.fee_msats` says, at most `max_fee_msats`; without that nothing.

    The same idempotency key gives the first payment again. Raises Refused when the string is no BOLT11 or
    an amount is missing. A PENDING payment has left the payer and waits for `resolve_due`.
    """
    if idempotency_key:
        earlier = Payment.objects.filter(payer=payer, idempotency_key=idempotency_key).first()
        if earlier:
            return earlier
    invoice = find_invoice(bolt11)
    payment_hash, fixed_msats = _read(bolt11, invoice)
    row = {
        "payer": payer,
        "payee": invoice and invoice.node,
        "invoice": invoice,
        "bolt11": bolt11.strip().lower(),
        "payment_hash": payment_hash,
        "amount_msats": _amount_sent(fixed_msats or amount_msats, payment_hash, exact=bool(idempotency_key)),
        "is_uma": is_uma or (invoice is not None and invoice.kind == Invoice.Kind.UMA),
    }
    payment = _start(Payment(**row, idempotency_key=idempotency_key), max_fee_msats=max_fee_msats)
    if payment.status == Payment.Status.SUCCESS and faults.is_on("duplicate_payment", payment_hash):
        _start(Payment(**row), again=True)
    return payment


def _read(bolt11: str, invoice: Invoice | None) -> tuple[str, int]:
    """Payment hash and fixed amount; somebody else's BOLT11 is decoded. Raises Refused."""
    if invoice is not None:
        return invoice.payment_hash, invoice.amount_msats
    try:
        decoded = bolt11_codec.read_bolt11(bolt11)
    except bolt11_codec.NotBolt11 as error:
        raise Refused(str(error)) from error
    return decoded.payment_hash, decoded.amount_msats


def _amount_sent(msats, payment_hash: str, *, exact: bool) -> int:
    """The amount that leaves the payer: `exact` where a node was told to pay a BOLT11, with a key."""
    if not _is_whole(msats) or not 0 < msats <= MAX_MSATS:
        raise Refused("an amount in msats is needed for an invoice without one")
    off = None if exact else faults.strike("wrong_amount", payment_hash)
    return max(1, msats + off.params["delta_msats"]) if off else msats


def _start(payment: Payment, *, again: bool = False, max_fee_msats: int | None = None) -> Payment:
    """Take the money from the payer, then end the payment at once or leave it pending."""
    payment.status = Payment.Status.PENDING
    fee_msats = network.fee_msats(payment, limit_msats=max_fee_msats)
    payment.fee_msats = fee_msats or 0
    payment.opening_fee_msats = network.opening_fee_msats(payment)
    payment.save(force_insert=True)
    reason = _why_not(payment, again=again) or network.why_no_route(payment)
    if reason or fee_msats is None:
        return _end(payment, reason or "NO_ROUTE", took_money=False)
    if not _take(payment.payer, payment.amount_msats + payment.fee_msats):
        return _end(payment, "INSUFFICIENT_BALANCE", took_money=False)
    if failing := faults.strike("payment_failed", payment.payment_hash):
        payment.arrived = True
        return _end(payment, failing.params["reason"], took_money=True)
    if slow := faults.strike("payment_pending", payment.payment_hash):
        payment.arrived = True
        payment.resolve_at = timezone.now() + timedelta(seconds=slow.delay_s)
        payment.resolve_to = slow.params["then"]
        payment.save(update_fields=["arrived", "resolve_at", "resolve_to", "updated_at"])
        return payment
    if payment.payer.settle_s or not payment.invoice.preimage:
        return _leave_pending(payment)
    return _end(payment, "", took_money=True)


def _leave_pending(payment: Payment) -> Payment:
    """Under way, as most payments are when the node answers. Whose preimage nobody here knows stays so."""
    payment.arrived = not payment.invoice.preimage
    if payment.invoice.preimage:
        payment.resolve_at = timezone.now() + timedelta(seconds=payment.payer.settle_s)
        payment.resolve_to = Payment.Status.SUCCESS
    payment.save(update_fields=["arrived", "resolve_at", "resolve_to", "updated_at"])
    return payment


def _why_not(payment: Payment, *, again: bool) -> str:
    """Lightspark's PaymentFailureReason, or nothing when the invoice can be paid now."""
    invoice = payment.invoice
    if invoice is None:
        return "NO_ROUTE"
    if invoice.amount_paid_msats and not again:
        return "INVOICE_ALREADY_PAID"
    canceled, expired = invoice.canceled_at is not None, invoice.expires_at <= timezone.now()
    if (canceled or expired) and not faults.is_on("pay_canceled", payment.payment_hash):
        return "INVOICE_CANCELLED" if canceled else "INVOICE_EXPIRED"
    return ""


def _take(node: Node, amount_msats: int) -> bool:
    row = Node.objects.filter(pk=node.pk)
    if not node.is_world:
        node.refresh_from_db(fields=["balance_msats"])
        row = row.filter(balance_msats__gte=amount_msats + node.reserve_msats)
    return bool(row.update(balance_msats=F("balance_msats") - amount_msats))


def give(node: Node, amount_msats: int) -> None:
    """Add to a node's balance; the caller takes the same amount from another node."""
    Node.objects.filter(pk=node.pk).update(balance_msats=F("balance_msats") + amount_msats)


def _end(payment: Payment, reason: str, *, took_money: bool) -> Payment:
    """SUCCESS (no reason) or FAILED; balances, invoice, webhooks to both sides, the signal."""
    succeeded = not reason
    if succeeded:
        give(payment.payee, payment.received_msats)
        network.earn(payment)
        network.top_up(payment)
        payment.arrived = True
        Invoice.objects.filter(pk=payment.invoice_id).update(
            amount_paid_msats=F("amount_paid_msats") + payment.received_msats, updated_at=timezone.now()
        )
        payment.invoice.refresh_from_db()
    elif took_money:
        give(payment.payer, payment.amount_msats + payment.fee_msats)
    if not succeeded:
        payment.fee_msats = payment.opening_fee_msats = 0
    payment.status = Payment.Status.SUCCESS if succeeded else Payment.Status.FAILED
    payment.failure_reason, payment.resolve_at, payment.resolved_at = reason, None, timezone.now()
    payment.save()
    webhooks.announce(node=payment.payer, entity_id=payment.outgoing_id, subject=payment.payment_hash)
    if payment.arrived:
        webhooks.announce(node=payment.payee, entity_id=payment.incoming_id, subject=payment.payment_hash)
    if payment.opening_fee_msats:
        webhooks.announce(node=payment.payee, entity_id=payment.payee_id, event_type="CHANNEL_OPENING_FEES")
    payment_resolved.send(Payment, payment=payment)
    return payment


def under_way_msats() -> int:
    """What pending payments took from their payers and nobody has yet."""
    pending = Payment.objects.filter(status=Payment.Status.PENDING)
    return pending.aggregate(total=Sum(F("amount_msats") + F("fee_msats")))["total"] or 0


def resolve_due() -> int:
    """End the pending payments whose time has come. Returns how many."""
    due = Payment.objects.filter(status=Payment.Status.PENDING, resolve_at__lte=timezone.now())
    return sum(resolve(pk=pk) for pk in list(due.values_list("pk", flat=True)))


@transaction.atomic
def resolve(*, pk, to: str = "") -> bool:
    """End one pending payment as planned, or as `to` says; False when it had ended already. A payment that
    meanwhile lost its invoice (canceled, paid by another) fails with that reason."""
    payment = Payment.objects.select_related("payer", "payee", "invoice").get(pk=pk)
    if payment.status != Payment.Status.PENDING:
        return False
    outcome = to or payment.resolve_to
    reason = _why_not(payment, again=False) if outcome == Payment.Status.SUCCESS else outcome
    _end(payment, reason, took_money=True)
    transaction.on_commit(wakeup.wake)
    return True
