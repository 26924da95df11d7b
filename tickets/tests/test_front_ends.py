"""Front ends on other sites: pictures, live events, refunds, and unknown parameters of lists."""

from datetime import timedelta

import pytest
from django.utils import timezone

from payments.models import Refund
from payments.serializers import masked
from payments.services import settle_node_payment
from tests.acts import money_for, open_invoice
from tests.factories import EventFactory, OrderFactory
from tickets.models import Order
from tickets.services.refunds import refund_order

pytestmark = pytest.mark.django_db(transaction=True)
ORIGIN = "https://front.example.org"


@pytest.fixture(autouse=True)
def friends(settings):
    settings.CORS_ALLOWED_ORIGINS = [ORIGIN]


def api(client, order: Order) -> dict:
    return client.get(f"/api/orders/{order.pk}", headers={"Order-Token": order.token}).json()


def test_pictures_may_be_shown_by_pages_of_other_sites_and_nothing_else_may(client):
    event = EventFactory()
    poster = client.get("/posters/7.svg")
    assert poster["Cross-Origin-Resource-Policy"] == "cross-origin"
    for path in ("/", event.get_absolute_url(), f"/api/events/{event.pk}", "/health/live"):
        assert client.get(path)["Cross-Origin-Resource-Policy"] == "same-origin"


def test_live_events_of_an_order_are_open_to_the_origins_that_may_use_the_api(client):
    order = OrderFactory()
    live_url = api(client, order)["live_url"]
    assert live_url == f"http://localhost:8080{order.get_absolute_url()}/live"
    path = live_url.removeprefix("http://localhost:8080")
    for origin, allowed in ((ORIGIN, ORIGIN), ("https://else.example.org", None)):
        answer = client.get(path, headers={"Origin": origin})
        assert answer["Content-Type"] == "text/event-stream"
        assert answer.headers.get("Access-Control-Allow-Origin") == allowed
        answer.close()
    page = client.get(order.get_absolute_url(), headers={"Origin": ORIGIN})
    assert "Access-Control-Allow-Origin" not in page.headers


def test_an_order_says_what_becomes_of_its_money(client):
    order = OrderFactory(uma_address="$ann@wallet.example.com")
    assert api(client, order)["refunds"] == []
    settle_node_payment(money_for(open_invoice(order)))
    order.refresh_from_db()
    refund_order(order)
    Refund.objects.update(to="$ann@wallet.example.com", status=Refund.Status.SENT, sent_at=timezone.now())
    [refund] = api(client, order)["refunds"]
    assert refund["sent_at"].endswith("Z")
    assert {name: refund[name] for name in ("amount_sats", "status", "reason", "to")} == {
        "amount_sats": 2100, "status": "sent", "reason": "staff", "to": "$a…@wallet.example.com",
    }  # fmt: skip


def test_an_address_is_masked_whatever_it_is():
    assert [masked(text) for text in ("", "$ann@w.com", "bob@w.com", "@w.com", "lnurl1abc")] == [
        "", "$a…@w.com", "b…@w.com", "…@w.com", "",
    ]  # fmt: skip


@pytest.mark.parametrize("asked", ["upcomming=true", "limit=5", "Q=talk", "page_size=5&sort=title"])
def test_a_list_refuses_what_it_does_not_know(client, asked):
    EventFactory(start_time=timezone.now() + timedelta(days=1))
    answer = client.get(f"/api/events?{asked}")
    name = asked.rpartition("&")[2].partition("=")[0]
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    [error] = answer.json()["errors"]
    assert (error["field"], error["code"]) == (name, "unknown_parameter")


def test_a_list_takes_all_that_it_says_it_takes(client):
    asked = "upcoming=true&free=false&q=a&price_min=1&price_max=9&starts_after=2030-01-01T00:00:00Z"
    asked += "&starts_before=2031-01-01T00:00:00Z&ordering=title&page=1&page_size=5"
    assert client.get(f"/api/events?{asked}").status_code == 200
    assert client.get("/?utm_source=mail").status_code == 200  # a page is no list of the API
