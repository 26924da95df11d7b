"""Recovery of payments that the node made and our database lost, as after the restore of an old backup.

Our key at the node is made of the incoming payment's id there, an ordinal (of the refunds of that money) and
the number of the BOLT11. So whoever knows what came in can ask what went back of it, whatever else is lost.
What is found is recorded as sent, and lowers what is left: nothing is sent twice.
"""

import logging
import re
from datetime import timedelta

from django.db import transaction
from django.db.models import Max, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ticketsuma import clock
from ticketsuma.errors import DomainError

from .models import IncomingPayment, Refund, Sweep
from .node import outgoing
from .node.balance import outgoing_row
from .node.outgoing import OutgoingPayment
from .refunds import refund_address

logger = logging.getLogger(__name__)

# The list is read again when it was read so long ago: at a worker's start, and after a restore.
LIST_EVERY = timedelta(minutes=1)
# Payments are listed by the time they began.
LOOK_BACK = timedelta(minutes=10)
# What belongs to money that nobody recorded for so long is not waited for any more.
LOST = timedelta(days=1)
WAITING = (Refund.Status.QUEUED, Refund.Status.NEEDS_ADDRESS, Refund.Status.FAILED)
# Where a payment went of which only the node knows, and no address of its payer is known.
ADDRESS_UNKNOWN = "?"
KEY = re.compile(r"(?P<incoming>IncomingPayment.*)-(?P<ordinal>\d{1,9})-(?P<number>\d{1,9})")


class MoreThanIsLeft(DomainError):
    code = "sent_before"
    message = _("The node has already sent more of this money than is left of it.")


def key_of(incoming: IncomingPayment, ordinal: int, number: int) -> str:
    return f"{incoming.node_payment_id}-{ordinal}-{number}"


def ordinal_for(refund: Refund) -> int | None:
    """The ordinal under which a queued refund is sent next, after everything the node knows is recorded.

    None when that settles the refund: it had been sent. Its amount may have become less. Raises
    MoreThanIsLeft, or NodeUnknown: then nothing may leave. Call it before a BOLT11 is asked for.
    """
    read_list(about=refund.incoming_payment_id)
    incoming = refund.incoming_payment
    if refund.ordinal:
        payment = outgoing.payment_for(key_of(incoming, refund.ordinal, refund.invoices_asked + 1))
        if payment:
            record(payment, incoming, refund.ordinal, refund.invoices_asked + 1)
    ordinal = refund.ordinal or (incoming.refunds.aggregate(last=Max("ordinal"))["last"] or 0) + 1
    while not refund.ordinal and (found := _last_told(incoming, ordinal)):
        payment, number = found
        if not payment.is_failed:
            record(payment, incoming, ordinal, number)
        ordinal += 1
    refund.refresh_from_db()
    return ordinal if refund.status == Refund.Status.QUEUED else None


def _last_told(incoming: IncomingPayment, ordinal: int) -> tuple[OutgoingPayment, int] | None:
    """The last payment under `ordinal` that the node knows, and its number; the others failed."""
    found, number = None, 1
    while payment := outgoing.payment_for(key_of(incoming, ordinal, number)):
        found, number = (payment, number), number + 1
    return found


def read_list(about: int | None = None) -> None:
    """Record what the node's own list says was sent and we do not know, for nodes that forget keys.

    Read from where our books say that it was read, which after a restore is the backup's time. Raises
    MoreThanIsLeft if that is so of the incoming payment `about`.
    """
    row, started = outgoing_row(), clock.now()
    if timedelta() <= started - row.read_until < LIST_EVERY:
        return
    listed = [
        (payment, key)
        for payment in outgoing.sent_since(min(row.read_until, started) - LOOK_BACK)
        if (key := KEY.fullmatch(payment.idempotency_key))
    ]
    named = Refund.objects.filter(node_payment_id__in=[payment.node_payment_id for payment, _ in listed])
    known = set(named.values_list("node_payment_id", flat=True))
    is_done = True
    for payment, key in listed:
        if payment.node_payment_id not in known:
            is_done &= _record_listed(payment, key, about)
    if is_done:
        Sweep.objects.filter(pk=row.pk, read_until=row.read_until).update(read_until=started)


def _record_listed(payment: OutgoingPayment, key: re.Match[str], about: int | None) -> bool:
    """Whether this payment needs no further look."""
    incoming = IncomingPayment.objects.filter(node_payment_id=key["incoming"]).first()
    if incoming is None:  # the sweep of incoming payments finds it again
        return payment.created_at is None or payment.created_at < timezone.now() - LOST
    try:
        record(payment, incoming, int(key["ordinal"]), int(key["number"]))
    except MoreThanIsLeft:
        logger.error("the node sent %s, for which nothing is left", payment.node_payment_id)
        if incoming.pk == about:
            raise
        return False
    return True


def record(payment: OutgoingPayment, incoming: IncomingPayment, ordinal: int, number: int) -> None:
    """Write down, once, that the node was told to send `payment` of `incoming`; lower what is left by it.

    It is the refund that waits with its ordinal or its amount; else a part of one that waits for more, or
    of the money that an order still holds, which the audit then names. Raises MoreThanIsLeft.
    """
    with transaction.atomic():
        incoming = IncomingPayment.objects.select_for_update().get(pk=incoming.pk)
        under_way = Q(ordinal=ordinal, status__in=[Refund.Status.SENDING, Refund.Status.IN_DOUBT])
        if incoming.refunds.filter(Q(node_payment_id=payment.node_payment_id) | under_way).exists():
            return
        waiting = list(incoming.refunds.select_for_update().filter(status__in=WAITING))
        waiting.sort(key=lambda row: (row.ordinal == ordinal, row.amount_msats == payment.amount_msats))
        row = waiting[-1] if waiting else None
        if row and row.amount_msats > payment.amount_msats and row.ordinal != ordinal:
            Refund.objects.filter(pk=row.pk).update(amount_msats=row.amount_msats - payment.amount_msats)
            row = _new_row(incoming, payment)
        else:
            lacking = payment.amount_msats - (row.amount_msats if row else 0)
            if not 0 <= lacking <= incoming.applied_msats:
                raise MoreThanIsLeft
            incoming.applied_msats -= lacking
            incoming.save(update_fields=["applied_msats"])
            row = row or _new_row(incoming, payment)
        _is_that_payment(row, payment, incoming, ordinal, number)


def _new_row(incoming: IncomingPayment, payment: OutgoingPayment) -> Refund:
    return Refund.objects.create(
        incoming_payment=incoming,
        amount_msats=payment.amount_msats,
        reason=Refund.Reason.FOUND,
        to=refund_address(incoming) or ADDRESS_UNKNOWN,
    )


def _is_that_payment(
    row: Refund, payment: OutgoingPayment, incoming: IncomingPayment, ordinal: int, number: int
) -> None:
    now = timezone.now()
    if row.status != Refund.Status.QUEUED:
        row.advance(Refund.Status.QUEUED, to=row.to or refund_address(incoming) or ADDRESS_UNKNOWN)
    row.advance(
        Refund.Status.SENDING,
        amount_msats=payment.amount_msats,
        ordinal=ordinal,
        invoices_asked=number,
        node_key=key_of(incoming, ordinal, number),
        payment_hash=payment.payment_hash,
        bolt11_expires_at=now,
        heard_at=now,
        utxo_callback="",
        **row.scheduled(),
    )
    if payment.is_sent:
        row.advance(
            Refund.Status.SENT,
            sent_at=payment.created_at or now,
            node_payment_id=payment.node_payment_id,
            fee_msats=payment.fees_msats,
            last_error="",
            **row.finished(),
        )
    logger.warning("the node had sent %s already: recorded", payment.node_payment_id)
