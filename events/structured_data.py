"""Structured data: an event as search engines read it (schema.org `Event`, JSON-LD 1.1)."""

import json
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from ticketsuma.money import SAT, in_major

from .models import Event
from .offers import Offer, offers_of

_SCHEMA = "https://schema.org/"
_AVAILABILITY = {
    "on_sale": "InStock",
    "sold_out": "SoldOut",
    "not_yet": "PreOrder",
    "sales_closed": "Discontinued",
}
# So that no text of anybody's ends the script element it stands in.
_ESCAPES = {ord(sign): f"\\u{ord(sign):04X}" for sign in "<>&"}


def event_data(event: Event) -> SafeString:
    """`event` as JSON for a script element of type `application/ld+json`; nothing that its page does not say.

    The place is the event's page: the stream's own address is for holders only. Offers are those that `event`
    has in hand (`types_in_hand`), else they are read.
    """
    page = settings.SITE_URL + event.get_absolute_url()
    state = "EventCancelled" if event.is_canceled else "EventScheduled"
    data: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Event",
        "@id": page,
        "name": event.title,
        "url": page,
        "image": [settings.SITE_URL + reverse("share_picture", args=[event.pk])],
        "startDate": event.start_time.astimezone(event.zone).isoformat(),
        "endDate": event.end_time.astimezone(event.zone).isoformat(),
        "eventStatus": _SCHEMA + state,
        "eventAttendanceMode": _SCHEMA + "OnlineEventAttendanceMode",
        "location": {"@type": "VirtualLocation", "url": page},
        "offers": [_offer(offer, page) for offer in offers_of(event)],
    }
    if event.summary:
        data["description"] = event.summary
    if event.shown_organizer:
        data["organizer"] = {"@type": "Organization", "name": event.shown_organizer} | _organizer_page(event)
    return mark_safe(json.dumps(data, ensure_ascii=False).translate(_ESCAPES))  # noqa: S308 - escaped above


def _offer(offer: Offer, page: str) -> dict:
    """One ticket type; sats are told in bitcoin, which has a ticker symbol (schema.org's `priceCurrency`)."""
    currency = offer.event.currency
    price = Decimal(offer.price).scaleb(-8) if currency == SAT else in_major(offer.price, currency)
    status = offer.status if offer.event.sells or offer.status != "on_sale" else "sales_closed"
    data = {
        "@type": "Offer",
        "url": page,
        "price": f"{price:f}",
        "priceCurrency": "BTC" if currency == SAT else currency,
        "availability": _SCHEMA + _AVAILABILITY[status],
    }
    if offer.type.name:
        data["name"] = offer.type.name
    if offer.type.sales_start:
        data["validFrom"] = offer.type.sales_start.isoformat()
    return data


def _organizer_page(event: Event) -> dict:
    if event.organizer is None or event.organizer.is_closed:
        return {}
    return {"url": settings.SITE_URL + event.organizer.get_absolute_url()}
