"""Purchases in the API: the bodies clients build on, and every refusal they must handle."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.authentication import issue_token
from accounts.models import User
from events.models import Event
from payments.services import settle_node_payment
from tests.acts import money_for, open_invoice
from tests.factories import EventFactory, OrderFactory, UnprovenUserFactory
from tickets.models import Order, Ticket
from tickets.services.orders import cancel_order

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def post(client):
    def send(path: str, body, **headers):
        return client.post(f"/api{path}", body, content_type="application/json", headers=headers)

    return send


@pytest.fixture
def buy(post):
    def send(event: Event | int, *, headers=None, **body):
        event_id = event if isinstance(event, int) else event.pk
        body = {"event_id": event_id, "quantity": 1, "email": "ann@example.com", "name": "Ann"} | body
        return post("/tickets/purchase", body, **(headers or {}))

    return send


def bearer(user: User) -> dict:
    return {"Authorization": f"Bearer {issue_token(user)}"}


def fields(answer) -> set:
    return {(error["field"], error["code"]) for error in answer.json()["errors"]}


def paid_order(**more) -> Order:
    order = OrderFactory(**more)
    settle_node_payment(money_for(open_invoice(order)))
    order.refresh_from_db()
    return order


# -- purchase -----------------------------------------------------------------------------------
def test_a_purchase_answers_order_tickets_and_every_way_to_pay(buy):
    answer = buy(EventFactory(), quantity=2, uma_address="$Ann@localhost:8081")
    assert answer.status_code == 201
    bought = answer.json()
    order = Order.objects.get()
    assert set(bought) == {"order", "tickets", "payment", "refunds", "answers", "pay_url", "live_url"}
    assert bought["refunds"] == []
    said = bought["order"]
    assert (said["id"], said["token"], said["code"]) == (str(order.pk), order.token, order.code)
    assert (said["status"], said["quantity"], said["amount_sats"]) == ("pending", 2, 4200)
    assert said["uma_address"] == "$ann@localhost:8081"
    assert [(t["payment_status"], t["ticket_code"], t["url"]) for t in bought["tickets"]] == [
        ("pending", None, None)
    ] * 2
    payment = bought["payment"]
    assert payment["uma_invoice"].startswith("uma1")
    assert payment | {"uma_invoice": "", "expires_at": ""} == {
        "status": "pending", "amount_sats": 4200, "currency": "SAT", "amount": 4200,
        "invoice_id": None, "bolt11": None, "uma_invoice": "",
        "pay_address": f"${order.code.lower()}@localhost:8080", "push": "queued", "expires_at": "",
        "paid_at": None,
    }  # fmt: skip
    assert bought["pay_url"] == f"http://localhost:8080/orders/{order.token}"
    assert bought["live_url"] == f"{bought['pay_url']}/live"


def test_a_free_ticket_is_there_at_once(buy):
    bought = buy(EventFactory(price_sats=0)).json()
    assert bought["payment"] is None
    assert bought["order"]["status"] == "paid"
    assert bought["tickets"][0]["ticket_code"] == Ticket.objects.get().ticket_code


def test_the_same_key_and_body_answer_the_same_order(buy):
    event, headers = EventFactory(), {"Idempotency-Key": str(uuid.uuid4())}
    first, again = buy(event, headers=headers), buy(event, headers=headers)
    assert first.json()["order"]["id"] == again.json()["order"]["id"]
    assert (again.status_code, again["Idempotent-Replayed"]) == (201, "true")
    assert "Idempotent-Replayed" not in first
    assert Order.objects.count() == 1


def test_the_same_key_with_another_body_is_refused(buy):
    event, headers = EventFactory(), {"Idempotency-Key": str(uuid.uuid4())}
    buy(event, headers=headers)
    refused = buy(event, quantity=2, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize("key", ["x" * 256, "", "é"])
def test_an_odd_key_is_refused(buy, key):
    assert buy(EventFactory(), headers={"Idempotency-Key": key}).status_code == 400
    assert Order.objects.count() == 0


@pytest.mark.parametrize("key", ["once", "purchase-1", "1" * 36])
def test_a_guests_key_that_can_be_guessed_counts_where_it_came_from(buy, settings, key):
    """Whoever else sends it with the same body buys for themselves."""
    settings.TRUSTED_PROXIES = 1
    event = EventFactory()
    mine, again, theirs = (
        buy(event, headers={"Idempotency-Key": key, "X-Forwarded-For": address})
        for address in ("192.0.2.1", "192.0.2.1", "192.0.2.2")
    )
    assert again.json()["order"]["id"] == mine.json()["order"]["id"]
    assert theirs.json()["order"]["id"] != mine.json()["order"]["id"]


def test_an_account_needs_no_email_and_user_id_is_ignored(buy):
    user = UnprovenUserFactory(email="bea@example.com", name="Bea")
    stranger = UnprovenUserFactory(email="cy@example.com")
    answer = buy(EventFactory(), headers=bearer(user), user_id=stranger.pk)
    order = Order.objects.get()
    assert (answer.status_code, order.buyer) == (201, user)
    assert answer.json()["order"]["user_id"] == user.pk


def test_unknown_and_hidden_events_are_404(buy):
    hidden = EventFactory(is_active=False)
    assert [buy(hidden).status_code, buy(hidden.pk + 1).status_code] == [404, 404]


def test_a_sold_out_event_says_so_and_when_to_try_again(buy):
    event = EventFactory(capacity=1)
    buy(event)
    answer = buy(event, email="bea@example.com")
    assert (answer.status_code, answer.json()["code"]) == (409, "sold_out")
    assert answer.headers["Retry-After"] == "30"


@pytest.mark.parametrize(
    ("change", "code"),
    [({"canceled_at": timezone.now()}, "sales_closed"), ({"sales_end": timezone.now()}, "sales_closed")],
)
def test_what_no_longer_sells_is_409(buy, change, code):
    answer = buy(EventFactory(**change))
    assert (answer.status_code, answer.json()["code"]) == (409, code)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"quantity": 0}, "quantity"), ({"quantity": -1}, "quantity"), ({"quantity": 1.5}, "quantity"),
        ({"quantity": "1"}, "quantity"), ({"quantity": True}, "quantity"), ({"quantity": 11}, "quantity"),
        ({"quantity": 2**31}, "quantity"), ({"quantity": 10**30}, "quantity"),
        ({"quantity": None}, "quantity"),
        ({"event_id": "x"}, "event_id"), ({"event_id": 10**30}, "event_id"), ({"event_id": -1}, "event_id"),
        ({"email": "nobody"}, "email"), ({"email": "$ann@wallet.example"}, "email"), ({"email": 7}, "email"),
        ({"email": "a" * 250 + "@example.com"}, "email"), ({"name": "x" * 121}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"uma_address": "ann@wallet.example"}, "uma_address"),
        ({"uma_address": "$a@127.0.0.1"}, "uma_address"),
        ({"price_sats": 1}, "price_sats"), ({"status": "paid"}, "status"), ({"paid_at": None}, "paid_at"),
    ],
)  # fmt: skip
def test_bad_input_is_400_naming_the_field(buy, body, field):
    answer = buy(EventFactory(), **body)
    assert answer.status_code == 400, answer.json()
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert Order.objects.count() == 0


def test_missing_fields_are_named(post):
    answer = post("/tickets/purchase", {})
    assert fields(answer) == {("event_id", "required")}
    answer = post("/tickets/purchase", {"event_id": EventFactory().pk})
    assert fields(answer) == {("email", "required")}


# -- the order ------------------------------------------------------------------------------------
def test_the_order_opens_to_its_token_and_its_buyer_alone(client):
    user = UnprovenUserFactory(email="bea@example.com")
    stranger = UnprovenUserFactory(email="cy@example.com")
    order, other = OrderFactory(buyer=user), OrderFactory(email="dee@example.com")
    path = f"/api/orders/{order.pk}"
    for headers in ({"Order-Token": order.token}, bearer(user)):
        answer = client.get(path, headers=headers)
        assert (answer.status_code, answer.json()["order"]["id"]) == (200, str(order.pk))
    missing = "/api/orders/00000000-0000-4000-8000-000000000000"
    refusals = [
        client.get(path),
        client.get(path, headers=bearer(stranger)),
        client.get(path, headers={"Order-Token": other.token}),
        client.get(path, headers={"Order-Token": "x"}),
        client.get(missing, headers={"Order-Token": order.token}),
        client.post(f"{path}/cancel", headers={"Order-Token": other.token}),
        client.get("/api/orders/1", headers=bearer(user)),
    ]
    assert {answer.status_code for answer in refusals} == {404}
    assert len({str(answer.json() | {"request_id": ""}) for answer in refusals}) == 1


def test_a_paid_order_shows_its_codes(client):
    order = paid_order(quantity=2)
    answer = client.get(f"/api/orders/{order.pk}", headers={"Order-Token": order.token}).json()
    assert answer["order"]["status"] == "paid"
    assert [t["ticket_code"] for t in answer["tickets"]] == [t.ticket_code for t in order.tickets.all()]
    assert answer["payment"]["bolt11"] is None
    assert answer["payment"]["invoice_id"] == order.payment.invoices.get().invoice_id


def test_canceling_gives_the_seats_back(client):
    order = OrderFactory(event=EventFactory(price_sats=0))
    answer = client.post(f"/api/orders/{order.pk}/cancel", headers={"Order-Token": order.token})
    assert (answer.status_code, answer.json()["order"]["status"]) == (200, "canceled")
    assert Event.objects.get().seats_taken == 0


def test_a_paid_order_is_not_canceled(client):
    order = paid_order()
    answer = client.post(f"/api/orders/{order.pk}/cancel", headers={"Order-Token": order.token})
    assert (answer.status_code, answer.json()["code"]) == (409, "already_paid")


@pytest.mark.parametrize("quantity", [1, 3])
def test_an_order_costs_four_queries(client, django_assert_num_queries, quantity):
    """Order, event and payment; tickets; invoices; refunds, which hang on no row that is read anyway."""
    order = paid_order(quantity=quantity)
    with django_assert_num_queries(4):
        client.get(f"/api/orders/{order.pk}", headers={"Order-Token": order.token})


@pytest.mark.parametrize("quantity", [1, 3])
def test_a_purchase_costs_the_same_for_more_seats(buy, django_assert_max_num_queries, quantity):
    event = EventFactory()
    with django_assert_max_num_queries(24):
        buy(event, quantity=quantity)


# -- tickets --------------------------------------------------------------------------------------
def test_status_tells_no_code(client, django_assert_num_queries):
    order = paid_order()
    ticket = order.tickets.get()
    with django_assert_num_queries(1):
        said = client.get(f"/api/tickets/{ticket.pk}/status").json()
    assert (said["payment_status"], said["order_status"], said["event_id"]) == (
        "paid",
        "paid",
        order.event_id,
    )
    assert set(said) == {
        "id", "ticket_id", "payment_status", "order_status", "event_id", "expires_at", "paid_at",
    }  # fmt: skip


def test_validate_says_why(post):
    ticket = paid_order().tickets.get()
    event = ticket.order.event
    code = f" {ticket.ticket_code[:13].lower()}-{ticket.ticket_code[13:]} "
    answer = post("/tickets/validate", {"ticket_code": code, "event_id": event.pk})
    assert answer.status_code == 200
    said = answer.json()
    assert (said["valid"], said["reason"], said["checked_in_at"]) == (True, "ok", None)
    assert said["event"]["id"] == event.pk
    assert "stream" not in answer.content.decode()
    other = post("/tickets/validate", {"ticket_code": code, "event_id": EventFactory().pk}).json()
    assert (other["valid"], other["reason"]) == (False, "wrong_event")
    unknown = post("/tickets/validate", {"ticket_code": "x", "event_id": event.pk})
    assert (unknown.status_code, unknown.json()["reason"]) == (200, "unknown_code")


def test_tickets_not_paid_for_or_given_back_are_not_valid(post):
    pending = OrderFactory().tickets.get()
    free = OrderFactory(event=EventFactory(price_sats=0))
    cancel_order(free)
    assert post("/tickets/validate", {"ticket_code": pending.ticket_code}).json()["reason"] == "not_paid"
    void = post("/tickets/validate", {"ticket_code": free.tickets.get().ticket_code}).json()
    assert (void["valid"], void["reason"]) == (False, "void")


# -- tokens ---------------------------------------------------------------------------------------
def test_a_bad_token_is_401_on_public_addresses_too(client):
    answer = client.get("/api/events", headers={"Authorization": "Bearer nonsense"})
    assert (answer.status_code, answer.json()["code"]) == (401, "token_not_valid")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_an_expired_hold_is_told(client):
    order = OrderFactory()
    Order.objects.filter(pk=order.pk).update(status="expired", ended_at=timezone.now() + timedelta(0))
    said = client.get(f"/api/tickets/{order.tickets.get().pk}/status").json()
    assert (said["payment_status"], said["order_status"]) == ("expired", "expired")
