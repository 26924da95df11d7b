"""Links by which guests take themselves off the news of an organizer, and who did (RFC 8058).

A link says the organizer and a digest of the address, signed: it works as long as the shop has its key, also
when the order that named the address is forgotten, and no log learns the address from it.
"""

import hashlib
from collections.abc import Iterable

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.urls import reverse

from accounts.models import normalize_email
from events.organizer_models import Organizer

from .models import Unsubscribed

_BATCH = 500
_SHOP = 0  # in links and digests, for events without an organizer


class UnknownLink(Exception):
    """We signed no such link, or its organizer is gone."""


def _signer() -> Signer:
    return Signer(salt="tickets.guest_messages.unsubscribe")


def key_of(organizer_id: int | None, address: str) -> str:
    """Digest of an address at an organizer: the same for good, whatever becomes of SECRET_KEY."""
    text = f"no news\n{organizer_id or _SHOP}\n{normalize_email(address)}"
    return hashlib.sha256(text.encode()).hexdigest()


def unsubscribed(organizer_id: int | None, addresses: Iterable[str]) -> set[str]:
    """Those of `addresses` that want no news of this organizer."""
    keys = {key_of(organizer_id, address): address for address in addresses}
    asked, found = list(keys), set()
    for begin in range(0, len(asked), _BATCH):
        rows = Unsubscribed.objects.filter(key__in=asked[begin : begin + _BATCH])
        found |= {keys[key] for key in rows.values_list("key", flat=True)}
    return found


def without_news(address: str) -> list[str]:
    """Of whom somebody wants no news, by name; "" is the shop. For their export."""
    names = {key_of(None, address): ""}
    names |= {key_of(pk, address): name for pk, name in Organizer.objects.values_list("pk", "name")}
    return sorted(names[row.key] for row in Unsubscribed.objects.filter(key__in=names))


def unsubscribe_url(organizer_id: int | None, address: str) -> str:
    said = f"{organizer_id or _SHOP}.{key_of(organizer_id, address)}"
    return settings.SITE_URL + reverse("unsubscribe", args=[_signer().sign(said)])


def read_link(token: str) -> tuple[Organizer | None, str]:
    """The organizer (None: the shop) and the digest that a link is about. Raises UnknownLink."""
    try:
        organizer_id, _dot, key = _signer().unsign(token).partition(".")
    except BadSignature:
        raise UnknownLink from None
    if int(organizer_id) == _SHOP:
        return None, key
    organizer = Organizer.objects.filter(pk=int(organizer_id)).first()
    if organizer is None:
        raise UnknownLink
    return organizer, key


def unsubscribe(organizer: Organizer | None, key: str) -> None:
    """No more news; asked twice, or by two at once, it is the same."""
    Unsubscribed.objects.get_or_create(key=key, defaults={"organizer": organizer})


def subscribe_again(key: str) -> None:
    Unsubscribed.objects.filter(key=key).delete()
