"""Check-in page: for staff alone; a ticket is admitted once, and the same scan twice counts once."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from tests.acts import together
from tests.factories import CheckInFactory, EventFactory, OrderFactory, StaffFactory, UnprovenUserFactory
from tickets.models import CheckIn, Order, Ticket
from tickets.services import check_ins
from tickets.services.orders import place_order
from tickets.services.viewers import join

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ticket() -> Ticket:
    order = place_order(event=EventFactory(price_sats=0), quantity=1, email="ann@example.com", name="Ann <i>")
    return order.tickets.select_related("order__event").get()


@pytest.fixture
def door_path(ticket) -> str:
    return f"/door/{ticket.order.event_id}"


def scan(client, path: str, code: str, nonce: str = "n1", **more) -> str:
    answer = client.post(path, {"code": code, "nonce": nonce} | more)
    assert answer.status_code == 200
    return answer.context["verdict"].reason if answer.context["verdict"] else ""


def test_only_staff_mind_a_door(client, staff, door_path):
    for path in (door_path, "/door"):
        assert client.get(path)["Location"] == f"/accounts/login/?next={path}"
    assert client.post(door_path, {"code": "x"})["Location"].startswith("/accounts/login/")
    guest = Client()
    guest.force_login(UnprovenUserFactory(email="bo@example.com", password="a long enough password"))
    assert [guest.get(path).status_code for path in (door_path, "/door")] == [403, 403]
    assert guest.post(door_path, {"code": "x", "nonce": "1"}).status_code == 403
    assert staff.get("/door").status_code == staff.get(door_path).status_code == 200
    assert staff.get("/door/999999").status_code == 404
    assert not CheckIn.objects.exists()


def test_the_camera_s_wasm_is_allowed_here_only(staff, door_path):
    assert "'wasm-unsafe-eval'" in staff.get(door_path)["Content-Security-Policy"]
    assert "wasm" not in staff.get("/door")["Content-Security-Policy"]


def test_a_ticket_is_let_in_once_and_the_same_scan_again_is_harmless(staff, ticket, door_path):
    typed = ticket.ticket_code.lower()
    typed = f" {typed[:4]}-{typed[4:8]} {typed[8:]}"
    page = staff.post(door_path, {"code": typed, "nonce": "n1"})
    assert page.context["verdict"].reason == "ok"
    text = page.content.decode()
    assert "Welcome" in text
    assert "Ann &lt;i&gt;" in text
    assert "1 of 1 are in" in text
    assert scan(staff, door_path, typed, "n1", part="1") == "ok"
    assert scan(staff, door_path, typed, "n2") == "already_checked_in"
    assert scan(staff, door_path, typed, "n2", part="1") == "already_checked_in"
    assert CheckIn.objects.get().by == User.objects.get()


def test_the_same_scan_says_that_it_lets_in_nobody_else(staff, ticket, door_path):
    first, again = (
        staff.post(door_path, {"code": ticket.ticket_code, "nonce": "n1"}).content.decode() for _ in range(2)
    )
    assert "The same scan once more: one person" in again
    assert "The same scan once more" not in first


def test_after_a_while_the_same_nonce_is_another_person(staff, ticket, door_path):
    """Without JavaScript: Back shows the old form, and the same code is typed for somebody else."""
    assert scan(staff, door_path, ticket.ticket_code, "n1") == "ok"
    CheckIn.objects.update(at=timezone.now() - check_ins.SAME_SCAN + timedelta(seconds=15))
    assert scan(staff, door_path, ticket.ticket_code, "n1") == "ok"
    CheckIn.objects.update(at=timezone.now() - check_ins.SAME_SCAN)
    assert scan(staff, door_path, ticket.ticket_code, "n1") == "already_checked_in"
    with pytest.raises(check_ins.AlreadyCheckedIn):
        check_ins.check_in(code=ticket.ticket_code, event_id=ticket.order.event_id, by=None, nonce="n1")


def test_the_part_is_the_verdict_alone(staff, ticket, door_path):
    part = staff.post(door_path, {"code": ticket.ticket_code, "nonce": "n1", "part": "1"}).content.decode()
    assert part.lstrip().startswith('<div class="contents" data-reason="ok">')
    assert "<html" not in part


@pytest.mark.parametrize("code", ["", "nope", "x" * 500, "a\0b", "<script>", "é" * 26, "'; --"])
def test_what_is_no_code_lets_nobody_in(staff, door_path, code):
    assert scan(staff, door_path, code) == "unknown_code"
    assert not CheckIn.objects.exists()


def test_every_other_refusal_is_said(staff, ticket, door_path):
    elsewhere = EventFactory(title="Elsewhere", price_sats=0)
    page = staff.post(f"/door/{elsewhere.pk}", {"code": ticket.ticket_code, "nonce": "1"})
    assert "This ticket is for <bdi>A talk</bdi>." in page.content.decode()
    unpaid = OrderFactory(event=EventFactory()).tickets.get()
    assert scan(staff, f"/door/{unpaid.order.event_id}", unpaid.ticket_code) == "not_paid"
    ticket.order.advance(Order.Status.CANCELED, ended_at=timezone.now())
    assert scan(staff, door_path, ticket.ticket_code) == "void"
    type(elsewhere).objects.update(canceled_at=timezone.now())
    assert scan(staff, door_path, ticket.ticket_code) == "event_canceled"
    assert not CheckIn.objects.exists()


def test_who_joined_the_stream_is_in_already(staff, ticket, door_path):
    now = timezone.now()
    type(ticket.order.event).objects.update(start_time=now - timedelta(minutes=1))
    join(Ticket.objects.select_related("order__event").get(), key="k" * 32)
    assert scan(staff, door_path, ticket.ticket_code) == "already_checked_in"
    assert "joined the stream" in staff.get(door_path).content.decode()


def test_of_two_scanners_at_once_one_lets_in(ticket):
    staff, event_id, code = StaffFactory(), ticket.order.event_id, ticket.ticket_code
    seen = together(
        *(
            lambda nonce=nonce: check_ins.scan(
                check_ins.validate_code(code, event_id=event_id), by=staff, nonce=nonce
            )
            for nonce in ("a", "b")
        )
    )
    assert sorted(found.reason for found in seen) == ["already_checked_in", "ok"]


@pytest.mark.parametrize("came", [1, 3])
def test_the_page_asks_as_often_for_three_as_for_one(staff, django_assert_num_queries, came):
    event = EventFactory(price_sats=0)
    for ticket in place_order(event=event, quantity=came, email="ann@example.com").tickets.all():
        CheckInFactory(ticket=ticket)
    staff.get(f"/door/{event.pk}")
    with django_assert_num_queries(6):
        staff.get(f"/door/{event.pk}")
