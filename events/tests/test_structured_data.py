"""Structured data of an event's page, as search engines read it."""

import json
import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from tests.factories import EventFactory, OrganizerFactory, TicketTypeFactory

pytestmark = pytest.mark.django_db


def told(client, event) -> dict:
    page = client.get(event.get_absolute_url()).content.decode()
    [text] = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
    return json.loads(text)


def test_an_event_says_when_where_by_whom_and_for_how_much(client):
    organizer = OrganizerFactory(name="The House")
    event = EventFactory(
        title="A talk", summary="About seats.", organizer=organizer, timezone="Europe/Madrid", price_sats=2100
    )
    said = told(client, event)
    page = settings.SITE_URL + event.get_absolute_url()
    assert (said["name"], said["description"], said["url"]) == ("A talk", "About seats.", page)
    assert said["startDate"] == event.start_time.astimezone(event.zone).isoformat()
    assert said["endDate"] == event.end_time.astimezone(event.zone).isoformat()
    assert said["location"] == {"@type": "VirtualLocation", "url": page}
    assert said["organizer"] == {
        "@type": "Organization",
        "name": "The House",
        "url": settings.SITE_URL + organizer.get_absolute_url(),
    }
    assert said["eventStatus"] == "https://schema.org/EventScheduled"
    [offer] = said["offers"]
    assert (offer["price"], offer["priceCurrency"]) == ("0.00002100", "BTC")
    assert offer["availability"] == "https://schema.org/InStock"


@pytest.mark.parametrize(
    ("of_event", "of_type", "availability"),
    [
        ({"capacity": 5, "seats_taken": 5}, {}, "SoldOut"),
        ({"sales_end": timezone.now() - timedelta(hours=1)}, {}, "Discontinued"),
        ({}, {"sales_start": timezone.now() + timedelta(days=1)}, "PreOrder"),
        ({}, {"sales_end": timezone.now() - timedelta(hours=1)}, "Discontinued"),
    ],
)
def test_an_offer_says_whether_it_may_be_had(client, of_event, of_type, availability):
    event = EventFactory(**of_event)
    TicketTypeFactory(event=event, name="Front row", **of_type)
    offers = {offer.get("name"): offer for offer in told(client, event)["offers"]}
    assert offers["Front row"]["availability"] == f"https://schema.org/{availability}"


def test_what_is_canceled_says_so(client):
    event = EventFactory(canceled_at=timezone.now())
    assert told(client, event)["eventStatus"] == "https://schema.org/EventCancelled"


def test_no_text_ends_the_script_and_the_stream_is_not_told(client):
    title = "</script><script>alert(1)</script> & <!--"
    event = EventFactory(title=title, stream_url="https://stream.example.org/secret")
    TicketTypeFactory(event=event, name="Team", is_hidden=True)
    said = told(client, event)
    assert said["name"] == title
    assert "secret" not in json.dumps(said)
    assert [offer.get("name") for offer in said["offers"]] == [None]


@pytest.mark.parametrize(("currency", "price", "said"), [("USD", 1250, "12.50"), ("JPY", 900, "900")])
def test_a_price_is_told_in_the_currency_of_the_event(client, currency, price, said):
    event = EventFactory(currency=currency, price=price)
    [offer] = told(client, event)["offers"]
    assert (offer["price"], offer["priceCurrency"]) == (said, currency)
