"""Ticket types in the API: staff write what an event sells, within what is sold."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.authentication import issue_token
from accounts.history import HistoryEntry
from accounts.staff import save_verified_user
from events.catalogue_models import MAX_TYPES, TicketType
from events.models import Event
from tests.factories import EventFactory, OrderFactory, TicketTypeFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def staff():
    user = save_verified_user(email="staff@example.com", password="a long enough passphrase")[0]
    return {"Authorization": f"Bearer {issue_token(user)}"}


@pytest.fixture
def event():
    return EventFactory(price_sats=2100)


@pytest.fixture
def write(client, staff, event):
    def send(method: str, path: str, body=None):
        return client.generic(
            method, f"/api/events/{event.pk}/ticket-types{path}", json.dumps(body or {}),
            content_type="application/json", headers=staff,
        )  # fmt: skip

    return send


def test_staff_make_change_list_and_delete_a_type(client, write, event):
    made = write("POST", "", {"name": "Student", "price_sats": 900, "capacity": 5})
    assert made.status_code == 201, made.json()
    said = made.json()
    assert (said["name"], said["price"], said["price_sats"], said["currency"]) == ("Student", 900, 900, "SAT")
    assert Event.objects.get().price_sats == 900
    path = f"/{said['id']}"
    assert write("PATCH", path, {"price_sats": 950, "is_hidden": True}).json()["price"] == 950
    assert Event.objects.get().price_sats == 2100
    assert write("PUT", path, {"name": "Only"}).status_code == 400
    assert write("PUT", path, {"name": "Whole", "price_sats": 1}).json()["name"] == "Whole"
    assert [each["name"] for each in write("GET", "").json()["results"]] == ["", "Whole"]
    assert write("GET", path).json()["is_hidden"] is True
    assert write("DELETE", path).status_code == 204
    assert TicketType.objects.count() == 1
    acts = HistoryEntry.objects.filter(row="events.tickettype").order_by("pk").values_list("act", flat=True)
    assert [*acts] == ["add", "change", "change", "delete"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"price_sats": -1}, "price_sats"), ({"name": ""}, "name"), ({"name": "a\nb"}, "name"),
        ({"capacity": 0}, "capacity"), ({"pricing": "free"}, "price_sats"), ({"pricing": "cheap"}, "pricing"),
        ({"suggested_price": 5}, "suggested_price"), ({"seats_taken": 5}, "seats_taken"),
        ({"pricing": "at_least", "suggested_price": 5}, "suggested_price"),
        ({"min_per_order": 5, "max_per_order": 4}, "max_per_order"), ({"admits": "door"}, "admits"),
        ({"sales_start": "2030-01-02T00:00:00Z", "sales_end": "2030-01-01T00:00:00Z"}, "sales_end"),
        ({"name": "Taken"}, None),
    ],
)  # fmt: skip
def test_what_makes_no_type_is_refused_by_field(write, event, change, field):
    TicketTypeFactory(event=event, name="Taken")
    answer = write("POST", "", {"name": "New", "price_sats": 900} | change)
    assert answer.status_code == 400, answer.json()
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_seats_of_a_type_never_fall_below_what_is_taken(write, event):
    OrderFactory(event=event, quantity=3)
    path = f"/{event.default_type_id}"
    refused = write("PATCH", path, {"capacity": 2})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "capacity")
    assert write("PATCH", path, {"capacity": 3}).json()["seats_taken"] == 3


def test_a_type_with_orders_and_the_default_stay(write, event):
    other = TicketTypeFactory(event=event)
    OrderFactory(event=event)
    for path in (f"/{event.default_type_id}", f"/{other.pk}"):
        if path == f"/{other.pk}":
            assert write("PATCH", path, {"is_default": True}).json()["is_default"] is True
        refused = write("DELETE", path)
        assert (refused.status_code, refused.json()["code"]) == (409, "ticket_type_needed")
    assert OrderFactory(event=Event.objects.get(), email="b@example.com").lines.get().type == other


def test_an_event_of_several_prices_is_not_given_one(client, staff, event):
    TicketTypeFactory(event=event, price=900)

    def change(**body):
        return client.patch(f"/api/events/{event.pk}", body, content_type="application/json", headers=staff)

    refused = change(price_sats=5)
    assert (refused.status_code, refused.json()["code"]) == (409, "several_prices")
    assert change(price_sats=900, title="Same price").status_code == 200


def test_an_event_has_so_many_types(write, event):
    TicketType.objects.bulk_create(
        TicketType(event=event, name=f"T{number}") for number in range(MAX_TYPES - 1)
    )
    assert write("POST", "", {"name": "One more", "price_sats": 1}).status_code == 400


def test_types_of_an_event_are_found_there_only(write, event):
    other = EventFactory()
    assert write("GET", f"/{other.default_type_id}").status_code == 404
    assert write("PATCH", f"/{other.default_type_id}", {"price_sats": 1}).status_code == 404


def test_a_type_says_where_it_stands(event):
    day, now = timedelta(days=1), timezone.now()
    states = {
        "on_sale": {}, "sold_out": {"capacity": 2, "seats_taken": 2}, "not_yet": {"sales_start": now + day},
        "sales_closed": {"sales_end": now - day},
    }  # fmt: skip
    for status, fields in states.items():
        assert TicketType(event=event, **fields).status == status
    assert TicketType(event=event, is_active=False).status == "sales_closed"


def test_the_prices_of_several_types_are_not_read_in_another_currency(client, staff, event):
    TicketTypeFactory(event=event, name="VIP", price=90_000)  # not one for $900
    for price in (2100, 22):
        refused = client.patch(
            f"/api/events/{event.pk}", {"currency": "USD", "price": price},
            content_type="application/json", headers=staff,
        )  # fmt: skip
        assert (refused.status_code, refused.json()["code"]) == (409, "several_prices")
    assert Event.objects.get().currency == "SAT"
