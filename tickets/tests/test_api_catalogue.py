"""Ticket types, codes and quotes in the API; what old bodies are answered is in test_api.py."""

import pytest

from events.catalogue_models import PromoCode
from events.models import Event
from tests.factories import EventFactory, PromoCodeFactory, TicketTypeFactory
from tests.rates import rate_is
from tickets.models import Order
from tickets.services.idempotency import request_hash

from .test_api import bearer, buy, fields, post  # noqa: F401, fixtures

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def event():
    return EventFactory(price_sats=2100)


@pytest.fixture
def student(event):
    return TicketTypeFactory(event=event, name="Student", price=900, capacity=3, position=1)


def items(*wanted) -> list[dict]:
    return [
        {"ticket_type_id": ticket_type.pk, "quantity": quantity} | (rest[0] if rest else {})
        for ticket_type, quantity, *rest in wanted
    ]


@pytest.fixture
def order(post):  # noqa: F811
    def send(event: Event, *wanted, headers=None, **body):
        body = {"event_id": event.pk, "items": items(*wanted), "email": "ann@example.com"} | body
        return post("/tickets/purchase", body, **(headers or {}))

    return send


def test_an_old_body_is_of_the_default_type_with_the_digest_of_old(buy, event, student):  # noqa: F811
    answer = buy(event, quantity=2, expected_price_sats=2100)
    said = answer.json()["order"]
    assert (said["price_sats"], said["amount_sats"], said["quantity"]) == (2100, 4200, 2)
    assert [(line["name"], line["quantity"]) for line in said["lines"]] == [("Ticket", 2)]
    digest = request_hash(event.pk, 2, "ann@example.com", "Ann", "")
    assert Order.objects.get().request_hash == digest
    changed = buy(event, expected_price_sats=900)
    assert (changed.status_code, changed.json()["price_sats"]) == (409, 2100)


def test_a_purchase_of_several_types(order, event, student):
    answer = order(event, (student, 2), (event.default_type, 1), expected_amount_sats=3900)
    assert answer.status_code == 201, answer.json()
    said = answer.json()
    assert (said["order"]["amount_sats"], said["order"]["price_sats"], said["order"]["quantity"]) == (
        3900,
        1300,
        3,
    )
    lines = [(line["ticket_type_id"], line["price"], line["amount"]) for line in said["order"]["lines"]]
    assert lines == [(event.default_type_id, 2100, 2100), (student.pk, 900, 1800)]
    assert [each["ticket_type_id"] for each in said["tickets"]] == [
        event.default_type_id,
        student.pk,
        student.pk,
    ]
    assert said["payment"]["amount_sats"] == 3900


def test_the_same_key_and_items_in_another_order_answer_the_same(order, event, student):
    headers = {"Idempotency-Key": "k" * 30}
    first = order(event, (student, 1), (event.default_type, 1), headers=headers)
    again = order(event, (event.default_type, 1), (student, 1), headers=headers)
    assert again.json() == first.json()
    other = order(event, (event.default_type, 2), (student, 1), headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"items": []}, "invalid"),
        ({"items": [{"ticket_type_id": 1}]}, "invalid"),
        ({"items": [{"ticket_type_id": "1", "quantity": 1}]}, "invalid"),
        ({"items": [{"ticket_type_id": 2**62, "quantity": 1}]}, "unknown_ticket_type"),
        ({"items": [{"ticket_type_id": 1, "quantity": 1, "price": 1}]}, "invalid"),
        ({"quantity": 1}, "invalid"),
        ({"expected_price_sats": 2100}, "invalid"),
        ({"expected_amount_sats": 1}, "price_changed"),
        ({"promo_code": "NOTHING"}, "promo_code_refused"),
        ({"promo_code": "x" * 41}, "invalid"),
    ],
)
def test_what_cannot_be_bought(order, event, body, code):
    answer = order(event, (event.default_type, 1), **body)
    assert (answer.json()["code"], Order.objects.count()) == (code, 0), answer.json()


def test_the_least_is_named(order, event):
    gift = TicketTypeFactory(event=event, pricing="at_least", price=100)
    answer = order(event, (gift, 1, {"amount_sats": 99}))
    assert (answer.status_code, answer.json()["code"], answer.json()["price"]) == (
        400,
        "amount_not_allowed",
        100,
    )
    assert fields(answer) == {("amount_sats", "amount_not_allowed")}
    assert order(event, (gift, 1, {"amount_sats": 101})).json()["order"]["amount_sats"] == 101


def test_sats_are_never_taken_for_cents(post, order):  # noqa: F811
    rate_is("USD", 100_000)
    event = EventFactory(currency="USD", price_sats=1_200)
    gift = TicketTypeFactory(event=event, pricing="at_least", price=100)
    for wanted in ((gift, 1, {"amount_sats": 21_000}), (event.default_type, 1, {"amount_sats": 1_200})):
        answer = order(event, wanted)
        assert fields(answer) == {("amount_sats", "amount_not_allowed")}
        assert "USD" in answer.json()["detail"]
        assert post(f"/events/{event.pk}/quote", {"items": items(wanted)}).status_code == 400
    both = order(event, (gift, 1, {"amount_sats": 21_000, "amount": 2_100}))
    assert (both.status_code, both.json()["code"]) == (400, "invalid")
    assert not Order.objects.exists()
    assert order(event, (gift, 1, {"amount": 2_100})).json()["order"]["amount_sats"] == 21_000


def test_an_event_says_what_it_sells(client, event, student):
    TicketTypeFactory(event=event, name="Secret", is_hidden=True, price=1)
    said = client.get(f"/api/events/{event.pk}").json()
    assert (said["price_sats"], said["price"], said["currency"]) == (900, 900, "SAT")
    types = [
        (each["name"], each["price"], each["seats_left"], each["status"]) for each in said["ticket_types"]
    ]
    assert types == [("Ticket", 2100, 20, "on_sale"), ("Student", 900, 3, "on_sale")]
    assert "Secret" not in client.get("/api/events").content.decode()


def test_a_list_of_events_takes_one_statement_more_for_all_types(client, django_assert_num_queries, event):
    for number in range(30):
        TicketTypeFactory(event=event, position=number)
    with django_assert_num_queries(3):  # the page, its types, the count
        client.get("/api/events")


def test_a_quote_holds_nothing(post, event, student):  # noqa: F811
    PromoCodeFactory(event=event, text="EARLY")
    body = {"items": items((student, 2), (event.default_type, 1)), "promo_code": "early"}
    answer = post(f"/events/{event.pk}/quote", body)
    assert answer.status_code == 200, answer.json()
    said = answer.json()
    assert (said["amount"], said["amount_sats"], said["currency"], said["quantity"]) == (3120, 3120, "SAT", 3)
    assert [line["discount"] for line in said["lines"]] == [420, 360]
    assert (Order.objects.count(), PromoCode.objects.get().uses) == (0, 0)
    assert [row.seats_taken for row in Event.objects.all()] == [0]


@pytest.mark.parametrize(
    ("change", "quantity", "code"),
    [
        ({"capacity": 1}, 2, "sold_out"), ({"is_active": False}, 1, "sales_closed"),
        ({}, 0, "quantity_not_allowed"),
        ({}, 4, "sold_out"),
    ],
)  # fmt: skip
def test_a_quote_is_refused_as_a_purchase_would_be(post, event, student, change, quantity, code):  # noqa: F811
    type(student).objects.filter(pk=student.pk).update(**change)
    assert post(f"/events/{event.pk}/quote", {"items": items((student, quantity))}).json()["code"] == code


def test_a_quote_of_no_event_and_of_a_hidden_one(post, event):  # noqa: F811
    wanted = {"items": items((event.default_type, 1))}
    Event.objects.filter(pk=event.pk).update(is_active=False)
    for pk in (event.pk, event.pk + 1):
        assert post(f"/events/{pk}/quote", wanted).status_code == 404


def test_guessing_codes_is_slowed(post, order, event, settings):  # noqa: F811
    settings.LIMITS = settings.LIMITS | {"PROMO_CODE_PER_IP": (2, 60), "PURCHASE_PER_IP": (2, 60)}
    PromoCodeFactory(event=event, text="RIGHT")
    wanted = items((event.default_type, 1))

    def quote(code):
        return post(f"/events/{event.pk}/quote", {"items": wanted, "promo_code": code}).json()["code"]

    assert [quote("A"), quote("B"), quote("C")] == ["promo_code_refused", "promo_code_refused", "throttled"]
    tries = [order(event, (event.default_type, 1), promo_code=code) for code in ("A", "B", "RIGHT")]
    assert [answer.json()["code"] for answer in tries] == [
        "promo_code_refused",
        "promo_code_refused",
        "throttled",
    ]
