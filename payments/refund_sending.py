"""Sending refunds, with us as the sending VASP: each is paid at most once, whatever crashes.

The order of things is the safety: a BOLT11 of the receiver is committed, with its hash and our key,
before the node is told to pay it. Unheard, it is told again, with the same BOLT11 and key. A new BOLT11
is asked for only when the node says that the earlier one failed, or that it never saw it: because it
refused it for minutes, or because the BOLT11 ended long ago.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from django.db import transaction
from django.utils import timezone

from ticketsuma.errors import DomainError
from ticketsuma.state_machine import InvalidTransition

from . import refund_recovery
from .models import PostTransaction, Refund
from .node import lightspark, outgoing
from .node.balance import BalanceTooLow, fee_cap_msats, max_fees_msats, one_sender_at_a_time
from .node.outgoing import OutgoingPayment

if TYPE_CHECKING:
    from .uma.arrival import Arrival

# A BOLT11 that ends sooner than this is not paid any more.
ENOUGH_TO_PAY = timedelta(seconds=30)
# A payment under way may still complete this long after its BOLT11 expired.
SURELY_DEAD_AFTER = timedelta(minutes=10)
# What the node has not spoken of for so long is in doubt; what it calls PENDING is under way, however long.
IN_DOUBT_AFTER = timedelta(minutes=3)
# When another BOLT11 is asked for after the first dead one, the second, …; after the last one staff decide. A
# wallet without a route has it again within the hour or the day, hardly within minutes.
NEXT_BOLT11_AFTER = (
    timedelta(seconds=5), timedelta(minutes=15), timedelta(hours=4), timedelta(hours=16),
)  # fmt: skip
MAX_BOLT11S = len(NEXT_BOLT11_AFTER) + 1
# A payment that found no route for the few fees that the balance allowed is tried again after this.
WITH_MORE_BALANCE_AFTER = timedelta(minutes=15)
# What is under way is looked at after one second, two, four, …, a minute.
MAX_LOOK = timedelta(minutes=1)


def send_refund(refund: Refund) -> None:
    """Bring a refund one step further; the worker's handler, safe to run again after any crash."""
    if refund.status == Refund.Status.FAILED:
        refund.advance(Refund.Status.QUEUED)
    if refund.status == Refund.Status.QUEUED:
        if _ask_for_invoice(refund):
            _pay(refund)
    elif refund.status in (Refund.Status.SENDING, Refund.Status.IN_DOUBT):
        _find_out(refund)


def _ask_for_invoice(refund: Refund) -> bool:
    """Commit a BOLT11 of the receiver's; False when there is nothing to pay now.

    That is: it had been sent before (`refund_recovery`), more had been sent than is left, or this address
    cannot receive and another is needed.

    Raises BalanceTooLow, NodeUnknown, or what the receiver's server did wrong, to be tried again; and
    InvalidTransition when the refund was given another address meanwhile.
    """
    try:
        ordinal = refund_recovery.ordinal_for(refund)
    except refund_recovery.MoreThanIsLeft as refusal:
        refund.give_up(refusal.code)
        return False
    if ordinal is None:
        return False
    read_at, balance_msats = timezone.now(), lightspark.available_msats()
    fee_cap_msats(refund.amount_msats, balance_msats=balance_msats, read_at=read_at)
    from .nwc import refunds as nwc
    from .uma import send  # the UMA SDK takes a second to import; writing refunds does not need it

    try:
        ask = nwc.request_invoice_from if refund.is_to_connected_wallet else send.request_invoice_from
        asked = ask(refund.to, refund.amount_msats)
    except send.CannotReceive as refusal:
        with transaction.atomic():
            _hold_address(refund)
            refund.advance(Refund.Status.NEEDS_ADDRESS, last_error=refusal.code, **refund.finished())
        return False
    if Refund.objects.filter(payment_hash=asked.payment_hash).exclude(pk=refund.pk).exists():
        raise send.BadAnswer  # paying it once more would be no second payment
    with transaction.atomic():
        one_sender_at_a_time()
        _hold_address(refund)
        others = Refund.objects.filter(incoming_payment=refund.incoming_payment_id, ordinal=ordinal)
        if others.exclude(pk=refund.pk).exists():
            raise InvalidTransition  # another refund of the same money was faster; it is looked up anew
        number = refund.invoices_asked + 1 if refund.ordinal else 1
        refund.advance(
            Refund.Status.SENDING,
            ordinal=ordinal,
            node_key=refund_recovery.key_of(refund.incoming_payment, ordinal, number),
            bolt11=asked.bolt11,
            payment_hash=asked.payment_hash,
            bolt11_expires_at=asked.expires_at,
            utxo_callback=asked.utxo_callback,
            invoices_asked=number,
            attempts=0,
            heard_at=timezone.now(),
            fee_cap_msats=fee_cap_msats(refund.amount_msats, balance_msats=balance_msats, read_at=read_at),
            **_said_to_arrive(asked.arrival),
        )
    refund.refresh_from_db()
    return True


def _hold_address(refund: Refund) -> None:
    """Lock the row; InvalidTransition when somebody gave it another address since it was read."""
    if Refund.objects.select_for_update().get(pk=refund.pk).to != refund.to:
        raise InvalidTransition


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
    """Tell the node to pay the committed BOLT11; the key makes a second telling harmless.

    InvalidTransition when somebody brought the refund further since it was read.
    """
    under_way = Refund.objects.filter(
        pk=refund.pk, status__in=[Refund.Status.SENDING, Refund.Status.IN_DOUBT]
    )
    if not under_way.filter(bolt11=refund.bolt11).exists():
        raise InvalidTransition
    try:
        payment = outgoing.pay_invoice(
            bolt11=refund.bolt11,
            idempotency_key=refund.idempotency_key,
            max_fees_msats=_fee_cap(refund),
        )
    except lightspark.NodeRefused as refusal:
        _find_out_refused(refund, refusal)
    except DomainError as error:
        _unheard(refund, error.noted)
    else:
        _record(refund, payment)


def _fee_cap(refund: Refund) -> int:
    """What was put aside for fees when the BOLT11 was committed; before there was such a column, the most."""
    return max_fees_msats(refund.amount_msats) if refund.fee_cap_msats is None else refund.fee_cap_msats


def _find_out_refused(refund: Refund, refusal: lightspark.NodeRefused) -> None:
    """Handle a refusal of the node, which may come after the sats left: look the payment up by its key.

    What it never saw by then is not being paid. It may be refused for a moment only, so it is told again
    for some minutes, then this BOLT11 is given up like one that failed.
    """
    try:
        payment = outgoing.payment_for(refund.idempotency_key)
    except DomainError as error:
        _unheard(refund, error.noted)
        return
    if payment:
        _record(refund, payment)
    elif _is_silent_since(refund, IN_DOUBT_AFTER):
        _fail(refund, refusal.noted, was_seen=False)
    else:
        refund.retry(refusal.noted)


def _record(refund: Refund, payment: OutgoingPayment) -> None:
    if payment.is_sent:
        _mark_sent(refund, payment)
    elif payment.is_failed and _fee_cap(refund) < max_fees_msats(refund.amount_msats):
        _wait_for_balance(refund)
    elif payment.is_failed:
        _fail(refund, "payment_failed")
    else:
        _wait_for_node(refund)


def _mark_sent(refund: Refund, payment: OutgoingPayment) -> None:
    with transaction.atomic():
        refund.advance(
            Refund.Status.SENT, sent_at=timezone.now(), node_payment_id=payment.node_payment_id,
            last_error="", fee_msats=payment.fees_msats,
            payment_hash=payment.payment_hash or refund.payment_hash, **refund.finished(),
        )  # fmt: skip
        if refund.utxo_callback:
            PostTransaction.objects.create(refund=refund, **PostTransaction.scheduled())


def _wait_for_node(refund: Refund) -> None:
    """The node says that the payment is under way (PENDING): nothing failed, and nothing is in doubt."""
    now = timezone.now()
    look = min(timedelta(seconds=2 ** min(refund.attempts, 10)), MAX_LOOK)
    if refund.status == Refund.Status.IN_DOUBT:
        refund.advance(Refund.Status.SENDING)
    row = Refund.objects.filter(pk=refund.pk, status=Refund.Status.SENDING)
    row.update(next_attempt_at=now + look, last_error="", heard_at=now)


def _wait_for_balance(refund: Refund) -> None:
    """No route was found for the few fees that the balance allowed: with more there may be one.

    That says nothing about the wallet, so it is tried again however often, but not every few seconds:
    each try asks the wallet for another BOLT11.
    """
    refund.advance(Refund.Status.FAILED, last_error=BalanceTooLow.code)
    refund.advance(Refund.Status.QUEUED)
    refund.retry(BalanceTooLow.code, at_least=WITH_MORE_BALANCE_AFTER)


def _fail(refund: Refund, why: str, *, was_seen: bool = True) -> None:
    """This BOLT11 is dead; the worker asks for another one later, a few times in a day, then staff decide.

    What the node never saw had a key that is still free: the next BOLT11 takes it. So if somebody who was
    frozen tells the node of the dead one after all, one of the two is paid, and the other is the same.
    """
    dead, asked = refund.dead_bolt11s + 1, refund.invoices_asked - (not was_seen)
    refund.advance(Refund.Status.FAILED, last_error=why, dead_bolt11s=dead, invoices_asked=asked)
    if dead < MAX_BOLT11S:
        refund.retry(why, at_least=NEXT_BOLT11_AFTER[dead - 1])
    else:
        refund.give_up(why)


def _unheard(refund: Refund, why: str) -> None:
    """Handle an unknown outcome: after some minutes the refund is in doubt.

    The node is asked again soon, then less and less often; a doubt is never given up.
    """
    if refund.status == Refund.Status.SENDING and _is_silent_since(refund, IN_DOUBT_AFTER):
        refund.advance(Refund.Status.IN_DOUBT)
    refund.attempts = min(refund.attempts, refund.max_attempts - 1)
    refund.retry(why)


def _is_silent_since(refund: Refund, span: timedelta) -> bool:
    """Whether the row was committed, or the node last spoke of its payment, longer ago than `span`."""
    return timezone.now() - (refund.heard_at or refund.updated_at) > span


def _find_out(refund: Refund) -> None:
    """Resume after a crash or a lost answer, with the BOLT11 committed: ask the node by our key.

    What the node never saw is paid with the same BOLT11 and key, which is one payment however often it is
    told. Only long silence after the BOLT11 ran out makes it dead.
    """
    try:
        payment = outgoing.payment_for(refund.idempotency_key)
    except DomainError as error:
        _unheard(refund, error.noted)
        return
    now, ends = timezone.now(), cast(datetime, refund.bolt11_expires_at)
    if payment:
        _record(refund, payment)
    elif ends > now + ENOUGH_TO_PAY:
        _pay(refund)
    elif refund.status == Refund.Status.IN_DOUBT and now > ends + SURELY_DEAD_AFTER:
        _fail(refund, "never_left", was_seen=False)
    else:
        _unheard(refund, "never_seen")
