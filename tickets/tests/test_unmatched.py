"""Unmatched payments: applied to the order they were meant for, or refunded; once."""

import threading

import pytest
from django.db import connection

from payments.models import IncomingPayment, Payment, Refund
from payments.unmatched import NotUnmatched, attach_unmatched, refund_unmatched, unmatched_money
from tests.acts import hold, pay, stray_money
from tests.factories import EveningFactory
from tickets.models import Order
from tickets.services.seats import give_back_seats
from tickets.staff import audit
from ticketsuma.state_machine import InvalidTransition

pytestmark = pytest.mark.django_db(transaction=True)
HOME = "$ann@wallet.example.com"


def test_it_pays_a_waiting_order():
    order, money = hold(EveningFactory()), stray_money(1_000_000)
    row = attach_unmatched(money, order.payment)
    order.refresh_from_db()
    assert (order.status, row.applied_msats, row.refunds.count()) == ("paid", 1_000_000, 0)
    assert audit.run_integrity_checks() == []


def test_it_wins_the_seats_of_an_ended_order_back_or_goes_home():
    event = EveningFactory(capacity=1)
    order = hold(event, uma_address=HOME)
    money, more = stray_money(1_000_000), stray_money(1_000_000)
    give_back_seats(order)
    Order.objects.filter(pk=order.pk).update(status="expired")
    Payment.objects.filter(pk=order.payment_id).update(status="closed")
    attach_unmatched(money, order.payment)
    order.refresh_from_db()
    assert order.status == "paid"
    attach_unmatched(more, order.payment)
    assert [(refund.reason, refund.to) for refund in Refund.objects.all()] == [("duplicate", HOME)]
    assert audit.run_integrity_checks() == []


@pytest.mark.parametrize(("msats", "reason"), [(999_000, "underpaid"), (1_500_000, "surplus")])
def test_what_is_not_the_price_goes_home(msats, reason):
    order = hold(EveningFactory(), uma_address=HOME)
    attach_unmatched(stray_money(msats), order.payment)
    assert Refund.objects.get().reason == reason
    assert audit.run_integrity_checks() == []


def test_a_canceled_order_sends_it_home():
    order = hold(EveningFactory(), uma_address=HOME)
    Order.objects.filter(pk=order.pk).update(status="canceled")
    Payment.objects.filter(pk=order.payment_id).update(status="closed")
    give_back_seats(order)
    attach_unmatched(stray_money(1_000_000), order.payment)
    assert Refund.objects.get().reason == "late"
    assert audit.run_integrity_checks() == []


def test_of_attaching_and_sending_back_at_once_one_happens():
    order, money = hold(EveningFactory()), stray_money(1_000_000)
    start, refused = threading.Barrier(4), []

    def at_once(work):
        start.wait()
        try:
            work()
        except InvalidTransition as error:
            refused.append(error)
        finally:
            connection.close()

    works = [lambda: attach_unmatched(money, order.payment), lambda: refund_unmatched(money, to=HOME)] * 2
    threads = [threading.Thread(target=at_once, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    row = IncomingPayment.objects.get()
    assert len(refused) == 3
    assert (row.applied_msats == 1_000_000) + Refund.objects.count() == 1
    assert audit.run_integrity_checks() == []


def test_money_that_is_matched_stays_where_it_is():
    order, other = hold(EveningFactory()), hold(EveningFactory())
    money = pay(order)
    for work in (lambda: attach_unmatched(money, other.payment), lambda: refund_unmatched(money, to=HOME)):
        with pytest.raises(NotUnmatched):
            work()
    assert Refund.objects.count() == 0


def test_the_list_of_the_unmatched_says_what_is_left():
    money = stray_money(1_000_900)
    assert [row.rest_msats for row in unmatched_money()] == [1_000_900]
    refund_unmatched(money, to=HOME)
    assert list(unmatched_money()) == []
    assert audit.run_integrity_checks() == []
