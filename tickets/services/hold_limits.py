"""Hold limits: the seats that one buyer, and one network, may hold unpaid at once."""

from datetime import timedelta

from django.conf import settings
from django.db.models import Count, Q, Sum
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.rate_limits import count_mail, digest, hit
from events.models import Event
from tickets.models import Order
from ticketsuma.errors import DomainError

FREE_COUNTED = timedelta(hours=1)


class HoldLimit(DomainError):
    code = "hold_limit"
    message = _("You are holding many seats already. Please pay for them, or give them back, first.")
    status = 429
    retry_after = 60


class FreeLimit(DomainError):
    code = "free_limit"
    message = _("You already have as many free tickets for this event as one person may take.")


class NetworkHoldLimit(HoldLimit):
    message = _(
        "Many seats of this event are being held from your network. Please try again in a few minutes, "
        "or sign in: seats of an account are not counted."
    )


class NetworkFreeLimit(HoldLimit):
    message = _(
        "Many free seats of this event were taken from your network. Please try again in an hour, or "
        "sign in: seats of an account are not counted."
    )
    retry_after = 900


def is_proven(buyer: User | None, email: str = "") -> bool:
    """Whether `buyer` is an account with a proven mailbox, and that is `email` where one is given."""
    return buyer is not None and buyer.has_verified_email and email in ("", buyer.email)


def waits_for_mail(order: Order) -> bool:
    """Whether free seats are held until the link mailed for them is used (`mailbox_proof`)."""
    is_strangers = not order.amount_sats and settings.FREE_SEATS_WAIT_FOR_MAIL
    return is_strangers and not is_proven(order.buyer, order.email)


def network_of(ip: str, buyer: User | None) -> str:
    """A name for the network that `ip` stands for; empty when nothing of it is counted. Kept while held."""
    return "" if not ip or is_proven(buyer) else digest("network", ip)


def count_purchase(order: Order, ip: str) -> None:
    """Count a purchase from `ip`, and the mail that a free one sends to others; raises RateLimited."""
    hit("PURCHASE_PER_IP", ip)
    if not order.amount_sats and not is_proven(order.buyer, order.email):
        count_mail(order.email, ip)


def share_of(event: Event, percent: int) -> int:
    """Seats of `event` that one network may hold: so many per cent of all, and one order in any case."""
    return max(event.capacity * percent // 100, event.max_per_order)


def check_hoarding(order: Order) -> None:
    """Raise HoldLimit or FreeLimit when `order`, just written, is one too many for its buyer or network.

    Call it in the transaction that holds the seats, after the claim: the event's row is locked then,
    so of many at once for one event each sees those before it.
    """
    by_network = Q(network=order.network, event=order.event_id) if order.network else Q(pk=order.pk)
    by_person = Q(email=order.email) if order.email else Q(pk=order.pk)
    if order.payment is None:
        _check_free(order, by_person, by_network)
        return
    address = Q(uma_address=order.uma_address) if order.uma_address else Q(pk=order.pk)
    pending = Order.objects.filter(by_person | address | by_network, status=Order.Status.PENDING)
    held = pending.aggregate(
        orders=Count("pk", filter=by_person),
        at_address=Count("pk", filter=address),
        seats=Sum("quantity", filter=by_person & Q(event=order.event_id)),
        of_network=Sum("quantity", filter=by_network),
    )
    if (
        held["orders"] > settings.MAX_OPEN_ORDERS_PER_EMAIL
        or held["at_address"] > settings.MAX_OPEN_ORDERS_PER_ADDRESS
        or held["seats"] > settings.MAX_HELD_SEATS_PER_PERSON
    ):
        raise HoldLimit
    if order.network and held["of_network"] > share_of(order.event, settings.MAX_HELD_PERCENT_PER_NETWORK):
        raise NetworkHoldLimit


def _check_free(order: Order, by_person: Q, by_network: Q) -> None:
    taken = Order.objects.holding().filter(by_person | by_network, event=order.event_id)
    taken = taken.filter(tickets__voided_at=None)  # a row for each seat that was not given back
    lately = by_network & Q(created_at__gt=timezone.now() - FREE_COUNTED)
    seats = taken.aggregate(mine=Count("pk", filter=by_person), lately=Count("pk", filter=lately))
    if seats["mine"] > settings.MAX_HELD_SEATS_PER_PERSON:
        raise FreeLimit
    if order.network and seats["lately"] > share_of(order.event, settings.MAX_FREE_PERCENT_PER_NETWORK):
        raise NetworkFreeLimit


def forget_networks() -> None:
    """A chore of every worker: of a free seat, the network is counted for an hour, and then forgotten."""
    over = Order.objects.exclude(network="").exclude(status=Order.Status.PENDING)
    over.filter(created_at__lte=timezone.now() - FREE_COUNTED).update(network="")
