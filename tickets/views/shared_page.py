"""The event page of strangers, who all see the same: rendered once, kept, and filled in for each of them."""

import secrets
import uuid
from collections.abc import Callable

from django.core.cache import caches
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language

from events.models import Event
from ticketsuma.templatetags.display import seats_left

# What is different each time, in the kept page. No text of anybody's can hold these words.
SEATS_HERE = f"[seats {secrets.token_hex(8)}]"
KEY_HERE = f"[key {secrets.token_hex(8)}]"
# Enough to find the kept page, and to say what is different each time.
_GLIMPSED = (
    "version", "slug", "start_time", "end_time", "timezone", "sales_end", "canceled_at", "is_active",
    "capacity", "seats_taken", "refund_hours", "organizer__updated_at",
)  # fmt: skip


def glimpse(slug: str) -> Event | None:
    """The public event at `slug`, with no more of it than `shared_page` needs."""
    events = Event.objects.public().filter(slug=slug).select_related("organizer").only(*_GLIMPSED)
    return next(iter(events.order_by()[:1]), None)


def shared_page(
    request: HttpRequest, event: Event, hold_minutes: int, render: Callable[[], HttpResponse]
) -> HttpResponse:
    """The page of `event`, a `glimpse`, as `render` makes it with SEATS_HERE and KEY_HERE, or as it was kept.

    Kept under everything that it depends on: the event as it is (each change raises its `version`), its
    organizer, the language, and what the clock says. So a change is there with the next look, in every
    process. A proxy that says so puts the form's key in by itself, and may show the page for a second.
    """
    start = event.start_time.astimezone(event.zone)
    this_year = start.year == timezone.now().astimezone(event.zone).year
    clock = (event.is_past, event.is_live, event.sells, event.is_sold_out, event.is_refundable, this_year)
    organizer = event.organizer.updated_at.timestamp() if event.organizer else ""
    names = (event.pk, event.version, organizer, get_language(), hold_minutes, *map(int, clock))
    name = ":".join(map(str, names))
    page = caches["pages"].get(name)
    if page is None:
        page = render().content.decode()
        caches["pages"].set(name, page)
    proxy_fills = request.headers.get("X-Form-Key") == "proxy"
    page = page.replace(SEATS_HERE, seats_left(event.seats_left))
    answer = HttpResponse(page.replace(KEY_HERE, "" if proxy_fills else str(uuid.uuid4())))
    if proxy_fills:
        answer["X-Accel-Expires"] = "1"
    else:
        answer["Cache-Control"] = "private"
    patch_vary_headers(answer, ["Cookie"])
    return answer
