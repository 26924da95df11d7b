"""Retention: what was kept of buyers goes, PERSONAL_DATA_DAYS after their event; amounts stay.

Kept are what the law on books and taxes asks for, and none of it names anybody: order, seats, price, when it
was paid, what arrived, went back and cost in fees, and the node's ids. What a wallet told for the travel rule
stays where the shop is set to keep it (UMA_KEEP_TRAVEL_RULE). An account is its owner's, and stays.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import CharField, Q, QuerySet
from django.db.models.functions import Cast

from events.models import Event
from payments.models import Invoice, Refund
from tickets.models import FORGOTTEN, Answer, Order, Ticket
from tickets.notes.services import forget_notes
from ticketsuma import clock

from .personal_data import MAX_AT_ONCE, forget_what_money_does_not_need, lock


def cutoff() -> datetime | None:
    """Buyers of events that ended before it are forgotten; None when the shop keeps them for good."""
    days = settings.PERSONAL_DATA_DAYS
    return clock.now() - timedelta(days=days) if days else None


def orders_to_purge() -> QuerySet[Order]:
    """Orders of events long over that still say whose they were."""
    before = cutoff()
    if before is None:
        return Order.objects.none()
    return Order.objects.filter(event__end_time__lt=before, is_forgotten=False).exclude(scope=FORGOTTEN)


def events_to_purge() -> Iterator[tuple[Event, int]]:
    """The events they are of, the oldest first, each with how many orders."""
    for event in Event.objects.filter(orders__in=orders_to_purge()).distinct().order_by("end_time", "pk"):
        yield event, orders_to_purge().filter(event=event).count()


def purge() -> int:
    """Forget the buyers of up to 500 orders; how many. A chore of the worker.

    An order whose money still moves, such as a refund that waits for an address, keeps what that needs
    until it has arrived, and loses it then (`purge_erased_orders`). Of two at once each forgets what is left.
    """
    _forget_receivers()
    with transaction.atomic():
        pks = lock(orders_to_purge().order_by("pk").values_list("pk", flat=True)[:MAX_AT_ONCE])
        if pks:
            held = Ticket.objects.filter(order__in=pks).exclude(holder_name="", holder_email="")
            held.update(holder_name="", holder_email="")
            # The key it was placed by names an account or digests an address.
            Order.objects.filter(pk__in=pks).update(
                buyer=None, name="", is_forgotten=True, network="", request_hash="", last_error="",
                scope=FORGOTTEN, key=Cast("pk", CharField(max_length=255)),
            )  # fmt: skip
            Answer.objects.filter(order__in=pks).delete()
            forget_notes(pks)
            Invoice.objects.filter(payment__order__in=pks).update(last_error="")
            forget_what_money_does_not_need(pks)
    return len(pks)


def _forget_receivers() -> None:
    """Where money went that matched no order, and so no event."""
    before = cutoff()
    if before is None:
        return
    names_somebody = ~Q(to="") | ~Q(utxo_callback="") | ~Q(bolt11="")
    strays = Refund.objects.filter(
        names_somebody, incoming_payment__payment=None, status=Refund.Status.SENT, sent_at__lt=before
    )
    strays.update(to="", bolt11="", utxo_callback="", last_error="")
