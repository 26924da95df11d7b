"""Giving money back: we are the sending VASP. Whatever crashes, a refund is paid at most once.

The order of things is the safety: a BOLT11 of the receiver is committed, with its hash and our key,
before the node is told to pay it. In doubt it is told again, with the same BOLT11 and key. A new BOLT11
is asked for only when the node says that the earlier one failed, or when it is long expired and the node
never saw it.
"""

import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from django.db import transaction
from django.db.models import F, Sum
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ticketsuma.errors import DomainError

from . import lightspark, outgoing
from .balance import BalanceTooLow, fee_cap_msats, max_fees_msats, one_sender_at_a_time
from .models import IncomingPayment, PostTransaction, Refund
from .outgoing import OutgoingPayment

if TYPE_CHECKING:
    from .uma.arrival import Arrival

logger = logging.getLogger(__name__)

# A BOLT11 that ends sooner than this is not paid any more.
ENOUGH_TO_PAY = timedelta(seconds=30)
# A payment under way may still complete this long after its BOLT11 expired.
SURELY_DEAD_AFTER = timedelta(minutes=10)
# After so many dead BOLT11s it is for staff to say whether to ask for another one.
MOST_BOLT11S = 5


# A payment that found no route for the few fees that the balance allowed is tried again after this.
WITH_MORE_BALANCE_AFTER = timedelta(minutes=15)


class TooMuch(DomainError):
    code = "refund_too_large"
    sentence = _("That is more than came in and was not given back yet.")
    field = "amount_sats"


# -- writing ----------------------------------------------------------------------------------
def write_refund(incoming: IncomingPayment, *, amount_msats: int, reason: str, to: str = "") -> Refund:
    """Queue `amount_msats` of `incoming` to go back; raises TooMuch.

    Call it in a transaction under the incoming row's lock. Without `to` it goes to the payer who
    signed for the invoice that was paid; what came through the plain one, which anybody may have paid,
    goes to the address typed at purchase, else it waits for one.
    """
    committed = incoming.refunds.aggregate(total=Sum("amount_msats"))["total"] or 0
    if committed + amount_msats > incoming.amount_msats - incoming.kept_msats:
        raise TooMuch
    to = to or refund_address(incoming)
    return Refund.objects.create(
        incoming_payment=incoming,
        amount_msats=amount_msats,
        reason=reason,
        to=to,
        status=Refund.Status.QUEUED if to else Refund.Status.NEEDS_ADDRESS,
        next_attempt_at=timezone.now() if to else None,
    )


def take_back(incoming: IncomingPayment, *, amount_msats: int, reason: str) -> Refund:
    """Refund applied money: `applied_msats` sinks by as much. Under the row's lock; raises TooMuch."""
    if amount_msats > incoming.applied_msats:
        raise TooMuch
    incoming.applied_msats -= amount_msats
    incoming.save(update_fields=["applied_msats"])
    return write_refund(incoming, amount_msats=amount_msats, reason=reason)


def refund_address(incoming: IncomingPayment) -> str:
    payer = incoming.invoice.payer if incoming.invoice else ""
    typed = incoming.payment.uma_address if incoming.payment else ""
    return payer or typed


def give_address(refund: Refund, *, to: str) -> None:
    """Send a waiting refund to `to`; once, the second gets InvalidTransition."""
    refund.advance(
        Refund.Status.QUEUED, to=to, next_attempt_at=timezone.now(), attempts=0, last_error="",
        parked_at=None, failing_since=None,
    )  # fmt: skip


def retry(refund: Refund) -> None:
    """Queue a failed refund again, by staff's wish; the second of two gets InvalidTransition."""
    refund.advance(
        Refund.Status.QUEUED, next_attempt_at=timezone.now(), attempts=0, parked_at=None, failing_since=None
    )


# -- sending ----------------------------------------------------------------------------------
def send_refund(refund: Refund) -> None:
    """Bring a refund one step further; the worker's handler, safe to run again after any crash."""
    match refund.status:
        case Refund.Status.QUEUED:
            if _ask_for_invoice(refund):
                _pay(refund)
        case Refund.Status.SENDING | Refund.Status.IN_DOUBT:
            _find_out(refund)
        case Refund.Status.FAILED:
            refund.advance(Refund.Status.QUEUED, next_attempt_at=timezone.now() + timedelta(seconds=1))


def _ask_for_invoice(refund: Refund) -> bool:
    """Commit a BOLT11 of the receiver's; False when this address cannot receive, and another is needed.

    Raises BalanceTooLow, NodeUnknown, or what the receiver's server did wrong, to be tried again.
    """
    read_at, balance_msats = timezone.now(), lightspark.available_msats()
    fee_cap_msats(refund.amount_msats, balance_msats=balance_msats, read_at=read_at)
    from .uma import send  # the UMA SDK takes a second to import; writing refunds does not need it

    try:
        asked = send.request_invoice_from(refund.to, refund.amount_msats)
    except send.CannotReceive as refusal:
        refund.advance(Refund.Status.NEEDS_ADDRESS, next_attempt_at=None, last_error=refusal.code)
        return False
    if Refund.objects.filter(payment_hash=asked.payment_hash).exclude(pk=refund.pk).exists():
        raise send.BadAnswer  # paying it once more would be no second payment
    with transaction.atomic():
        one_sender_at_a_time()
        refund.advance(
            Refund.Status.SENDING,
            bolt11=asked.bolt11,
            payment_hash=asked.payment_hash,
            bolt11_expires_at=asked.expires_at,
            utxo_callback=asked.utxo_callback,
            invoices_asked=F("invoices_asked") + 1,
            fee_cap_msats=fee_cap_msats(refund.amount_msats, balance_msats=balance_msats, read_at=read_at),
            **_said_to_arrive(asked.arrival),
        )
    refund.refresh_from_db()
    return True


def _said_to_arrive(arrival: "Arrival | None") -> dict[str, Any]:
    if arrival is None:
        return {"arrives_amount": None, "arrives_currency": "", "wallet_fee_msats": None}
    return {
        "arrives_amount": arrival.amount,
        "arrives_currency": arrival.currency,
        "arrives_decimals": arrival.decimals,
        "wallet_fee_msats": arrival.fee_msats,
    }


def _pay(refund: Refund) -> None:
    """Tell the node to pay the committed BOLT11; the key makes a second telling harmless."""
    try:
        payment = outgoing.pay_invoice(
            bolt11=refund.bolt11,
            idempotency_key=refund.idempotency_key,
            max_fees_msats=_fee_cap(refund),
        )
    except DomainError as error:
        # Even a refusal may come after the sats left: only asking by the key tells.
        _doubt(refund, error.noted)
        return
    _record(refund, payment)


def _fee_cap(refund: Refund) -> int:
    """What was put aside for fees when the BOLT11 was committed; before there was such a column, the most."""
    return max_fees_msats(refund.amount_msats) if refund.fee_cap_msats is None else refund.fee_cap_msats


def _doubt(refund: Refund, why: str) -> None:
    """The node is asked again soon, then less and less often; a doubt is never given up."""
    if refund.status == Refund.Status.SENDING:
        refund.advance(
            Refund.Status.IN_DOUBT, last_error=why, next_attempt_at=timezone.now() + timedelta(seconds=2)
        )
        return
    refund.attempts = min(refund.attempts, refund.max_attempts - 1)
    refund.retry_later(why)


def _record(refund: Refund, payment: OutgoingPayment) -> None:
    if payment.is_sent:
        _mark_sent(refund, payment)
    elif payment.is_failed and _fee_cap(refund) < max_fees_msats(refund.amount_msats):
        _wait_for_balance(refund)
    elif payment.is_failed:
        _fail(refund, "payment_failed")
    else:
        _doubt(refund, "pending")


def _mark_sent(refund: Refund, payment: OutgoingPayment) -> None:
    with transaction.atomic():
        refund.advance(
            Refund.Status.SENT, sent_at=timezone.now(), node_payment_id=payment.node_payment_id,
            next_attempt_at=None, last_error="", parked_at=None,
        )  # fmt: skip
        if refund.utxo_callback:
            PostTransaction.objects.create(refund=refund, next_attempt_at=timezone.now())


def _wait_for_balance(refund: Refund) -> None:
    """No route was found for the few fees that the balance allowed: with more there may be one.

    That says nothing about the wallet, so it is tried again however often, but not every few seconds:
    each try asks the wallet for another BOLT11.
    """
    refund.advance(Refund.Status.FAILED, last_error=BalanceTooLow.code)
    refund.advance(Refund.Status.QUEUED)
    refund.retry_later(BalanceTooLow.code, at_least=WITH_MORE_BALANCE_AFTER)


def _fail(refund: Refund, why: str) -> None:
    """This BOLT11 is dead; the worker asks for another one later, a few times, then staff decide."""
    refund.advance(Refund.Status.FAILED, last_error=why)
    if refund.invoices_asked >= MOST_BOLT11S:
        Refund.objects.filter(pk=refund.pk).update(next_attempt_at=None, parked_at=timezone.now())
    else:
        refund.retry_later(why)


def _find_out(refund: Refund) -> None:
    """Somebody died, or heard nothing, after the BOLT11 was committed: the node's answer by our key ends it.

    What the node never saw is paid with the same BOLT11 and key, which is one payment however often it is
    told. Only long silence after the BOLT11 ran out makes it dead.
    """
    try:
        payment = outgoing.payment_for(refund.idempotency_key)
    except DomainError as error:
        _doubt(refund, error.noted)
        return
    now, ends = timezone.now(), cast(datetime, refund.bolt11_expires_at)
    if payment:
        _record(refund, payment)
    elif ends > now + ENOUGH_TO_PAY:
        _pay(refund)
    elif refund.status == Refund.Status.IN_DOUBT and now > ends + SURELY_DEAD_AFTER:
        _fail(refund, "never_left")
    else:
        _doubt(refund, "in_doubt")
