"""Ends of holds: never later than the event's own end."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from events.models import Event
from payments.models import Payment
from tickets.models import Order


def hold_ends(event: Event) -> datetime:
    """When seats of `event` that are held from now on come back unless they are paid."""
    return min(timezone.now() + timedelta(seconds=settings.HOLD_SECONDS), event.end_time)


def shorten_holds() -> int:
    """End the holds, and what can be paid, of events whose end was moved before it; how many orders.

    A chore of the worker's: whoever moves the end, by page or API, need not think of it. Money that comes
    before this ran is refused by `fulfil`, which asks the event itself.
    """
    waiting = Order.objects.filter(status=Order.Status.PENDING, expires_at__gt=F("event__end_time"))
    rows = list(waiting.values_list("pk", "payment_id", "event__end_time")[:200])
    for order_id, payment_id, end in rows:
        with transaction.atomic():
            # Its UMA invoice says the old end; it is signed anew when it is asked for.
            Payment.objects.filter(pk=payment_id, due_at__gt=end).update(due_at=end, uma_invoice="")
            Order.objects.filter(pk=order_id, expires_at__gt=end).update(expires_at=end)
    return len(rows)
