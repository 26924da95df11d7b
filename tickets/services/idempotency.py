"""Idempotency of orders: whose a key is, and what it was used for."""

import hashlib
import hmac
import json

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from tickets.models import Order, OrderQuerySet
from ticketsuma.errors import DomainError


class KeyReused(DomainError):
    code = "idempotency_key_reused"
    message = _("This Idempotency-Key was used for a different purchase.")
    status = 422


def order_scope(*, buyer: User | None, email: str, where: str = "") -> str:
    """Whose Idempotency-Keys these are, and, for guests, from `where`; a guest's data is not in clear."""
    if buyer:
        return f"user:{buyer.pk}"
    who = "\n".join(filter(None, (email, where)))
    return "guest:" + hmac.new(settings.SECRET_KEY.encode(), who.encode(), hashlib.sha256).hexdigest()


def is_guessable(key: str) -> bool:
    """Whether a stranger may come upon `key`: less than 128 bits in base64, or few different characters.

    A guest has nothing else to show: such a key answers their order only where it was placed from.
    """
    return len(key) < 22 or len(set(key)) < 8


def request_hash(*parts) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def orders_of_key(order: Order) -> OrderQuerySet:
    """The order that the key of `order` has placed already, if any."""
    return Order.objects.filter(scope=order.scope, key=order.key)


def earlier_order(order: Order) -> Order | None:
    """`orders_of_key`, loaded and marked as a replay; for another purchase it is KeyReused."""
    earlier = orders_of_key(order).select_related("event", "payment").first()
    if earlier and earlier.request_hash != order.request_hash:
        raise KeyReused
    if earlier:
        earlier.is_replay = True
    return earlier
