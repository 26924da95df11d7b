"""Refunds and the node's balance: capped fees, sats counted once, waiting that ends by itself."""

from datetime import timedelta

from django.utils import timezone

from payments import refund_sending
from payments.models import Refund
from payments.node import lightspark
from payments.reconciliation import sweep_incoming, sweep_row
from payments.tests.refunding import assert_sent_once, step
from tests.acts import together


def test_the_last_sats_go_back_though_none_are_left_for_fees(sandbox, make_refund):
    refund = step(make_refund(sats=lightspark.available_msats() // 1000))
    assert_sent_once(sandbox, refund)
    assert refund.fee_cap_msats < 1000


def test_fees_are_capped_at_what_is_left(sandbox, make_refund):
    left = 3
    refund = step(make_refund(sats=lightspark.available_msats() // 1000 - left))
    assert left * 1000 <= refund.fee_cap_msats < (left + 1) * 1000
    assert step(make_refund()).last_error == "balance_too_low"
    sandbox.fund(50_000)
    assert step(make_refund()).fee_cap_msats == 25_000


def test_two_workers_do_not_count_on_the_same_sats(sandbox, make_refund):
    """One is told to wait; whichever it is, the node is asked to send no more than it has."""
    sats = lightspark.available_msats() // 1000 * 6 // 10
    both = [make_refund(name, sats=sats) for name in ("$alice", "$bob")]
    outcomes = together(*(lambda one=one: refund_sending._ask_for_invoice(one) for one in both))
    assert sorted(type(one).__name__ for one in outcomes) == ["BalanceTooLow", "bool"]
    assert sorted(Refund.objects.values_list("status", flat=True)) == ["queued", "sending"]


def test_what_is_on_its_way_is_not_there_for_others(sandbox, make_refund):
    first = make_refund(sats=lightspark.available_msats() // 1000 * 6 // 10)
    assert refund_sending._ask_for_invoice(first)  # committed, and its worker died
    second = step(make_refund(sats=first.amount_msats // 1000))
    assert (second.status, second.last_error) == ("queued", "balance_too_low")
    Refund.objects.filter(pk=first.pk).update(status="in_doubt")
    assert step(second).last_error == "balance_too_low"


def test_without_a_route_for_few_fees_it_waits_for_balance(sandbox, make_refund):
    """That is no fault of the wallet's BOLT11: none of the few that are tried is used up by it."""
    refund = make_refund(sats=lightspark.available_msats() // 1000 - 5)
    sandbox.post("/api/faults", kind="payment_failed")
    for _ in range(refund_sending.MAX_BOLT11S + 1):
        step(refund)
        assert (refund.status, refund.last_error, refund.parked_at) == ("queued", "balance_too_low", None)
    assert refund.next_attempt_at > timezone.now() + timedelta(minutes=10)
    sandbox.no_faults()
    sandbox.fund(50_000)
    assert_sent_once(sandbox, step(refund))


def test_more_balance_wakes_what_waits_for_it(sandbox, make_refund):
    refund = step(make_refund(sats=lightspark.available_msats() // 1000 + 1000))
    assert refund.last_error == "balance_too_low"
    Refund.objects.update(next_attempt_at=timezone.now() + timedelta(minutes=9))
    sweep_incoming(sweep_row())
    refund.refresh_from_db()
    assert refund.next_attempt_at > timezone.now()
    sandbox.fund(50_000)
    sweep_incoming(sweep_row())
    refund.refresh_from_db()
    assert refund.next_attempt_at <= timezone.now()


def test_a_balance_too_low_waits(sandbox, make_refund):
    balance_sats = lightspark.available_msats() // 1000
    refund = step(make_refund(sats=balance_sats + 1))
    assert (refund.status, refund.last_error, refund.bolt11) == ("queued", "balance_too_low", "")
    for _ in range(10):
        step(refund)
    assert (refund.status, refund.parked_at) == ("queued", None)
    sandbox.fund(balance_sats // 10)
    assert_sent_once(sandbox, step(refund))
