"""My tickets of a guest: the orders of this browser, and whether a mail was sent."""

from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.test import Client
from django.utils import timezone

from tests.factories import EventFactory, OrderFactory, UserFactory
from tickets.mail.messages import send_tickets_again
from tickets.models import Mail, Order
from tickets.views.browser_orders import MAX_REMEMBERED

pytestmark = pytest.mark.django_db(transaction=True)


def words(answer) -> str:
    return " ".join(answer.content.decode().split())


def buy(client: Client, event) -> Order:
    page = client.post(event.get_absolute_url(), {"quantity": 1, "email": "ann@example.com", "name": "Ann"})
    return Order.objects.get(pk=Order.signer().unsign(page["Location"].rpartition("/")[2]))


def test_a_guest_sees_what_was_bought_in_this_browser_and_nobody_else_does(client):
    paid = buy(client, EventFactory(price_sats=0, title="A free talk"))
    held = buy(client, EventFactory(title="A dear talk"))
    over = buy(client, EventFactory(title="A missed talk"))
    over.advance(Order.Status.EXPIRED, ended_at=timezone.now())
    answer = client.get("/find")
    for order in (paid, held):
        assert order.get_absolute_url() in answer.content.decode()
    assert "A missed talk" not in words(answer)
    assert answer["Cache-Control"] == "no-store, private"
    assert words(answer).index("A free talk") < words(answer).index('name="email"')
    assert "A free talk" not in words(Client().get("/find"))


def test_the_list_ends_with_the_session_and_is_never_long(client):
    event = EventFactory(price_sats=0, capacity=100)
    orders = [buy(client, event) for _ in range(MAX_REMEMBERED + 2)]
    assert client.get("/find").content.decode().count("<article") == MAX_REMEMBERED
    Order.objects.filter(pk=orders[-1].pk).update(is_forgotten=True)
    assert orders[-1].token not in words(client.get("/find"))


def test_the_list_ends_when_somebody_signs_out(client):
    buy(client, EventFactory(price_sats=0))
    client.force_login(UserFactory())
    client.get("/me")
    assert settings.ORDERS_COOKIE_NAME in client.cookies
    client.post("/accounts/logout/")
    assert client.cookies[settings.ORDERS_COOKIE_NAME].value == ""
    assert "<article" not in words(client.get("/find"))


def test_the_list_is_signed_and_as_old_as_a_session_at_most(client):
    buy(client, EventFactory(price_sats=0))
    cookie = client.cookies[settings.ORDERS_COOKIE_NAME]
    assert cookie["httponly"]
    assert (cookie["samesite"], cookie["max-age"]) == ("Lax", settings.SESSION_COOKIE_AGE)
    good = cookie.value
    for bad in (f"{good}x", good[1:], "", "x", f"{good}:x"):
        client.cookies[settings.ORDERS_COOKIE_NAME] = bad
        assert "<article" not in words(client.get("/find"))
    client.cookies[settings.ORDERS_COOKIE_NAME] = good
    assert "<article" in words(client.get("/find"))
    with time_machine.travel(timezone.now() + timedelta(seconds=settings.SESSION_COOKIE_AGE + 60)):
        assert "<article" not in words(client.get("/find"))


def test_the_page_of_seats_held_is_kept_by_no_cache(client):
    """It holds the order's secret link."""
    event = EventFactory()
    order = buy(client, event)
    page = client.get(event.get_absolute_url())
    assert order.token in page.content.decode()
    assert page.headers["Cache-Control"] == "private, no-store"
    assert "Cookie" in page.headers["Vary"]
    assert order.token not in Client().get(event.get_absolute_url()).content.decode()


def test_many_orders_of_a_browser_cost_no_query_each(client, django_assert_num_queries):
    event = EventFactory(price_sats=0, capacity=100)
    buy(client, event)
    client.get("/find")
    with django_assert_num_queries(3):  # orders, their tickets and lines
        client.get("/find")
    for _ in range(5):
        buy(client, event)
    with django_assert_num_queries(3):
        client.get("/find")


def test_the_page_says_of_the_mail_what_is_true():
    order = OrderFactory(event=EventFactory(price_sats=0))
    mail, client, address = Mail.objects.get(), Client(), order.get_absolute_url()
    assert "It is also on its way to ann@example.com" in words(client.get(address))
    mail.retry("the mail server says no")
    version = client.get(address).context["version"]
    assert "The mail to ann@example.com did not go through yet" in words(client.get(address))
    mail.advance(Mail.Status.SENT, sent_at=timezone.now(), failing_since=None)
    assert "We mailed it to ann@example.com as well" in words(client.get(address))
    assert client.get(f"{address}/status?v={version}").status_code == 200
    mail.delete()
    assert "Keep the address of this page" in words(client.get(address))


def test_a_mail_that_was_given_up_is_sent_again_when_somebody_asks():
    OrderFactory(event=EventFactory(price_sats=0))
    Mail.objects.update(parked_at=timezone.now(), next_attempt_at=None)
    assert send_tickets_again("ann@example.com") == 1
    assert Mail.objects.get().parked_at is None
