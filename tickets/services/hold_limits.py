"""Hold limits: the seats that one buyer, and one network, may hold unpaid at once.

They are counted under locks of the buyer and the network, so of many orders of one buyer at once each sees
those before it, and buyers of one event do not wait for each other. Lock order: docs/architecture.md.
"""

import functools
import re
from datetime import timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.rate_limits import Use, digest, hit_all, uses_of_mail
from events.models import Event, SoldOut
from payments.uma.address import domain_of
from tickets.models import Order
from ticketsuma.errors import DomainError
from ticketsuma.kept_queries import Condition

from .seats import claim_seats

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


def waits_for_mail(buyer: User | None, email: str) -> bool:
    """Whether free seats are held until the link mailed for them is used (`mailbox_proof`)."""
    return settings.FREE_SEATS_WAIT_FOR_MAIL and not is_proven(buyer, email)


def network_of(ip: str, buyer: User | None) -> str:
    """A name for the network that `ip` stands for; empty when nothing of it is counted. Kept while held."""
    return "" if not ip or is_proven(buyer) else digest("network", ip)


def count_purchase(order: Order, ip: str, *, unless: QuerySet | None = None) -> bool:
    """Count a purchase from `ip`, with what it sends to strangers: a free one's mail, a payment request.

    Raises RateLimited. False, and nothing is counted, when there is a row in `unless`.
    """
    uses: list[Use] = [("PURCHASE_PER_IP", ip)]
    if not order.amount_sats and not is_proven(order.buyer, order.email):
        uses += uses_of_mail(order.email, ip)
    if order.amount_sats and order.uma_address:
        uses += [("REQUEST_PER_IP_AND_DOMAIN", ip, domain_of(order.uma_address))]
    return hit_all(*uses, unless=unless)


def share_of(event: Event, percent: int) -> int:
    """Seats of `event` that one network may hold: so many per cent of all, and one order in any case."""
    return max(event.capacity * percent // 100, event.max_per_order)


class Limit(NamedTuple):
    """So many may be held of what `counted`, an aggregate in SQL, counts among the competing orders."""

    counted: str
    most: int
    refusal: type[DomainError]


# Written out: the ORM takes 5 ms of CPU to say this as a condition of the statement that claims. What an
# order has not got (a wallet, a network) is NULL here and counts nothing. That it is not empty is said for
# the plan that PostgreSQL keeps for all buyers: not knowing the parameter, it may not use the index of orders
# that have one otherwise, and looks through all orders of the event.
_OF_PERSON = "o.email = NULLIF({email}, '')"
_AT_WALLET = "o.uma_address = NULLIF({wallet}, '') AND o.uma_address <> ''"
_OF_NETWORK = "o.network = NULLIF({network}, '') AND o.network <> '' AND o.event_id = {event}"
_PENDING = f"""
FROM tickets_order AS o
WHERE o.status = 'pending' AND ({_OF_PERSON} OR {_AT_WALLET} OR {_OF_NETWORK})
"""
# Of free seats, one row for each that was not given back.
_FREE = f"""
FROM tickets_order AS o JOIN tickets_ticket ON tickets_ticket.order_id = o.id
WHERE o.status IN ('pending', 'paid') AND o.event_id = {{event}} AND tickets_ticket.voided_at IS NULL
    AND ({_OF_PERSON} OR {_OF_NETWORK})
"""


def claim_within_limits(order: Order) -> None:
    """Claim the seats of `order`, just written, unless it is one too many for its buyer or network.

    Call it last in the transaction that holds the seats; the statement that claims counts, too. Raises
    HoldLimit or FreeLimit, SoldOut or SalesClosed, PromoCodeRefused.
    """
    lock_holders(order)
    if not claim_seats(order, within=_is_within_limits(order)):
        _refuse(order)
        raise SoldOut  # it was within its limits, and the seat came back only now


def check_hoarding(order: Order) -> None:
    """Raise HoldLimit or FreeLimit when `order`, as just changed, is one too many for its buyer or network.

    Call it in the transaction that changes the order, before anything locks the event's row.
    """
    lock_holders(order)
    _refuse(order)


def lock_holders(order: Order) -> None:
    """Until the transaction ends nobody else counts what this order's mailbox, wallet and network hold.

    On SQLite transactions that write take turns anyway.
    """
    if connection.vendor != "postgresql":
        return
    holders = [("mailbox", order.email), ("wallet", order.uma_address)]
    holders += [(f"network at {order.event_id}", order.network)]
    names = [digest("holder", *holder) for holder in holders if holder[1]]
    keys = sorted(int.from_bytes(bytes.fromhex(name)[:8], signed=True) for name in names)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(key) FROM unnest(%s::bigint[]) AS key", [keys])


def _limits(order: Order) -> list[Limit]:
    if order.payment is None:
        share = share_of(order.event, settings.MAX_FREE_PERCENT_PER_NETWORK)
        lately = f"count(*) FILTER (WHERE {_OF_NETWORK} AND o.created_at > {{lately}})"
        return [
            Limit(f"count(*) FILTER (WHERE {_OF_PERSON})", settings.MAX_HELD_SEATS_PER_PERSON, FreeLimit),
            Limit(lately, share, NetworkFreeLimit),
        ]
    seats = "coalesce(sum(o.quantity) FILTER (WHERE {}), 0)".format
    share = share_of(order.event, settings.MAX_HELD_PERCENT_PER_NETWORK)
    here = f"{_OF_PERSON} AND o.event_id = {{event}}"
    return [
        Limit(f"count(*) FILTER (WHERE {_OF_PERSON})", settings.MAX_OPEN_ORDERS_PER_EMAIL, HoldLimit),
        Limit(f"count(*) FILTER (WHERE {_AT_WALLET})", settings.MAX_OPEN_ORDERS_PER_ADDRESS, HoldLimit),
        Limit(seats(here), settings.MAX_HELD_SEATS_PER_PERSON, HoldLimit),
        Limit(seats(_OF_NETWORK), share, NetworkHoldLimit),
    ]


def _counting(order: Order, what: str, **limits: int) -> Condition:
    """SELECT `what` of the orders that count together with `order`, and its parameters."""
    statement, names = _worded(f"SELECT {what} {_FREE if order.payment is None else _PENDING}")
    lately = connection.ops.adapt_datetimefield_value(timezone.now() - FREE_COUNTED)
    known: dict[str, Any] = {"email": order.email, "wallet": order.uma_address, "network": order.network}
    known |= {"event": order.event_id, "lately": lately, **limits}
    return statement, [known[name] for name in names]


@functools.lru_cache(maxsize=16)
def _worded(statement: str) -> tuple[str, list[str]]:
    """The statement with placeholders, and the names of what goes there."""
    return re.sub(r"{\w+}", "%s", statement), re.findall(r"{(\w+)}", statement)


def _is_within_limits(order: Order) -> Condition:
    """A condition for the statement that claims, which begins when the locks are held: it sees all before."""
    limits = _limits(order)
    what = " AND ".join(f"{limit.counted} <= {{most{n}}}" for n, limit in enumerate(limits))
    return _counting(order, what, **{f"most{n}": limit.most for n, limit in enumerate(limits)})


def _refuse(order: Order) -> None:
    """Raise what `order` is too much of, if anything."""
    limits = _limits(order)
    with connection.cursor() as cursor:
        cursor.execute(*_counting(order, ", ".join(limit.counted for limit in limits)))
        counted = cursor.fetchone()
    for limit, held in zip(limits, counted, strict=True):
        if held > limit.most:
            raise limit.refusal


def forget_networks() -> None:
    """A chore of every worker: of a free seat, the network is counted for an hour, and then forgotten."""
    over = Order.objects.exclude(network="").exclude(status=Order.Status.PENDING)
    over.filter(created_at__lte=timezone.now() - FREE_COUNTED).update(network="")
