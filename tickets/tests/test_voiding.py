"""Voided and replaced tickets: seats, money, links, check-in and the stream agree."""

from datetime import timedelta

import pytest
from django.core.signing import Signer
from django.test import Client
from django.utils import timezone

from accounts.history import HistoryEntry
from events.models import Event
from payments.models import Refund
from payments.refunds import TooMuch
from tests.acts import hold, pay, together
from tests.factories import EveningFactory
from tickets.models import Mail, Order, Ticket, Viewer
from tickets.services.check_ins import validate_code
from tickets.services.giving_back import give_back
from tickets.services.orders import cancel_order
from tickets.services.refunds import refund_order
from tickets.services.viewers import join
from tickets.services.voiding import (
    NoMailbox,
    NotVoidable,
    replace_links,
    replace_ticket,
    void_ticket,
)
from tickets.staff.audit import run_integrity_checks
from tickets.tests.admin_client import act

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def event() -> Event:
    start = timezone.now() + timedelta(minutes=5)
    return EveningFactory(start_time=start, end_time=start + timedelta(hours=2), capacity=3)


@pytest.fixture
def paid(event) -> Order:
    order = hold(event, 3, uma_address="$ann@wallet.example.com")
    pay(order)
    return order


@pytest.fixture
def ticket(paid) -> Ticket:
    return paid.tickets.select_related("order__event", "order__payment").first()


def taken() -> int:
    return Event.objects.get().seats_taken


# -- void ---------------------------------------------------------------------------------------
def test_a_void_ticket_admits_nobody_and_its_seat_is_sold_again(ticket, event):
    join(ticket, key="k")
    void_ticket(ticket, reason="leaked")
    assert validate_code(ticket.ticket_code).reason == "void"
    assert not Ticket.objects.admitting().filter(pk=ticket.pk).exists()
    assert not Viewer.objects.exists()
    stream = f"{ticket.get_absolute_url()}/stream"
    for answer in (Client().get(stream), Client().post(f"{stream}/join", follow=True)):
        assert "meet.example.com" not in str(answer.content)
    assert (taken(), run_integrity_checks()) == (2, [])
    pay(hold(event, 1, email="bea@example.com"))
    assert (taken(), run_integrity_checks()) == (3, [])


def test_a_part_of_the_money_goes_back_with_the_ticket(ticket):
    refund = void_ticket(ticket, amount_sats=1000)
    assert (refund.amount_msats, refund.reason) == (1_000_000, Refund.Reason.STAFF)
    assert run_integrity_checks() == []


def test_not_all_of_the_money_and_not_twice(ticket, paid):
    with pytest.raises(TooMuch):
        void_ticket(ticket, amount_sats=3000)
    ticket.refresh_from_db()
    assert (ticket.voided_at, taken()) == (None, 3), "all or nothing"
    void_ticket(ticket)
    with pytest.raises(NotVoidable):
        void_ticket(ticket)
    assert (taken(), run_integrity_checks()) == (2, [])


def test_of_two_who_void_at_once_one_frees_the_seat(ticket):
    outcomes = together(lambda: void_ticket(ticket), lambda: void_ticket(Ticket.objects.get(pk=ticket.pk)))
    assert sorted(type(one).__name__ for one in outcomes) == ["NoneType", "NotVoidable"]
    assert (taken(), run_integrity_checks()) == (2, [])


def test_an_order_that_ends_later_frees_the_rest(ticket, paid):
    void_ticket(ticket, amount_sats=500)
    refund_order(Order.objects.get(pk=paid.pk))
    assert (taken(), run_integrity_checks()) == (0, [])


def test_a_free_order_that_ends_later_frees_the_rest():
    order = hold(EveningFactory(price_sats=0), 3)
    give_back(order, [order.tickets.first().pk])
    assert (taken(), run_integrity_checks()) == (2, [])
    cancel_order(Order.objects.get(pk=order.pk))
    assert (taken(), run_integrity_checks()) == (0, [])


def test_only_paid_orders_have_tickets_to_void(event):
    order = hold(event)
    with pytest.raises(NotVoidable):
        void_ticket(order.tickets.get())
    assert (taken(), run_integrity_checks()) == (1, [])


# -- anew ---------------------------------------------------------------------------------------
def test_links_of_today_are_the_first_generation(ticket, paid):
    assert ticket.token == Signer(salt="tickets.ticket").sign(ticket.pk.hex)
    assert paid.token == Signer(salt="tickets.order").sign(paid.pk.hex)


def test_a_replaced_ticket_has_another_link_and_code(ticket):
    join(ticket, key="k")
    old_link, old_code = ticket.get_absolute_url(), ticket.ticket_code
    replace_ticket(ticket, reason="leaked")
    assert validate_code(old_code).reason == "unknown_code"
    assert validate_code(ticket.ticket_code).reason == "already_checked_in"
    assert not Viewer.objects.exists()
    for name in ("", "/ticket.pdf", "/calendar.ics", "/stream", "/stream/status"):
        answer = Client().get(old_link + name)
        assert answer.status_code == 410, name
        assert "This link was replaced" in answer.content.decode()
        assert Client().get(ticket.get_absolute_url() + name).status_code == 200, name
    assert Client().post(f"{old_link}/stream/join").status_code == 410
    old_token = old_link.rpartition("/")[2]
    path, body = f"/api/tickets/{ticket.pk}/join", {}
    refused = Client().post(path, body, content_type="application/json", headers={"Ticket-Token": old_token})
    assert refused.status_code == 404
    assert (taken(), run_integrity_checks()) == (3, [])
    replace_ticket(ticket)
    assert Client().get(ticket.get_absolute_url()).status_code == 200
    assert Client().get(old_link).status_code == 410


@pytest.mark.parametrize("generation", ["1", "2", "x", "-1", "01", "999999"])
def test_no_generation_can_be_made_up(ticket, generation):
    replace_ticket(ticket)
    forged = f"{ticket.pk.hex}.{generation}:{ticket.token.rpartition(':')[2]}"
    expected = 200 if generation == "1" else 404
    assert Client().get(f"/tickets/{forged}").status_code == expected


def test_all_links_anew_are_mailed_and_shown_to_nobody(paid, ticket):
    Mail.objects.update(status=Mail.Status.SENT, sent_at=timezone.now())
    old = paid.get_absolute_url()
    page = Client().post(old, {"act": "links_replace"}, follow=True)
    assert (page.status_code, "This link was replaced" in page.content.decode()) == (410, True)
    paid.refresh_from_db()
    assert paid.token not in page.content.decode()
    assert Client().get(paid.get_absolute_url()).status_code == 200
    assert Client().get(old + "/status").status_code == 410
    assert Client().get(ticket.get_absolute_url()).status_code == 410
    assert Mail.objects.get(kind=Mail.Kind.TICKETS).status == Mail.Status.DUE
    api = Client().get(f"/api/orders/{paid.pk}", headers={"Order-Token": old.rpartition("/")[2]})
    assert api.status_code == 404


def test_links_cannot_go_to_no_mailbox(paid):
    Order.objects.update(email="")
    with pytest.raises(NoMailbox):
        replace_links(Order.objects.get())


# -- by whom ------------------------------------------------------------------------------------
def test_staff_void_and_replace_and_say_why(staff, paid, ticket):
    act(staff, ticket, "replace", reason="sold twice")
    act(staff, ticket, "void", reason="given back", amount_sats=100)
    ticket.refresh_from_db()
    assert (ticket.generation, ticket.voided_at is None, taken()) == (1, False, 2)
    assert Refund.objects.get().amount_msats == 100_000
    acts = HistoryEntry.objects.about([ticket])
    assert [(one.act, one.details["said"]) for one in acts] == [
        ("replace", "sold twice"), ("void", "given back"),
    ]  # fmt: skip
    act(staff, paid, "replace-links", reason="forwarded")
    assert Order.objects.get().generation == 1
    assert run_integrity_checks() == []


def test_the_orders_page_replaces_and_gives_back(paid, ticket):
    path = paid.get_absolute_url()
    Client().post(path, {"act": "ticket_replace", "ticket": ticket.pk})
    ticket.refresh_from_db()
    assert ticket.generation == 1
    Client().post(path, {"act": "give_back", "ticket": ticket.pk})
    ticket.refresh_from_db()
    assert (ticket.voided_at is None, taken(), run_integrity_checks()) == (False, 2, [])


def test_nobody_touches_anothers_ticket(paid, ticket):
    other = hold(EveningFactory(price_sats=0))
    for name in ("ticket_replace", "give_back"):
        answer = Client().post(other.get_absolute_url(), {"act": name, "ticket": ticket.pk})
        assert answer.status_code == 404
    for name, more in (("replace-ticket", {"ticket_code": ticket.ticket_code}), ("void-ticket", {})):
        answer = Client().post(
            f"/api/orders/{other.pk}/{name}", {"ticket_id": str(ticket.pk)} | more,
            content_type="application/json", headers={"Order-Token": other.token},
        )  # fmt: skip
        assert answer.status_code == 404
    ticket.refresh_from_db()
    assert (ticket.voided_at, ticket.generation) == (None, 0)


def test_the_api_replaces_and_gives_back(paid, ticket):
    def send(name: str, **body):
        headers = {"Order-Token": Order.objects.get().token}
        path = f"/api/orders/{paid.pk}/{name}"
        return Client().post(path, body, content_type="application/json", headers=headers)

    body = {"ticket_id": str(ticket.pk), "ticket_code": ticket.ticket_code}
    said = send("replace-ticket", **body).json()["tickets"][0]
    assert (said["ticket_code"] != ticket.ticket_code, said["token"] != ticket.token) == (True, True)
    assert send("void-ticket", ticket_id=str(ticket.pk)).json()["tickets"][0]["ticket_code"] is None
    refused = send("void-ticket", ticket_id=str(ticket.pk))
    assert (refused.status_code, refused.json()["code"]) == (409, "not_voidable")
    assert send("replace-links").status_code == 204
    assert Order.objects.get().generation == 1
    assert (taken(), run_integrity_checks()) == (2, [])


def test_a_used_ticket_is_not_given_back(ticket):
    join(ticket, key="k")
    with pytest.raises(NotVoidable):
        give_back(ticket.order, [ticket.pk])
    assert taken() == 3
