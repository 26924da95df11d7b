"""Joining by the API: the ticket's place, and an address of the room that admits one browser, once."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tests.factories import EventFactory
from tickets.models import CheckIn, Ticket, Viewer
from tickets.services import viewers
from tickets.services.orders import place_order
from tickets.tests.test_viewers import SECRET, at, enter, live

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ticket() -> Ticket:
    order = place_order(event=EventFactory(price_sats=0), quantity=1, email="ann@example.com", name="Ann")
    live()
    return order.tickets.select_related("order__event").get()


@pytest.fixture
def join(client, ticket):
    def send(token=None, **body):
        headers = {"Ticket-Token": ticket.token if token is None else token}
        path = f"/api/tickets/{ticket.pk}/join"
        return client.post(path, body, content_type="application/json", headers=headers)

    return send


def path_of(answer) -> str:
    return answer.json()["room_url"].removeprefix("http://localhost:8080")


def test_joining_takes_the_place_checks_in_and_answers_no_stream(join, ticket):
    answer = join()
    assert answer.status_code == 200, answer.content
    assert set(answer.json()) == {"room_url", "expires_at"}
    assert "stream.example" not in answer.content.decode()
    assert Viewer.objects.get().ticket == ticket
    assert CheckIn.objects.get().by is None


def test_the_rooms_address_lets_one_browser_in_once(join, ticket):
    address, laptop, phone = path_of(join()), Client(), Client()
    for look in (laptop.get, laptop.head, phone.get):  # looking uses nothing up
        assert look(address).status_code == 200
    assert SECRET not in laptop.get(address).content.decode()
    assert SECRET in laptop.post(address, follow=True).content.decode()
    for again in (phone.post, phone.get, laptop.get):
        assert again(address).status_code == 410
    assert SECRET not in phone.get(f"{ticket.get_absolute_url()}/stream").content.decode()
    assert SECRET in laptop.get(f"{ticket.get_absolute_url()}/stream").content.decode()


def test_one_ticket_is_for_one_viewer_in_the_api_too(join, ticket):
    page = f"{ticket.get_absolute_url()}/stream"
    laptop = Client()
    enter(laptop, page)
    refused = join()
    assert (refused.status_code, refused.json()["code"]) == (409, "watched_elsewhere")
    assert SECRET in laptop.get(page).content.decode()
    assert join(take_over=True).status_code == 200
    assert SECRET not in laptop.get(page).content.decode()


def test_an_address_of_the_room_is_soon_too_old(join, monkeypatch):
    address = path_of(join())
    monkeypatch.setattr(viewers, "PASS_GOOD_FOR", timedelta(seconds=-1))
    assert Client().post(address).status_code == 410


@pytest.mark.parametrize("token", ["", "forged", "another"])
def test_without_the_tickets_token_there_is_no_ticket(join, token):
    if token == "another":
        token = (
            place_order(event=EventFactory(price_sats=0), quantity=1, email="b@example.com")
            .tickets.get()
            .token
        )
    assert join(token).status_code == 404
    assert not Viewer.objects.exists()


def test_a_closed_room_is_said(join):
    at(timedelta(minutes=16), timedelta(hours=2))
    refused = join()
    assert (refused.status_code, refused.json()["code"]) == (409, "room_closed")
    now = timezone.now()
    live()
    Ticket.objects.update(voided_at=now)
    assert join().json()["code"] == "room_closed"


def test_a_forged_address_of_the_room_is_over(client):
    assert client.get("/room/forged").status_code == 410
    assert client.post("/room/forged").status_code == 410
