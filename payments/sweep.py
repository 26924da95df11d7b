"""The node's own list of what came in, read so that a lost webhook costs seconds."""

import logging
from datetime import timedelta

from django.utils import timezone

from . import lightspark
from .balance import wake_refunds_that_fit
from .models import IncomingPayment, Sweep
from .services import settle_node_payment

logger = logging.getLogger(__name__)

EVERY = timedelta(seconds=10)
# Payments are listed by the time they began; one that took long appears behind the cursor.
LOOK_BACK = timedelta(hours=1)


def sweep_row() -> Sweep:
    """The one row; made on first use, so that money which came before the first worker is found."""
    now = timezone.now()
    return Sweep.objects.get_or_create(name="incoming", defaults={"read_until": now, "next_attempt_at": now})[
        0
    ]


def sweep_incoming(sweep: Sweep) -> int:
    """Settle every payment on the node's list that we do not know; how many there were.

    The caller holds the row's lease. Raises NodeUnknown; the next sweep then reads the same span, as it
    does while a payment could not even be recorded.
    """
    started = timezone.now()
    Sweep.objects.filter(pk=sweep.pk).update(tried_at=started)
    seen = list(lightspark.recent_incoming_payments(sweep.read_until - LOOK_BACK))
    known = set(
        IncomingPayment.objects.filter(
            node_payment_id__in=[payment.node_payment_id for payment in seen], allocated_at__isnull=False
        ).values_list("node_payment_id", flat=True)
    )
    news = [payment for payment in seen if payment.node_payment_id not in known]
    unrecorded = [payment for payment in news if not _settle(payment)]
    available = lightspark.available_msats()
    if sweep.available_msats is None or available > sweep.available_msats:
        wake_refunds_that_fit(available)
    Sweep.objects.filter(pk=sweep.pk).update(
        read_until=sweep.read_until if unrecorded else started, succeeded_at=timezone.now(),
        next_attempt_at=started + EVERY, available_msats=available, attempts=0, last_error="",
    )  # fmt: skip
    return len(news)


def _settle(payment: lightspark.NodePayment) -> bool:
    """Settle one payment; whether it is at least recorded. What breaks here must not hide the others."""
    try:
        settle_node_payment(payment)
    except Exception:
        logger.exception("payment %s is not settled", payment.node_payment_id)
        return IncomingPayment.objects.filter(node_payment_id=payment.node_payment_id).exists()
    return True
