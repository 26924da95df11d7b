"""Orders placed in this browser, kept in its session: guests find them without an e-mail."""

import uuid

from django.http import HttpRequest

from tickets.models import Order, OrderQuerySet

SESSION_KEY = "bought"  # ids of orders, newest last
MAX_REMEMBERED = 20


def remember(request: HttpRequest, order: Order) -> None:
    """Keep `order` with this browser until its session ends: by age, or when somebody signs out."""
    others = [pk for pk in request.session.get(SESSION_KEY, []) if pk != order.pk.hex]
    request.session[SESSION_KEY] = [*others, order.pk.hex][-MAX_REMEMBERED:]


def orders_of_browser(request: HttpRequest) -> OrderQuerySet:
    """The orders that were placed in this browser and whose buyers have not left since."""
    pks = [uuid.UUID(pk) for pk in request.session.get(SESSION_KEY, [])]
    return Order.objects.filter(pk__in=pks, is_forgotten=False)
