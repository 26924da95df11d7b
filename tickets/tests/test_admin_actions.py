"""Admin actions: one button each, confirmed first; of two at once one wins and the other is told."""

import threading

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.history import HistoryEntry
from accounts.models import User
from payments.models import IncomingPayment, Payment, Refund
from tests.acts import hold, pay, stray_money
from tests.factories import EveningFactory
from tickets.models import Mail, Order, Ticket
from tickets.services.refunds import cancel_event, end_canceled_order
from tickets.staff import audit
from tickets.tests.admin_client import act, act_url, change_url, list_url, told

pytestmark = pytest.mark.django_db(transaction=True)


# -- buttons -----------------------------------------------------------------------------------
def test_a_free_order_is_canceled_after_a_question(staff):
    order = hold(EveningFactory(price_sats=0), 3)
    question = staff.get(act_url(order, "cancel"))
    assert f"Order {order.code}" in question.content.decode()
    order.refresh_from_db()
    assert order.status == "paid"
    page = act(staff, order, "cancel")
    order.refresh_from_db()
    assert (order.status, order.event.seats_taken) == ("canceled", 0)
    assert told(page) == ["The order is canceled and its seats are free again."]
    entry = HistoryEntry.objects.get()
    assert (entry.act, entry.row_id, entry.actor_email) == ("cancel", str(order.pk), "staff@example.com")
    assert "done by" in [moment.kind for moment in page.context["timeline"]]


def test_a_paid_order_is_refunded_whole(staff):
    order = hold(EveningFactory(), 2, uma_address="$ann@wallet.example.com")
    pay(order)
    page = act(staff, order, "refund")
    order.refresh_from_db()
    refund = Refund.objects.get()
    assert (order.status, refund.amount_msats, refund.status) == ("canceled", 2_000_000, "queued")
    assert "on the way to $ann@wallet.example.com" in told(page)[0]
    assert audit.run_integrity_checks() == []


def test_a_part_is_refunded_and_the_ticket_stays(staff):
    order = hold(EveningFactory(), uma_address="$ann@wallet.example.com")
    pay(order)
    for amount in ("0", "1000", "-1", "9" * 25, "x"):
        page = act(staff, order, "refund-part", amount_sats=amount)
        assert page.context["form"].errors, amount
    act(staff, order, "refund-part", amount_sats="250")
    order.refresh_from_db()
    assert order.is_paid
    assert [refund.amount_msats for refund in Refund.objects.all()] == [250_000]
    assert audit.run_integrity_checks() == []


@pytest.mark.parametrize(("action", "fields"), [("refund", {}), ("refund-part", {"amount_sats": "250"})])
def test_of_two_staff_who_press_at_once_one_wins_and_the_other_is_told(staff, action, fields):
    order = hold(EveningFactory(), uma_address="$ann@wallet.example.com")
    pay(order)
    seen = staff.get(act_url(order, action)).context["form"]["seen"].value()
    start, pages = threading.Barrier(2), []

    def press():
        client = Client()
        client.force_login(User.objects.get())
        start.wait()
        pages.append(client.post(act_url(order, action), {"seen": seen, **fields}, follow=True))
        connection.close()

    threads = [threading.Thread(target=press) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert Refund.objects.count() == 1
    texts = [page.content.decode() for page in pages]
    assert sum("on the way to" in text and 'class="success"' in text for text in texts) == 1
    assert sum("somebody was faster" in text for text in texts) == 1
    assert audit.run_integrity_checks() == []


def test_an_answer_to_an_outdated_question_does_nothing(staff):
    order = hold(EveningFactory(price_sats=0))
    seen = staff.get(act_url(order, "cancel")).context["form"]["seen"].value()
    Order.objects.filter(pk=order.pk).update(status="pending")
    page = staff.post(act_url(order, "cancel"), {"seen": seen}, follow=True)
    assert "somebody was faster" in told(page)[0]


def test_tickets_are_mailed_again_once(staff):
    order = hold(EveningFactory(price_sats=0))
    page = act(staff, order, "mail")
    assert "waits to be sent already" in page.content.decode()
    order.mails.update(status="sent", sent_at="2031-01-02T03:04Z", next_attempt_at=None)
    assert (
        "They were mailed there on 2031-01-02 03:04 UTC."
        in staff.get(act_url(order, "mail")).content.decode()
    )
    act(staff, order, "mail")
    mail = order.mails.get()
    assert (mail.status, mail.next_attempt_at is None) == ("due", False)


def test_the_node_is_asked_and_does_not_answer(staff):
    order = hold(EveningFactory())
    page = act(staff, order, "reconcile")
    assert "does not answer" in page.content.decode()


def test_a_request_is_pushed_again(staff):
    order = hold(EveningFactory(), uma_address="$ann@wallet.example.com")
    Payment.objects.filter(pk=order.payment_id).update(push="unreachable", next_attempt_at=None)
    act(staff, order, "push")
    assert Payment.objects.get().push == "queued"


def test_unmatched_money_is_attached_to_the_order_it_was_meant_for(staff):
    order, money = hold(EveningFactory()), stray_money(1_000_000)
    page = act(staff, money, "attach", code="nonsense")
    assert "no order of this code" in page.content.decode()
    act(staff, money, "attach", code=order.code.lower())
    order.refresh_from_db()
    assert order.is_paid
    assert audit.run_integrity_checks() == []
    assert "somebody was faster" in told(staff.get(act_url(money, "attach"), follow=True))[0]


def test_unmatched_money_goes_back_once(staff):
    money = stray_money(1_000_900)
    page = act(staff, money, "refund", to="nowhere")
    assert page.context["form"].errors
    act(staff, money, "refund", to="ann@wallet.example.com")
    refund = Refund.objects.get()
    assert (refund.amount_msats, refund.to) == (1_000_000, "ann@wallet.example.com")
    money.refresh_from_db()
    assert (money.kept_msats, money.payment_id) == (900, None)
    assert "somebody was faster" in told(staff.get(act_url(money, "refund"), follow=True))[0]
    assert audit.run_integrity_checks() == []


def test_a_refund_gets_its_address_and_a_failed_one_another_chance(staff):
    order = hold(EveningFactory())
    pay(order)
    pay(order)
    refund = Refund.objects.get()
    act(staff, refund, "address", to="$ann@wallet.example.com")
    refund.refresh_from_db()
    assert (refund.status, refund.to) == ("queued", "$ann@wallet.example.com")
    Refund.objects.update(status="failed", next_attempt_at=None, parked_at=timezone.now())
    act(staff, refund, "retry")
    refund.refresh_from_db()
    assert (refund.status, refund.parked_at) == ("queued", None)


def test_given_up_work_is_tried_again(staff):
    order = hold(EveningFactory(price_sats=0))
    mail = order.mails.get()
    Mail.objects.update(parked_at=timezone.now(), next_attempt_at=None, attempts=10)
    act(staff, mail, "try-again")
    mail.refresh_from_db()
    assert (mail.parked_at, mail.attempts, mail.next_attempt_at is None) == (None, 0, False)
    assert "somebody was faster" in told(staff.get(act_url(mail, "try-again"), follow=True))[0]


def test_an_event_is_canceled_after_a_preview(staff):
    event = EveningFactory()
    pay(hold(event, 2))
    hold(event)
    text = staff.get(act_url(event, "cancel")).content.decode()
    assert "Paid orders: 1; 2,000 sats go back, at a cost of 20 sats at most;" in text
    assert "the node can send an unknown amount." in text
    assert "Buyers who gave no address and are asked for one: 1." in text
    act(staff, event, "cancel")
    event.refresh_from_db()
    assert event.is_canceled
    assert Ticket.objects.admitting().count() == 0
    assert IncomingPayment.objects.count() == 1


def test_a_canceled_event_shows_how_far_it_is_and_failed_refunds_are_retried_together(staff):
    event = EveningFactory()
    for _ in range(3):
        order = hold(event, uma_address="$ann@wallet.example.com")
        pay(order)
    cancel_event(event)
    end_canceled_order(order)
    for other in event.orders.filter(status="paid")[:1]:
        end_canceled_order(other)
    Refund.objects.update(status="failed", next_attempt_at=None)
    page = staff.get(change_url(event))
    progress = page.context["progress"]
    assert progress.orders_left == 1
    assert [(line.status, line.count, line.amount_msats) for line in progress.refunds] == [
        ("failed", 2, 2_000_000)
    ]
    rows = staff.get(f"{list_url(Refund)}?event={event.pk}&status__exact=failed").context["cl"].result_list
    assert len(rows) == 2
    for nonsense in ("x", "9" * 40, "²"):
        assert staff.get(f"{list_url(Refund)}?event={nonsense}").status_code < 500
    assert told(act(staff, event, "retry-failed")) == ["2 refunds are tried again."]
    assert {refund.status for refund in Refund.objects.all()} == {"queued"}
