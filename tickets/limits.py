"""How much one buyer may hold at once, so that nobody hoards seats they do not pay for."""

from django.conf import settings
from django.db.models import Count, Q, Sum
from django.utils.translation import gettext_lazy as _

from ticketsuma.errors import DomainError

from .models import Order


class HoldLimit(DomainError):
    code = "hold_limit"
    sentence = _("You are holding many seats already. Please pay for them, or give them back, first.")
    status = 429
    retry_after = 60


class FreeLimit(DomainError):
    code = "free_limit"
    sentence = _("You already have as many free tickets for this event as one person may take.")


def check_hoarding(order: Order) -> None:
    """Raise HoldLimit or FreeLimit when `order`, just written, is one too many for its buyer.

    Call it in the transaction that holds the seats, after the claim: the event's row is locked then,
    so of many at once for one event each sees those before it.
    """
    if not order.email:
        return
    if order.payment is None:
        mine = Order.objects.holding().filter(event=order.event_id, email=order.email)
        taken = mine.aggregate(seats=Sum("quantity"))["seats"]
        if taken > settings.MAX_HELD_SEATS_PER_PERSON:
            raise FreeLimit
        return
    by_person, by_address = Q(email=order.email), Q(uma_address=order.uma_address)
    address = by_address if order.uma_address else Q(pk=order.pk)
    held = Order.objects.filter(by_person | address, status=Order.Status.PENDING).aggregate(
        orders=Count("pk", filter=by_person),
        at_address=Count("pk", filter=address),
        seats=Sum("quantity", filter=by_person & Q(event=order.event_id)),
    )
    if (
        held["orders"] > settings.MAX_OPEN_ORDERS_PER_EMAIL
        or held["at_address"] > settings.MAX_OPEN_ORDERS_PER_ADDRESS
        or held["seats"] > settings.MAX_HELD_SEATS_PER_PERSON
    ):
        raise HoldLimit
