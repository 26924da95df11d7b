"""Suppressing addresses, and lifting it.

Whose mail server knows no such mailbox, or whom an operator stopped, gets nothing about orders. Whoever
complained gets no news, and still what is about a ticket. Mails about an account are asked for by somebody
who waits for them at the mailbox, and are sent.
"""

import hashlib
from collections.abc import Iterable
from typing import Any

from accounts.history import record
from accounts.models import normalize_email
from tickets.models import Mail, Order, Ticket

from .models import Suppressed

Why = Suppressed.Why
STOPPING = (Why.BOUNCED, Why.STAFF)  # everything, not only news
_BATCH = 500


def key_of(address: str) -> str:
    """Digest of an address: the same for good, whatever becomes of SECRET_KEY."""
    return hashlib.sha256(f"no mails\n{normalize_email(address)}".encode()).hexdigest()


def suppress(address: str, why: Why, *, said: str = "", mail: Mail | None = None) -> None:
    """Told twice, or by two at once, it is the same."""
    Suppressed.objects.get_or_create(
        key=key_of(address), why=why, defaults={"said": said[:300], "mail_id": mail.pk if mail else None}
    )


def stopped(address: str) -> Suppressed | None:
    """Why nothing is mailed to `address`, if so."""
    return Suppressed.objects.filter(key=key_of(address), why__in=STOPPING).first() if address else None


def complained(addresses: Iterable[str]) -> set[str]:
    """Those of `addresses` whose owners want no news of anybody here."""
    keys = {key_of(address): address for address in addresses}
    asked, found = list(keys), set()
    for begin in range(0, len(asked), _BATCH):
        rows = Suppressed.objects.filter(key__in=asked[begin : begin + _BATCH], why=Why.COMPLAINED)
        found |= {keys[key] for key in rows.values_list("key", flat=True)}
    return found


def stopped_of(order: Order) -> dict[str, Suppressed]:
    """The addresses of `order`, its buyer's and its holders', to which nothing is mailed."""
    holders = Ticket.objects.filter(order=order, voided_at=None).exclude(holder_email="")
    addresses = {order.email, *holders.values_list("holder_email", flat=True)} - {""}
    keys = {key_of(address): address for address in addresses}
    rows = Suppressed.objects.filter(key__in=keys, why__in=STOPPING).order_by("pk")
    return {keys[row.key]: row for row in rows}


def stop_by_hand(order: Order) -> None:
    """Nothing goes to the buyer of `order` any more, whatever order it is about."""
    suppress(order.email, Why.STAFF, mail=order.mails.filter(to=order.email).order_by("-pk").first())
    record("stop_mails", order)


def lift(order: Order) -> list[str]:
    """Mails go to the addresses of `order` again; which were stopped."""
    found = stopped_of(order)
    Suppressed.objects.filter(key__in=[row.key for row in found.values()], why__in=STOPPING).delete()
    record("lift_mails", order)
    return sorted(found)


def reasons_for(address: str) -> list[Any]:
    """What is kept about somebody's address, for their export."""
    return list(Suppressed.objects.filter(key=key_of(address)).order_by("at").values("why", "said", "at"))
