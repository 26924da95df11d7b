"""Comparison of the node's own list with what we recorded, for the audit."""

from datetime import datetime, timedelta

from django.db.models import Q

from payments import refund_recovery
from payments.models import IncomingPayment, Refund
from payments.node import lightspark, listing, outgoing
from ticketsuma.errors import DomainError

from .audit import Violation

# The node lists payments by the time they began, we keep the time they arrived.
MAX_PAYMENT = timedelta(hours=1)


def compare_with_node(since: datetime) -> list[Violation]:
    """What the node's own list since `since` and ours do not agree on; a silent node is a violation too.

    A payment that arrived this second may be found missing: ask again before believing it.
    """
    try:
        pages = list(listing.incoming_pages(since, every_node=True))
        sent = outgoing.sent_since(since)
        never_left = [refund for refund in _not_listed(since, sent) if not _was_sent(refund)]
    except DomainError as error:
        return [Violation("node", "the node's list", f"cannot be compared: {error.code}")]
    listed = [payment for page in pages for payment in page.payments]
    rows = IncomingPayment.objects.filter(
        Q(received_at__gte=since + MAX_PAYMENT)
        | Q(node_payment_id__in=[payment.node_payment_id for payment in listed])
    )
    ours = dict(rows.values_list("node_payment_id", "amount_msats"))
    # What came to another node of the account, and not through an invoice of ours, is not ours.
    listed = [payment for payment in listed if payment.is_to_our_node or payment.node_payment_id in ours]
    unreadable = [name for page in pages for name in page.unreadable]
    return (
        unlike(listed, {name: msats for name, msats in ours.items() if name not in unreadable})
        + [
            Violation("node", f"node payment {name}", "what the node lists cannot be read")
            for name in unreadable
        ]
        + [
            Violation("node", f"refund {refund.pk}", "we say it was sent, the node knows of no such payment")
            for refund in never_left
        ]
        + _sent_unknown_to_us(sent)
    )


def _not_listed(since: datetime, listed: list[outgoing.OutgoingPayment]) -> list[Refund]:
    """Refunds we call sent that are not among the payments which the node began since `since`."""
    sent = Refund.objects.filter(status=Refund.Status.SENT, sent_at__gte=since)
    return list(sent.exclude(node_payment_id__in=[payment.node_payment_id for payment in listed]))


def _sent_unknown_to_us(listed: list[outgoing.OutgoingPayment]) -> list[Violation]:
    """Payments with a key of ours that no refund says it is, as after a restore before the worker ran."""
    keyed = [payment for payment in listed if refund_recovery.KEY.fullmatch(payment.idempotency_key)]
    ids = [payment.node_payment_id for payment in keyed]
    known = set(Refund.objects.filter(node_payment_id__in=ids).values_list("node_payment_id", flat=True))
    return [
        Violation(
            "node", f"node payment {payment.node_payment_id}",
            f"the node sent {payment.amount_msats} msats as {payment.idempotency_key}, no refund says so",
        )
        for payment in keyed
        if payment.node_payment_id not in known
    ]  # fmt: skip


def _was_sent(refund: Refund) -> bool:
    payment = outgoing.payment_for(refund.idempotency_key)
    return bool(payment and payment.is_sent and payment.node_payment_id == refund.node_payment_id)


def unlike(listed: list[lightspark.NodePayment], ours: dict[str, int]) -> list[Violation]:
    """Where the node's list and our msats by node payment id differ, either way round."""
    theirs = {payment.node_payment_id: payment.amount_msats for payment in listed}
    wrong = [
        Violation(
            "node", f"node payment {name}",
            f"the node received {msats} msats, we recorded {ours.get(name, 'nothing')}",
        )
        for name, msats in theirs.items()
        if ours.get(name) != msats
    ]  # fmt: skip
    invented = [
        Violation(
            "node", f"incoming payment {name}", f"we recorded {ours[name]} msats, the node lists nothing"
        )
        for name in sorted(ours.keys() - theirs.keys())
    ]
    return wrong + invented
