"""Buy form: the price asked is the price seen, and a form sent again buys once, or says so."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from events.baskets import QuantityNotAllowed
from events.models import Event
from payments.services import settle_node_payment
from tests.acts import money_for, open_invoice
from tests.factories import EventFactory, OrderFactory
from tickets.models import Order
from tickets.services.orders import cancel_order
from tickets.services.prices import Expected, PriceChanged
from ticketsuma.money import MAX_SATS

pytestmark = pytest.mark.django_db(transaction=True)


def text_of(answer) -> str:
    return " ".join(answer.content.decode().split()).replace("\N{NO-BREAK SPACE}", " ")


def seen(client, event: Event) -> dict:
    """The form as a browser has it: its hidden fields, and what Ann types."""
    return read(client.get(event.get_absolute_url())) | {"quantity": "1", "email": "ann@example.com"}


def read(answer) -> dict:
    form = re.search(r'<form method="post" action="/events/.*?</form>', answer.content.decode(), re.DOTALL)[0]
    fields = (
        re.search(r'name="(\w+)"(?:.*?value="([^"]*)")?', tag) for tag in re.findall("<input[^>]*>", form)
    )
    return {field[1]: field[2] or "" for field in fields if field}


def send(client, event: Event, form: dict):
    return client.post(f"/events/{event.pk}/buy", form)


# -- the price --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (2_500, 250_000, "a seat now costs 250,000 sats"),
        (2_500, 2_400, "a seat now costs 2,400 sats"),
        (0, 5_000, "a seat now costs 5,000 sats"),
        (2_500, 0, "a seat is now free"),
    ],
)
def test_another_price_than_the_one_seen_is_shown_first(client, before, after, words):
    event = EventFactory(price_sats=before)
    form = seen(client, event) | {"name": "Ann of Ghent", "quantity": "2"}
    Event.objects.update(price_sats=after)
    answer = send(client, event, form)
    assert answer.status_code == 409
    assert words in text_of(answer)
    assert "Nothing was charged." in text_of(answer)
    assert not Order.objects.exists()
    again = read(answer)
    assert (again["name"], again["email"], again["quantity"]) == ("Ann of Ghent", "ann@example.com", "2")
    assert send(client, event, again).status_code == 302
    assert Order.objects.get().price_sats == after


def test_a_mistake_beside_a_new_price_is_shown_with_it(client):
    event = EventFactory(price_sats=2_500)
    form = seen(client, event) | {"email": "nobody"}
    Event.objects.update(price_sats=2_600)
    answer = send(client, event, form)
    assert answer.status_code == 422
    assert "a seat now costs 2,600 sats" in text_of(answer)
    assert read(answer)["price_sats"] == "2600"


def test_a_form_whose_answer_was_lost_leads_to_its_order_at_the_price_seen(client):
    event = EventFactory(price_sats=2_500)
    form = seen(client, event)
    first = send(client, event, form)
    Event.objects.update(price_sats=2_600)
    assert send(client, event, form)["Location"] == first["Location"]


@pytest.mark.parametrize("typed", ["", "x", "-1", "9" * 400, "2500.5"])
def test_a_price_that_no_page_ever_had_is_no_error_of_ours(client, typed):
    event = EventFactory(price_sats=2_500)
    assert send(client, event, seen(client, event) | {"price_sats": typed}).status_code in (302, 409, 422)


def test_the_api_takes_the_price_that_was_expected(client):
    event = EventFactory(price_sats=2_500)
    body = {"event_id": event.pk, "email": "ann@example.com", "expected_price_sats": 2_400}

    def buy(**more):
        return client.post("/api/tickets/purchase", body | more, content_type="application/json")

    refused = buy()
    assert (refused.status_code, refused.json()["code"], refused.json()["price_sats"]) == (
        409,
        "price_changed",
        2_500,
    )
    assert not Order.objects.exists()
    for wrong in (-1, "2500", 2500.0, True, MAX_SATS + 1):
        assert buy(expected_price_sats=wrong).json()["code"] == "invalid"
    assert buy(expected_price_sats=2_500).status_code == 201


def test_the_price_is_that_of_the_event_as_it_was_read():
    event = EventFactory(price_sats=2_500)
    with pytest.raises(PriceChanged):
        OrderFactory(event=event, expected=Expected(price=2_499))
    Event.objects.update(price_sats=9_999)
    assert OrderFactory(event=event, expected=Expected(price=2_500)).price_sats == 2_500


def test_no_order_costs_more_than_there_are_bitcoin(client):
    event = EventFactory(price_sats=MAX_SATS // 3)
    with pytest.raises(QuantityNotAllowed, match="Between 1 and 3 seats"):
        OrderFactory(event=event, quantity=4)
    answer = send(client, event, seen(client, event) | {"quantity": "4"})
    assert (answer.status_code, "At most 3 seats in one order." in text_of(answer)) == (422, True)
    body = {"event_id": event.pk, "email": "ann@example.com", "quantity": 4}
    refused = client.post("/api/tickets/purchase", body, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (400, "quantity_not_allowed")
    assert OrderFactory(event=event, quantity=3).amount_sats <= MAX_SATS


# -- once -------------------------------------------------------------------------------------
def test_back_and_other_seats_is_another_purchase(client):
    event = EventFactory()
    form = seen(client, event)
    first = send(client, event, form)
    second = send(client, event, form | {"quantity": "3"})
    assert (first.status_code, second.status_code) == (302, 302)
    assert first["Location"] != second["Location"]
    assert sorted(Order.objects.values_list("quantity", flat=True)) == [1, 3]


@pytest.mark.parametrize("end", ["paid", "given back", "free"])
def test_back_and_the_same_seats_shows_the_order_that_is_over_and_how_to_buy_again(client, end):
    event = EventFactory(price_sats=0 if end == "free" else 2_100)
    form = seen(client, event)
    first = send(client, event, form)
    order = Order.objects.get()
    if end == "paid":
        settle_node_payment(money_for(open_invoice(order)))
    elif end == "given back":
        cancel_order(order)
    answer = send(client, event, form)
    assert answer["Location"] == first["Location"]
    page = text_of(client.get(answer["Location"]))
    assert "You have sent this form before" in page
    assert f'href="{event.get_absolute_url()}#buy"' in page
    assert "Buy again" in page
    again = seen(client, event)
    assert again["key"] != form["key"]
    assert send(client, event, again)["Location"] != first["Location"]
    assert Order.objects.count() == 2


def test_a_form_sent_twice_at_once_says_nothing_about_it(client):
    event = EventFactory()
    form = seen(client, event)
    send(client, event, form)
    page = text_of(client.get(send(client, event, form)["Location"]))
    assert "You have sent this form before" not in page


def test_the_page_says_how_long_seats_are_held(client):
    now = timezone.now()
    event = EventFactory(start_time=now - timedelta(hours=1), end_time=now + timedelta(seconds=170))
    assert "held for 3 minutes" in text_of(client.get(event.get_absolute_url()))
