"""Forms of buyers and staff sent twice (two clicks, Back): each acts once and says so."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from events.models import Event
from payments.models import Refund
from tests.shop import together
from tickets.audit import find_broken
from tickets.models import Mail, Order, Ticket
from tickets.tests.desk import act_url, told
from tickets.tests.selling import hold, make_event, pay
from tickets.voiding import ReplacedAlready, replace_links, replace_ticket

pytestmark = pytest.mark.django_db(transaction=True)

DONE = "You have sent this before. It was done once, and this is how it stands."


@pytest.fixture
def paid() -> Order:
    order = hold(make_event(), 2, uma_address="$ann@wallet.example.com")
    pay(order)
    return order


def twice(order: Order, act: str, **fields) -> None:
    """The form `act` of the order's page, sent twice; only the second answer says so."""
    client, sent = Client(), {"act": act, **fields}
    first, second = (client.post(order.get_absolute_url(), sent, follow=True) for _ in range(2))
    assert (first.status_code, second.status_code) == (200, 200)
    assert (DONE in first.content.decode(), DONE in second.content.decode()) == (False, True)
    assert find_broken() == []


def taken() -> int:
    return Event.objects.get().seats_taken


def free_order() -> Order:
    return hold(make_event(price_sats=0), 2)


def test_a_free_order_is_given_back_once():
    order = free_order()
    twice(order, "order_cancel")
    assert (Order.objects.get().status, taken()) == ("canceled", 0)


def test_what_cannot_be_canceled_is_still_refused(paid):
    answer = Client().post(paid.get_absolute_url(), {"act": "order_cancel"})
    assert answer.status_code == 409
    assert DONE not in answer.content.decode()


def test_a_seat_is_given_back_once(paid):
    twice(paid, "ticket_void", ticket=paid.tickets.first().pk)
    assert taken() == 1


def test_an_address_for_a_refund_is_given_once(paid):
    pay(paid)  # again, from nobody knows where
    Refund.objects.update(status=Refund.Status.NEEDS_ADDRESS, to="")
    twice(paid, "refund_address", uma_address="bo@wallet.example.com")
    refund = Refund.objects.get()
    assert (refund.status, refund.to) == ("queued", "bo@wallet.example.com")


def test_a_ticket_gets_one_new_link(paid):
    ticket = paid.tickets.first()
    page = Client().get(paid.get_absolute_url()).content.decode()
    assert '<input type="hidden" name="generation" value="0">' in page
    twice(paid, "ticket_replace", ticket=ticket.pk, generation=0)
    once = Ticket.objects.get(pk=ticket.pk)
    assert once.generation == 1
    assert once.ticket_code != ticket.ticket_code


def test_of_two_at_once_one_replaces(paid):
    tickets = [Ticket.objects.select_related("order__event").get(pk=paid.tickets.first().pk) for _ in "12"]
    outcomes = together(*(lambda one=one: replace_ticket(one) for one in tickets))
    assert sorted(type(one).__name__ for one in outcomes) == ["ReplacedAlready", "Ticket"]
    assert Ticket.objects.get(pk=tickets[0].pk).generation == 1
    orders = [Order.objects.get(), Order.objects.get()]
    outcomes = together(*(lambda one=one: replace_links(one) for one in orders))
    assert sorted(type(one).__name__ for one in outcomes) == ["NoneType", "ReplacedAlready"]
    assert Order.objects.get().generation == 1


def test_links_that_just_left_are_not_ended_by_the_second_click(paid):
    order, same = Order.objects.get(), Order.objects.get()
    replace_links(order)
    Mail.objects.update(status=Mail.Status.SENT, sent_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(ReplacedAlready):
        replace_links(same)
    assert Client().get(Order.objects.get().get_absolute_url()).status_code == 200
    assert not Mail.objects.filter(status=Mail.Status.DUE).exists()


@pytest.mark.parametrize("action", ["replace", "void"])
def test_a_button_of_staff_pressed_twice_acts_once(staff, paid, action):
    ticket = paid.tickets.first()
    seen = staff.get(act_url(ticket, action)).context["form"]["seen"].value()
    sent = {"seen": seen, "reason": "leaked", "amount_sats": 100}
    first, second = (staff.post(act_url(ticket, action), sent, follow=True) for _ in range(2))
    assert "Nothing was done" not in str(told(first))
    assert "Nothing was done: it has changed in the meantime" in str(told(second))
    ticket.refresh_from_db()
    assert (ticket.generation, taken()) == ((1, 2) if action == "replace" else (0, 1))
    assert Refund.objects.count() == (action == "void")
