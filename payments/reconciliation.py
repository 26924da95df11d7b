"""Reconciliation with the node's list of incoming payments: a lost webhook costs seconds.

Two looks: one every ten seconds at what is new, and one at what began an hour ago, because payments are
listed by the time they began, and one that took long appears behind the first look. So each payment is read
about twice, however many there are.
"""

import logging
from datetime import timedelta

from ticketsuma import clock

from .models import IncomingPayment, Sweep, WebhookEvent
from .node import lightspark, listing
from .node.balance import wake_refunds_that_fit
from .services import settle_node_payment

logger = logging.getLogger(__name__)

NEWS_EVERY, AGAIN_EVERY = timedelta(seconds=10), timedelta(minutes=1)
# What took up to two minutes is found at once, what took up to an hour then.
LOOK_BACK, LOOK_BACK_AGAIN = timedelta(minutes=2), timedelta(hours=1)
# After the clock was wrong nobody knows what was read: late money is found for a day.
LOST = timedelta(days=1)
MAX_SPAN = timedelta(minutes=10)


def sweep_row() -> Sweep:
    """The row of incoming payments; both are made on first use, so money before the first worker is found."""
    now = clock.now()
    again = {"next_attempt_at": now + AGAIN_EVERY, "read_until": now - LOOK_BACK_AGAIN}
    Sweep.objects.get_or_create(name=Sweep.AGAIN, defaults=again)
    news = {"next_attempt_at": now, "read_until": now}
    return Sweep.objects.get_or_create(name=Sweep.INCOMING, defaults=news)[0]


def sweep(row: Sweep) -> int:
    """Read the list that `row` stands for; the caller holds its lease. Raises NodeUnknown."""
    return sweep_incoming(row) if row.name == Sweep.INCOMING else sweep_again(row)


def sweep_incoming(row: Sweep) -> int:
    """Settle every new payment on the node's list that we do not know; how many there were.

    Behind what was read last time, a page of nothing but known payments ends the look. Raises NodeUnknown;
    the next look then reads the same span, as it does while a payment could not even be recorded.
    """
    started = clock.now()
    Sweep.objects.filter(pk=row.pk).update(tried_at=started)
    read_until = started - LOST if clock.is_ahead(row.read_until) else row.read_until
    count, unrecorded = 0, False
    for page in listing.incoming_pages(read_until - LOOK_BACK):
        news, failed = _settle_page(page)
        count, unrecorded = count + news, unrecorded or failed
        if not news and page.newest and page.newest < read_until - clock.MACHINES_DIFFER:
            break
    available = lightspark.available_msats()
    if available is not None and (row.available_msats is None or available > row.available_msats):
        wake_refunds_that_fit(available)
    Sweep.objects.filter(pk=row.pk).update(
        read_until=read_until if unrecorded else started, succeeded_at=clock.now(),
        next_attempt_at=started + NEWS_EVERY, available_msats=available, attempts=0, last_error="",
    )  # fmt: skip
    return count


def sweep_again(row: Sweep) -> int:
    """Read once more what began an hour ago, to whatever node of the account; a minute's worth at a time.

    How many payments were not known. After a pause of the worker longer spans follow each other at once.
    """
    started = clock.now()
    end = started - LOOK_BACK_AGAIN
    since = row.read_until if row.read_until <= end else end - LOST
    until = min(end, since + MAX_SPAN)
    count, unrecorded = 0, False
    for page in listing.incoming_pages(since, until, every_node=True):
        news, failed = _settle_page(page)
        count, unrecorded = count + news, unrecorded or failed
    Sweep.objects.filter(pk=row.pk).update(
        read_until=since if unrecorded else until, tried_at=started, succeeded_at=clock.now(),
        next_attempt_at=started + (AGAIN_EVERY if until == end else timedelta(0)),
        attempts=0, last_error="",
    )  # fmt: skip
    return count


def _settle_page(page: listing.Page) -> tuple[int, bool]:
    """Settle what is new on `page`: how many those are, and whether one could not even be recorded."""
    known = set(
        IncomingPayment.objects.filter(
            node_payment_id__in=[payment.node_payment_id for payment in page.payments],
            allocated_at__isnull=False,
        ).values_list("node_payment_id", flat=True)
    )
    news = [payment for payment in page.payments if payment.node_payment_id not in known]
    unrecorded = [payment for payment in news if not _settle(payment)]
    for node_payment_id in page.unreadable:
        _ask_again(node_payment_id)
    return len(news), bool(unrecorded)


def _settle(payment: lightspark.NodePayment) -> bool:
    """Settle one payment; whether it is at least recorded. An error here must not hide the others."""
    try:
        settle_node_payment(payment)
    except Exception:
        logger.exception("payment %s is not settled", payment.node_payment_id)
        return IncomingPayment.objects.filter(node_payment_id=payment.node_payment_id).exists()
    return True


def _ask_again(node_payment_id: str) -> None:
    """What the list says of this payment cannot be read: as if told by a webhook, it is asked for by itself.

    After some hours it is given up, and staff see it.
    """
    WebhookEvent.objects.get_or_create(
        event_id=f"list:{node_payment_id}"[:120],
        defaults={
            "type": "PAYMENT_FINISHED", "entity_id": node_payment_id, **WebhookEvent.scheduled(),
        },
    )  # fmt: skip
