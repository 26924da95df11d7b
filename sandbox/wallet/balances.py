"""Balances of the wallet's users: their sum is the balance of the wallet's one node."""

from functools import partial

from django.db import transaction
from django.db.models import F

from node import bolt11_codec, ledger
from node.models import Payment
from wallet import post_transaction
from wallet.models import Entry, Receivable, UmaRequest, User, Vasp

ENTRY_STATUS = {
    Payment.Status.SUCCESS: Entry.Status.SUCCEEDED,
    Payment.Status.PENDING: Entry.Status.PENDING,
    Payment.Status.FAILED: Entry.Status.FAILED,
}


class CannotPay(Exception):
    """The wallet does not pay; the sentence is for the user. `needs` names what the user must add."""

    def __init__(self, message: str, *, needs: dict | None = None):
        super().__init__(message)
        self.needs = needs


@transaction.atomic
def pay_bolt11(
    *,
    user: User,
    bolt11: str,
    amount_msats: int | None = None,
    counterparty: str = "",
    note: str = "",
    is_uma: bool = False,
    request: UmaRequest | None = None,
    thanks: str = "",
    thanks_url: str = "",
) -> Entry:
    """Pay from the user's balance: node, ledger and books in one transaction. Raises CannotPay.

    A payment the network refuses is a failed entry, not an exception.
    """
    try:
        decoded = bolt11_codec.read_bolt11(bolt11)
    except bolt11_codec.NotBolt11 as error:
        raise CannotPay(str(error)) from error
    amount = decoded.amount_msats or amount_msats
    if not amount:
        raise CannotPay(
            "This invoice leaves the amount to you.", needs={"min_sats": 1, "max_sats": user.balance_sats}
        )
    user.refresh_from_db()
    if user.balance_msats < amount:
        raise CannotPay(f"Not enough sats: {amount // 1000:,} needed, {user.balance_sats:,} there.")
    vasp = Vasp.objects.select_related("node").get()
    try:
        first = ledger.pay(payer=vasp.node, bolt11=bolt11, amount_msats=amount, is_uma=is_uma)
    except ledger.Refused as error:
        raise CannotPay(str(error)) from error
    about = {"counterparty": counterparty, "note": note or decoded.description, "request": request}
    about |= {"thanks": thanks, "thanks_url": thanks_url}
    # A fault may have paid twice: every outgoing payment gets its line and is taken from the balance.
    unbooked = Payment.objects.filter(payer=vasp.node, payment_hash=first.payment_hash)
    for payment in unbooked.exclude(entries__is_incoming=False).order_by("created_at"):
        _book_outgoing(user, payment, **about)
    return Entry.objects.select_related("payment__invoice").get(payment=first, is_incoming=False)


def _book_outgoing(user: User, payment: Payment, **about) -> None:
    if payment.status != Payment.Status.FAILED:
        solvent = User.objects.filter(pk=user.pk, balance_msats__gte=payment.amount_msats)
        if not solvent.update(balance_msats=F("balance_msats") - payment.amount_msats):
            raise CannotPay("Not enough sats.")
    Entry.objects.create(
        user=user,
        is_incoming=False,
        amount_msats=payment.amount_msats,
        status=ENTRY_STATUS[payment.status],
        error=payment.failure_reason,
        payment=payment,
        **about,
    )


def on_payment_resolved(sender, payment: Payment, **_) -> None:
    """The node ended a payment: credit whom it was for, or give a pending payer the money back."""
    pending = Entry.objects.filter(payment=payment, is_incoming=False, status=Entry.Status.PENDING).first()
    if pending is not None:
        pending.status, pending.error = ENTRY_STATUS[payment.status], payment.failure_reason
        pending.save(update_fields=["status", "error"])
        if payment.status == Payment.Status.FAILED:
            _credit(pending.user_id, payment.amount_msats)
    if payment.status == Payment.Status.SUCCESS:
        _book_incoming(payment)


def _book_incoming(payment: Payment) -> None:
    receivable = Receivable.objects.filter(invoice_id=payment.invoice_id).first()
    if receivable is None:
        return
    credited = max(0, payment.received_msats - receivable.fee_msats)
    _credit(receivable.user_id, credited)
    Vasp.objects.update(earned_msats=F("earned_msats") + payment.received_msats - credited)
    if receivable.utxo_callback:
        transaction.on_commit(partial(post_transaction.tell, receivable.utxo_callback, payment.amount_msats))
    Entry.objects.create(
        user_id=receivable.user_id,
        is_incoming=True,
        amount_msats=credited,
        counterparty=receivable.payer,
        note=receivable.note,
        status=Entry.Status.SUCCEEDED,
        payment=payment,
    )


def _credit(name: str, amount_msats: int) -> None:
    User.objects.filter(pk=name).update(balance_msats=F("balance_msats") + amount_msats)


def make_receivable(
    *,
    user: User,
    amount_msats: int,
    expiry_s: int,
    kind: str,
    memo: str = "",
    description_hash: str = "",
    payer: str = "",
    note: str = "",
    utxo_callback: str = "",
    fee_msats: int = 0,
) -> Receivable:
    """A BOLT11 of the wallet's node whose sats, less the fee, will be the user's. Raises Refused."""
    vasp = Vasp.objects.select_related("node").get()
    with transaction.atomic():
        invoice = ledger.create_invoice(
            node=vasp.node,
            amount_msats=amount_msats,
            expiry_s=expiry_s,
            memo=memo,
            description_hash=description_hash,
            kind=kind,
        )
        return Receivable.objects.create(
            invoice=invoice,
            user=user,
            payer=payer[:255],
            note=note[:400],
            utxo_callback=utxo_callback[:500],
            fee_msats=fee_msats,
        )
