"""Tickets given back by buyers: what comes back by the policy of the order, and what is refused."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from events.models import Event
from payments.models import Refund
from tests.acts import hold, pay, together
from tests.factories import EveningFactory
from tickets.models import Order, Ticket
from tickets.services.check_ins import check_in
from tickets.services.giving_back import GiveBackChanged, give_back, preview_give_back
from tickets.services.refunds import cancel_event, end_canceled_order, refund_part
from tickets.services.viewers import join
from tickets.services.voiding import NotVoidable, void_ticket
from tickets.staff.audit import run_integrity_checks

pytestmark = pytest.mark.django_db(transaction=True)

WALLET = "$ann@wallet.example.com"


def bought(quantity: int = 2, **event) -> Order:
    """Paid seats of 1,000 sats each, which come back until a day before the start, in two days."""
    order = hold(EveningFactory(**{"refund_hours": 24} | event), quantity, uma_address=WALLET)
    pay(order)
    return again(order)


def again(order: Order) -> Order:
    return Order.objects.select_related("event", "payment").get(pk=order.pk)


def ids(order: Order) -> list:
    return [ticket.pk for ticket in order.tickets.filter(voided_at=None)]


def starts_in(order: Order, **delta) -> Order:
    start = timezone.now() + timedelta(**delta)
    Event.objects.filter(pk=order.event_id).update(start_time=start, end_time=start + timedelta(hours=2))
    return again(order)


def refunds() -> list[tuple]:
    return list(Refund.objects.order_by("created_at").values_list("amount_msats", "reason", "to"))


def taken() -> int:
    return Event.objects.get().seats_taken


# -- what comes back ------------------------------------------------------------------------------
def test_one_ticket_of_two_brings_its_price_back_and_the_last_one_the_rest():
    order = bought()
    first, second = ids(order)
    refund = give_back(order, [first], expected_sats=1000)
    assert (refund.amount_msats, again(order).status, taken()) == (1_000_000, "paid", 1)
    assert not Ticket.objects.admitting().filter(pk=first).exists()
    assert Ticket.objects.admitting().filter(pk=second).exists()
    assert run_integrity_checks() == []
    give_back(again(order), [second])
    assert refunds() == [(1_000_000, "given_back", WALLET)] * 2
    assert (again(order).status, taken(), run_integrity_checks()) == ("canceled", 0, [])


def test_all_tickets_at_once_cancel_the_order():
    order = bought(3)
    assert preview_give_back(order).back_sats == 3000
    give_back(order, ids(order), expected_sats=3000)
    assert refunds() == [(3_000_000, "given_back", WALLET)]
    assert (again(order).status, taken(), run_integrity_checks()) == ("canceled", 0, [])
    assert order.mails.filter(kind="order_canceled").exists()


@pytest.mark.parametrize("hours", [None, 0, 24])
def test_an_order_keeps_the_policy_it_was_bought_under(hours):
    order = bought(refund_hours=hours)
    Event.objects.update(refund_hours=None if hours is not None else 0)
    order = again(order)
    assert order.refund_hours == hours
    assert preview_give_back(order).back_sats == (0 if hours is None else 2000)


@pytest.mark.parametrize(
    ("hours", "delta", "sats"),
    [
        (24, {"hours": 24, "seconds": 30}, 2000),
        (24, {"hours": 24, "seconds": -1}, 0),
        (0, {"seconds": 30}, 2000),
        (0, {"seconds": -1}, 0),
    ],
    ids=["in time", "after the deadline", "before the start", "begun"],
)
def test_money_comes_back_until_the_deadline(hours, delta, sats):
    order = starts_in(bought(refund_hours=hours), **delta)
    assert preview_give_back(order).back_sats == sats
    give_back(order, ids(order)[:1])
    assert sum(msats for msats, _reason, _to in refunds()) == sats * 500
    assert run_integrity_checks() == []


def test_what_was_shown_comes_back_or_nothing_is_done():
    """The page said 1,000 sats; the deadline passed while it was open."""
    order = bought()
    page = Client().get(f"{order.get_absolute_url()}/give-back?ticket={ids(order)[0]}").content.decode()
    assert 'name="back_sats" value="1000"' in page
    assert WALLET in page
    order = starts_in(order, hours=5)
    with pytest.raises(GiveBackChanged):
        give_back(order, ids(order)[:1], expected_sats=1000)
    form = {"act": "give_back", "ticket": ids(order)[0], "back_sats": 1000}
    answer = Client().post(order.get_absolute_url(), form)
    assert (answer.status_code, "Please look again" in answer.content.decode()) == (409, True)
    assert (refunds(), taken(), len(ids(order))) == ([], 2, 2)


def test_what_staff_sent_back_already_is_shared():
    order = bought()
    refund_part(order, amount_sats=1500, already_refunded_sats=0)
    give_back(order, ids(order)[:1], expected_sats=250)
    void_ticket(Ticket.objects.get(pk=ids(order)[0]))
    assert (taken(), run_integrity_checks()) == (0, [])
    assert sum(msats for msats, _reason, _to in refunds()) == 1_750_000


# -- what is refused ------------------------------------------------------------------------------
def test_a_ticket_that_was_used_is_not_given_back():
    order = starts_in(bought(3, refund_hours=0), minutes=5)
    at_the_door, in_the_stream, unused = order.tickets.select_related("order__event")
    check_in(code=at_the_door.ticket_code, event_id=order.event_id, by=None)
    join(in_the_stream, key="k")
    for ticket in (at_the_door, in_the_stream):
        with pytest.raises(NotVoidable):
            give_back(order, [ticket.pk])
        with pytest.raises(NotVoidable):
            give_back(order, [ticket.pk, unused.pk])
    assert preview_give_back(order).tickets == [unused]
    give_back(order, [unused.pk], expected_sats=1000)
    assert (taken(), run_integrity_checks()) == (2, [])
    with pytest.raises(NotVoidable):
        preview_give_back(again(order))


def test_nothing_is_given_back_once_it_is_over_or_canceled():
    order = starts_in(bought(refund_hours=0), hours=-3)
    with pytest.raises(NotVoidable):
        give_back(order, ids(order))
    order = starts_in(order, hours=30)
    cancel_event(order.event)
    with pytest.raises(NotVoidable):
        give_back(order, ids(order))
    end_canceled_order(again(order))
    assert refunds() == [(2_000_000, "event_canceled", WALLET)]
    assert (taken(), run_integrity_checks()) == (0, [])


def test_a_part_given_back_before_the_event_is_canceled_goes_back_once():
    order = bought()
    give_back(order, ids(order)[:1])
    cancel_event(order.event)
    end_canceled_order(again(order))
    assert sum(msats for msats, _reason, _to in refunds()) == 2_000_000
    assert (taken(), run_integrity_checks()) == (0, [])


@pytest.mark.parametrize("quantity", [1, 2])
def test_of_two_who_press_at_once_one_gives_back(quantity):
    order = bought(quantity)
    [first, *_rest] = ids(order)
    outcomes = together(lambda: give_back(again(order), [first]), lambda: give_back(again(order), [first]))
    assert sorted(type(one).__name__ for one in outcomes) == ["NotVoidable", "Refund"]
    assert refunds() == [(1_000_000, "given_back", WALLET)]
    assert (taken(), run_integrity_checks()) == (quantity - 1, [])


def test_of_giving_back_and_check_in_at_once_one_wins():
    order = starts_in(bought(1, refund_hours=0), minutes=5)
    ticket = order.tickets.get()
    outcomes = together(
        lambda: give_back(again(order), [ticket.pk]),
        lambda: check_in(code=ticket.ticket_code, event_id=order.event_id, by=None),
    )
    assert sorted(isinstance(one, Exception) for one in outcomes) == [False, True]
    assert (len(refunds()), run_integrity_checks()) == (1 - taken(), [])


# -- the order's page -------------------------------------------------------------------------------
def test_the_page_gives_back_and_twice_is_once():
    order = bought()
    page, client = order.get_absolute_url(), Client()
    shown = client.get(page).content.decode()
    assert "you can give tickets back for their money" in shown
    assert "Give all of them back" in shown
    form = {"act": "give_back", "ticket": ids(order), "back_sats": 2000}
    assert "Your order is canceled." in client.post(page, form, follow=True).content.decode()
    assert "It was done once" in client.post(page, form, follow=True).content.decode()
    assert len(refunds()) == 1
    assert client.get(f"{page}/give-back").status_code == 409


def test_the_page_says_when_no_money_comes_back():
    order = bought(refund_hours=None)
    answer = Client().get(f"{order.get_absolute_url()}/give-back?ticket={ids(order)[0]}")
    assert "It was sold without money back" in answer.content.decode()
    assert "Give all of them back" not in Client().get(order.get_absolute_url()).content.decode()


@pytest.mark.parametrize("query", ["?ticket=", "?ticket=x", "?ticket=00000000-0000-4000-8000-000000000000"])
def test_tickets_of_others_are_not_there(query):
    order = bought(1)
    assert Client().get(f"{order.get_absolute_url()}/give-back{query}").status_code == 404


@pytest.mark.parametrize("said", ["", "-1", "x", "9" * 30, "999"])
def test_another_amount_than_the_page_said_gives_nothing_back(said):
    order = bought(1)
    form = {"act": "give_back", "ticket": ids(order), "back_sats": said}
    assert Client().post(order.get_absolute_url(), form).status_code == 409
    assert (refunds(), taken()) == ([], 1)


# -- before paying ----------------------------------------------------------------------------------
def test_the_policy_stands_above_the_button_and_a_changed_one_is_asked_about_anew(client):
    event = EveningFactory(refund_hours=24)
    page = client.get(event.get_absolute_url()).content.decode()
    assert "you can give tickets back for their money" in page
    form = {"quantity": 1, "email": "ann@example.com", "price_sats": 1000, "refund_policy": "24"}
    Event.objects.update(refund_hours=None)
    refused = client.post(event.get_absolute_url(), form)
    says = refused.content.decode()
    assert (refused.status_code, "What can be given back has changed" in says) == (409, True)
    assert "Tickets are not given back for money" in says
    assert 'value="ann@example.com"' in says
    assert 'name="refund_policy" value="none"' in says
    assert not Order.objects.exists()
    assert client.post(event.get_absolute_url(), form | {"refund_policy": "none"}).status_code == 302
    assert Order.objects.get().refund_hours is None
