"""The event page of strangers, who all see the same: rendered once, kept, and filled in for each of them."""

import functools
import hashlib
import re
import secrets
import uuid
from collections.abc import Callable
from typing import Any, cast

from django.core.cache import caches
from django.db.models import QuerySet, SlugField
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language

from events.models import Event, TicketType
from events.offers import Offer, offers_of
from payments.quotes import is_paused
from ticketsuma.kept_queries import KeptQuery
from ticketsuma.money import SAT
from ticketsuma.templatetags.display import about, seats_left

# What is different each time, in the kept page. No text of anybody's can hold these words.
_SECRET = secrets.token_hex(8)
KEY_HERE = f"[key {_SECRET}]"
_ABOUT_HERE = re.compile(rf"\[about {_SECRET} ([0-9]+)\]")
# Enough to find the kept page, and to say what is different each time.
_GLIMPSED = (
    "event_id", "price", "pricing", "capacity", "seats_taken", "sales_start", "sales_end", "is_active",
    "is_hidden", "admits", "position",
    *(f"event__{name}" for name in (
        "version", "slug", "currency", "start_time", "end_time", "timezone", "sales_end", "canceled_at",
        "is_active", "capacity", "seats_taken", "refund_hours", "max_per_order", "organizer__updated_at",
    )),
)  # fmt: skip


def seats_here(offer: Offer) -> str:
    """Where the kept page says how many seats are left of a ticket type; nothing of one without end."""
    return "" if offer.left is None else f"[seats {_SECRET} {offer.type.pk}]"


def about_here(price: int, currency: str) -> str:
    """Where the kept page says about how many sats a price in another currency is."""
    return f"[about {_SECRET} {price}]" if currency != SAT and price else ""


@functools.partial(KeptQuery, field=SlugField())
def _glimpsed(slug: str) -> QuerySet[Any, Any]:
    types = TicketType.objects.filter(event__slug=slug, event__is_active=True).listed()
    return types.select_related("event__organizer").only(*_GLIMPSED)


def glimpse(slug: str) -> Event | None:
    """The public event at `slug` with its types in hand, and no more of them than `shared_page` needs."""
    found = _glimpsed(slug)
    if not found:
        return None
    event = found[0].event
    event.types_in_hand = found
    return event


def shared_page(
    request: HttpRequest, event: Event, hold_minutes: int, render: Callable[[], HttpResponse]
) -> HttpResponse:
    """The page of `event`, a `glimpse`, as `render` makes it (`seats_here`, KEY_HERE), or as it was kept.

    Kept under everything that it depends on: the event and its types as they are (each change raises the
    event's `version`), its organizer, the language, and what the clock and the sales say. So a change is
    there with the next look, in every process. What prices in another currency come to is filled in as well,
    at a rate that this process read at most five seconds ago. A proxy that says so puts the form's key in by
    itself, and may show the page for a second.
    """
    start = event.start_time.astimezone(event.zone)
    this_year = start.year == timezone.now().astimezone(event.zone).year
    offers = offers_of(event)
    clock = (
        event.is_past, event.is_live, event.sells, event.is_sold_out, event.is_refundable, this_year,
        is_paused(event.currency),
    )  # fmt: skip
    organizer = event.organizer.updated_at.timestamp() if event.organizer else ""
    states = hashlib.sha256(":".join(offer.status for offer in offers).encode()).hexdigest()
    names = (event.pk, event.version, organizer, get_language(), hold_minutes, *map(int, clock), states)
    name = ":".join(map(str, names))
    page = caches["pages"].get(name)
    if page is None:
        page = render().content.decode()
        caches["pages"].set(name, page)
    proxy_fills = request.headers.get("X-Form-Key") == "proxy"
    for offer in offers:
        if here := seats_here(offer):
            page = page.replace(here, seats_left(cast(int, offer.left)))
    if event.currency != SAT:
        page = _ABOUT_HERE.sub(lambda found: about(int(found[1]), event.currency), page)
    answer = HttpResponse(page.replace(KEY_HERE, "" if proxy_fills else str(uuid.uuid4())))
    if proxy_fills:
        answer["X-Accel-Expires"] = "1"
    else:
        answer["Cache-Control"] = "private"
    patch_vary_headers(answer, ["Cookie"])
    return answer
