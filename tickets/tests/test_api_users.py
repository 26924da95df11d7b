"""Users in the API: tickets, payments by invoice, check-in, export and deletion."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.authentication import issue_token
from accounts.models import User
from accounts.staff import save_verified_user
from events.models import Event
from payments.services import settle_node_payment
from tests.acts import money_for, open_invoice, together
from tests.factories import EventFactory, OrderFactory, UnprovenUserFactory
from tickets.models import CheckIn, Mail, Order, Ticket
from tickets.services.check_ins import AlreadyCheckedIn, check_in

pytestmark = pytest.mark.django_db(transaction=True)


PROOF = {"current_password": "a long enough passphrase"}


def person(email: str = "bea@example.com") -> User:
    return save_verified_user(email=email, password="a long enough passphrase", name="Bea")[0]


def bearer(user: User) -> dict:
    return {"Authorization": f"Bearer {issue_token(user)}"}


def paid(order: Order) -> Order:
    settle_node_payment(money_for(open_invoice(order)))
    order.refresh_from_db()
    return order


# -- one's tickets --------------------------------------------------------------------------------
def test_ones_tickets_with_everything_about_them(client):
    user = person()
    order = paid(OrderFactory(buyer=user, quantity=2, uma_address="$bea@localhost:8081"))
    page = client.get(f"/api/users/{user.pk}/tickets", headers=bearer(user)).json()
    assert page["count"] == 2
    said = page["results"][0]
    ticket = order.tickets.first()
    assert (said["ticket_id"], said["ticket_code"]) == (str(ticket.pk), ticket.ticket_code)
    assert (said["user_id"], said["event_id"], said["payment_status"]) == (user.pk, order.event_id, "paid")
    assert (said["uma_address"], said["amount_sats"]) == ("$bea@localhost:8081", 2100)
    assert said["invoice_id"] == order.payment.invoices.get().invoice_id
    assert (said["token"], said["room_open"]) == (ticket.token, False), "not before it opens"


def test_the_room_is_for_admitted_holders_while_it_is_open(client):
    user, now = person(), timezone.now()
    event = EventFactory(start_time=now + timedelta(minutes=10))
    held, order = OrderFactory(event=event, buyer=user), paid(OrderFactory(event=event, buyer=user))
    page = client.get(f"/api/users/{user.pk}/tickets", headers=bearer(user))
    assert page.headers["Cache-Control"] == "private, no-cache"
    assert event.stream_url not in page.content.decode()
    rooms = {said["order_id"]: said["room_open"] for said in page.json()["results"]}
    assert rooms == {str(order.pk): True, str(held.pk): False}
    Event.objects.update(canceled_at=now)
    page = client.get(f"/api/users/{user.pk}/tickets", headers=bearer(user)).json()
    assert {(said["room_open"], said["token"], said["ticket_code"]) for said in page["results"]} == {
        (False, None, None)
    }


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_costs_the_same_for_more_rows(client, django_assert_num_queries, rows):
    user = person()
    for _ in range(rows):
        paid(OrderFactory(buyer=user))
    headers = bearer(user)
    with django_assert_num_queries(6):  # the token's user, their address, orders; keys, tickets, invoices
        client.get(f"/api/users/{user.pk}/tickets", headers=headers)


def test_others_tickets_are_404(client):
    user, other = person(), person("cy@example.com")
    OrderFactory(buyer=other)
    for pk in (other.pk, 10**9, 10**17):
        assert client.get(f"/api/users/{pk}/tickets", headers=bearer(user)).status_code == 404
    assert client.get(f"/api/users/{other.pk}/tickets").status_code == 401


def test_an_account_finds_what_its_proven_address_bought_before(client):
    order = OrderFactory(email="bea@example.com")
    unproven = UnprovenUserFactory(email="bea@example.com")
    path = f"/api/orders/{order.pk}"
    assert client.get(path, headers=bearer(unproven)).status_code == 404
    user = person()
    assert client.get(path, headers=bearer(user)).status_code == 200
    assert client.get(f"/api/users/{user.pk}/tickets", headers=bearer(user)).json()["count"] == 1


# -- payments -------------------------------------------------------------------------------------
def test_a_payment_is_found_by_its_invoice_and_by_an_old_one(client, django_assert_num_queries):
    user = person()
    order = OrderFactory(buyer=user)
    invoice = open_invoice(order)
    paid_headers = bearer(user)
    with django_assert_num_queries(5):
        said = client.get(f"/api/payments/{invoice.invoice_id}/status", headers=paid_headers).json()
    assert (said["invoice_id"], said["payment_status"]) == (invoice.invoice_id, "pending")
    assert said["ticket_ids"] == [str(order.tickets.get().pk)]
    settle_node_payment(money_for(invoice))
    said = client.get(f"/api/payments/{invoice.invoice_id}/status", headers=paid_headers).json()
    assert said["payment_status"] == "paid"
    assert said["paid_at"]


def test_a_strangers_payment_is_404(client):
    invoice = open_invoice(OrderFactory())
    path = f"/api/payments/{invoice.invoice_id}/status"
    assert client.get(path, headers=bearer(person())).status_code == 404
    assert client.get(path).status_code == 401
    assert client.get("/api/payments/x%00/status", headers=bearer(person())).status_code == 400
    assert client.get("/api/payments/Invoice:1/status", headers=bearer(person())).status_code == 404


# -- the door -------------------------------------------------------------------------------------
@pytest.fixture
def scan(client):
    headers = bearer(person("staff@example.com"))

    def send(ticket: Ticket | str, event: Event, nonce: str = "", headers=headers):
        code = ticket if isinstance(ticket, str) else ticket.ticket_code
        body = {"ticket_code": code, "event_id": event.pk, "nonce": nonce}
        return client.post("/api/tickets/check-in", body, content_type="application/json", headers=headers)

    return send


def test_in_once_and_the_same_scan_again_is_harmless(scan):
    ticket = paid(OrderFactory(name="Ann")).tickets.get()
    event = ticket.order.event
    first = scan(ticket, event, "scan-1")
    assert (first.status_code, first.json()["holder_name"]) == (200, "Ann")
    assert scan(ticket, event, "scan-1").json() == first.json()
    again = scan(ticket, event, "scan-2")
    assert (again.status_code, again.json()["code"]) == (409, "already_checked_in")
    assert scan(ticket, event).status_code == 409
    assert CheckIn.objects.get().by.email == "staff@example.com"


def test_two_scanners_at_once_let_one_in():
    ticket = paid(OrderFactory()).tickets.get()
    works = [
        lambda nonce=nonce: check_in(
            code=ticket.ticket_code, event_id=ticket.order.event_id, by=None, nonce=nonce
        )
        for nonce in "abcdef"
    ]
    said = together(*works)
    assert sum(isinstance(each, CheckIn) for each in said) == 1
    assert sum(isinstance(each, AlreadyCheckedIn) for each in said) == 5


def test_who_is_not_let_in(scan):
    event = EventFactory()
    order, free = OrderFactory(event=event), OrderFactory(event=EventFactory(price_sats=0))
    other_door = scan(free.tickets.get(), event)
    assert (other_door.status_code, other_door.json()["code"]) == (409, "wrong_event")
    assert scan(order.tickets.get(), event).json()["code"] == "not_paid"
    assert scan("nonsense", event).status_code == 404
    Ticket.objects.filter(order=free).update(voided_at=timezone.now())
    assert scan(free.tickets.get(), free.event).json()["code"] == "void"
    assert CheckIn.objects.count() == 0


def test_only_staff_lets_in(scan):
    ticket = OrderFactory(event=EventFactory(price_sats=0)).tickets.get()
    assert scan(ticket, ticket.order.event, headers={}).status_code == 401
    assert scan(ticket, ticket.order.event, headers=bearer(person())).status_code == 403


def test_validate_tells_of_a_used_ticket(client, scan):
    ticket = OrderFactory(event=EventFactory(price_sats=0)).tickets.get()
    scan(ticket, ticket.order.event)
    body = {"ticket_code": ticket.ticket_code}
    said = client.post("/api/tickets/validate", body, content_type="application/json").json()
    assert (said["valid"], said["reason"]) == (False, "already_checked_in")
    assert said["checked_in_at"]


def test_guessing_codes_ends(client, settings):
    settings.LIMITS = settings.LIMITS | {"UNKNOWN_CODE_PER_IP": (2, 60)}
    ticket = OrderFactory(event=EventFactory(price_sats=0)).tickets.get()

    def validate(code: str):
        return client.post("/api/tickets/validate", {"ticket_code": code}, content_type="application/json")

    assert [validate(f"guess{n}").status_code for n in range(4)] == [200, 200, 429, 429]
    assert validate(ticket.ticket_code).json()["valid"], "real codes still work"


# -- taking along, leaving ------------------------------------------------------------------------
def test_the_export_holds_ones_orders_and_nobody_elses(client):
    user = person()
    order = OrderFactory(buyer=user)
    order.payment.invoices.update(comment="See you there", travel_rule="the payer's name")
    OrderFactory(email="stranger@example.com")
    said = client.post(
        f"/api/users/{user.pk}/export", PROOF, content_type="application/json", headers=bearer(user)
    ).json()
    assert said["email"] == "bea@example.com"
    assert [each["id"] for each in said["orders"]] == [str(order.pk)]
    assert said["orders"][0]["comments"] == ["See you there"]
    assert "the payer's name" not in str(said)


def test_leaving_removes_the_person_and_keeps_the_order(client):
    user = person()
    order = paid(OrderFactory(buyer=user, email="bea@example.com", name="Bea"))
    headers = bearer(user)
    path = f"/api/users/{user.pk}"
    gone = client.delete(path, PROOF, content_type="application/json", headers=headers)
    assert gone.status_code == 204
    order.refresh_from_db()
    assert (order.status, order.buyer, order.email, order.name) == ("paid", None, "", "")
    assert order.tickets.get().holder_name == ""
    assert Mail.objects.count() == 0
    assert not User.objects.filter(email="bea@example.com").exists()
    assert client.get("/api/users/me", headers=headers).status_code == 401
    assert client.get(f"/api/orders/{order.pk}", headers={"Order-Token": order.token}).status_code == 200
