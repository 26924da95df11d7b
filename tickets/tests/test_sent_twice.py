"""Forms of buyers and staff sent twice (two clicks, Back): each acts once and says so."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.authentication import issue_token
from accounts.staff import save_verified_user
from events.models import Event
from payments.models import Payment, Refund
from tests.acts import hold, pay, together
from tests.factories import EveningFactory, ViewerFactory
from tickets.models import Mail, Order, Ticket, Viewer
from tickets.services.orders import AskedAlready, change_uma_address
from tickets.services.voiding import ReplacedAlready, replace_links, replace_ticket
from tickets.staff.audit import run_integrity_checks
from tickets.tests.admin_client import act_url, told

pytestmark = pytest.mark.django_db(transaction=True)

DONE = "You have sent this before. It was done once, and this is how it stands."


@pytest.fixture
def paid() -> Order:
    order = hold(EveningFactory(), 2, uma_address="$ann@wallet.example.com")
    pay(order)
    return order


def twice(order: Order, act: str, **fields) -> None:
    """The form `act` of the order's page, sent twice; only the second answer says so."""
    client, sent = Client(), {"act": act, **fields}
    first, second = (client.post(order.get_absolute_url(), sent, follow=True) for _ in range(2))
    assert (first.status_code, second.status_code) == (200, 200)
    assert (DONE in first.content.decode(), DONE in second.content.decode()) == (False, True)
    assert run_integrity_checks() == []


def taken() -> int:
    return Event.objects.get().seats_taken


def free_order() -> Order:
    return hold(EveningFactory(price_sats=0), 2)


def test_a_free_order_is_given_back_once():
    order = free_order()
    twice(order, "order_cancel")
    assert (Order.objects.get().status, taken()) == ("canceled", 0)


def test_what_cannot_be_canceled_is_still_refused(paid):
    answer = Client().post(paid.get_absolute_url(), {"act": "order_cancel"})
    assert answer.status_code == 409
    assert DONE not in answer.content.decode()


def test_a_seat_is_given_back_once(paid):
    twice(paid, "give_back", ticket=paid.tickets.first().pk)
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


# -- the payment request ----------------------------------------------------------------------
BO = "$bo@wallet.example.com"


def delivered() -> None:
    Payment.objects.update(push="delivered", pushed_at=timezone.now(), next_attempt_at=None)


def test_a_wallet_is_asked_once():
    order = hold(EveningFactory(), uma_address="$ann@wallet.example.com")
    delivered()
    twice(order, "order_address", uma_address=BO)
    payment = Payment.objects.get()
    assert (payment.uma_address, payment.push, payment.pushed_at) == (BO, "queued", None)
    delivered()
    answer = Client().post(order.get_absolute_url(), {"act": "order_address", "uma_address": BO}, follow=True)
    assert DONE in answer.content.decode()
    assert Payment.objects.get().push == "delivered"


def test_of_two_that_send_the_request_to_the_same_wallet_one_does():
    hold(EveningFactory(), uma_address="$ann@wallet.example.com")
    delivered()
    orders = [Order.objects.select_related("event", "payment").get() for _ in "12"]
    outcomes = together(*(lambda one=one: change_uma_address(one, uma_address=BO) for one in orders))
    assert sorted(type(one).__name__ for one in outcomes) == [AskedAlready.__name__, "NoneType"]
    assert (Order.objects.get().uma_address, Payment.objects.get().push) == (BO, "queued")


@pytest.mark.parametrize("push", ["refused", "unreachable"])
def test_a_wallet_that_did_not_take_the_request_may_be_asked_again(push):
    order = hold(EveningFactory(), uma_address=BO)
    Payment.objects.update(push=push, next_attempt_at=None)
    Client().post(order.get_absolute_url(), {"act": "order_address", "uma_address": BO})
    assert Payment.objects.get().push == "queued"


# -- staff's buttons whose work the worker has done meanwhile -----------------------------------
def again(staff, row, action: str, between) -> str:
    """What staff are told who press a button, have `between` happen, and send the same form again."""
    sent = {"seen": staff.get(act_url(row, action)).context["form"]["seen"].value()}
    first = staff.post(act_url(row, action), sent, follow=True)
    assert "Nothing was done" not in str(told(first))
    between()
    return str(told(staff.post(act_url(row, action), sent, follow=True)))


@pytest.mark.parametrize("push", ["delivered", "refused"])
def test_staff_send_the_request_again_once(staff, push):
    order = hold(EveningFactory(), uma_address=BO)

    def ends() -> None:
        Payment.objects.update(push=push, next_attempt_at=None)

    ends()
    assert "Nothing was done" in again(staff, order, "push", ends)
    assert Payment.objects.get().push == push


def test_staff_let_others_watch_once(staff, paid):
    ticket = paid.tickets.first()

    def joins(key: str) -> None:
        ViewerFactory(ticket=ticket, key=key)

    joins("a")
    assert "Nothing was done" in again(staff, paid, "viewers", lambda: joins("b"))
    assert Viewer.objects.get().key == "b"


@pytest.mark.parametrize("row", ["refund", "event"])
def test_staff_try_a_failed_refund_again_once(staff, paid, row):
    pay(paid)  # again: it goes back
    Event.objects.update(canceled_at=timezone.now())

    def fails(payment_hash: str) -> None:
        Refund.objects.update(status="failed", payment_hash=payment_hash, dead_bolt11s=1)

    fails("a" * 64)
    shown, action = (Refund.objects.get(), "retry") if row == "refund" else (paid.event, "retry-failed")
    assert "Nothing was done" in again(staff, shown, action, lambda: fails("b" * 64))
    assert Refund.objects.get().status == "failed"


# -- the API ----------------------------------------------------------------------------------
def send(order: Order, act: str, headers: dict, **body):
    path = f"/api/orders/{order.pk}/{act}"
    return Client().post(path, body, content_type="application/json", headers=headers)


def test_the_api_replaces_a_ticket_once(paid):
    ticket = paid.tickets.first()
    body = {"ticket_id": str(ticket.pk), "ticket_code": ticket.ticket_code}
    first, second = (send(paid, "replace-ticket", {"Order-Token": paid.token}, **body) for _ in "12")
    assert (first.status_code, second.status_code) == (200, 409)
    assert second.json()["code"] == "invalid_transition"
    once = Ticket.objects.get(pk=ticket.pk)
    assert (once.generation, first.json()["tickets"][0]["ticket_code"]) == (1, once.ticket_code)


def test_the_api_replaces_links_once(paid):
    """Being signed in shows whose order it is, not which links shall end."""
    buyer = save_verified_user(email="ann@example.com", name="Ann", password="a passphrase of five")[0]
    signed_in = {"Authorization": f"Bearer {issue_token(buyer)}"}
    assert send(paid, "replace-links", signed_in).status_code == 404
    first, second = (send(paid, "replace-links", {"Order-Token": paid.token}) for _ in "12")
    assert (first.status_code, second.status_code) == (204, 404)
    assert Order.objects.get().generation == 1
