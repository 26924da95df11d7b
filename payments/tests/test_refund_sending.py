"""Refunds: asked for at the wallet, paid by the node, recorded; at most once, whatever happens."""

from datetime import timedelta

import pytest
import requests
from django.utils import timezone

from payments import refund_sending, refunds
from payments.models import Refund
from payments.node import outgoing
from payments.refund_sending import send_refund
from payments.tests.refunding import SATS, TIMEOUT, assert_sent_once, step
from payments.tests.test_uma_send import Receiver, new_bolt11
from tests.acts import together
from tests.processes import wait_until
from ticketsuma.state_machine import InvalidTransition

PAY = "PayInvoice"


# -- the way it should go ---------------------------------------------------------------------
@pytest.mark.parametrize("name", ["$bob", "bob"])
def test_a_refund_reaches_the_wallet(sandbox, make_refund, name):
    refund = step(make_refund(name))
    assert_sent_once(sandbox, refund)
    wallet = requests.get(f"{sandbox.url}/api/wallets/bob", timeout=TIMEOUT).json()
    received = [row for row in wallet["history"] if row["payment_hash"] == refund.payment_hash]
    assert [(row["direction"], row["amount_sats"]) for row in received] == [("in", SATS)]


def test_two_workers_send_a_refund_once(sandbox, make_refund):
    refund = make_refund()
    copies = [Refund.objects.get(pk=refund.pk) for _ in range(2)]
    together(*(lambda copy=copy: send_refund(copy) for copy in copies))
    assert_sent_once(sandbox, step(refund))


# -- crashes ----------------------------------------------------------------------------------
def test_after_a_crash_before_paying_the_same_bolt11_is_paid(sandbox, make_refund):
    refund = make_refund()
    assert refund_sending._ask_for_invoice(refund)
    committed = refund.bolt11
    step(refund)
    assert_sent_once(sandbox, refund)
    assert refund.bolt11 == committed


def test_after_a_crash_before_recording_it_is_not_paid_again(sandbox, make_refund):
    refund = make_refund()
    assert refund_sending._ask_for_invoice(refund)
    pay(refund)
    step(refund)
    assert_sent_once(sandbox, refund)
    assert refund.invoices_asked == 1


def pay(refund: Refund) -> None:
    outgoing.pay_invoice(bolt11=refund.bolt11, idempotency_key=refund.idempotency_key, max_fees_msats=10_000)


def test_after_a_crash_a_bolt11_about_to_expire_is_not_paid_blindly(sandbox, make_refund):
    refund = make_refund()
    assert refund_sending._ask_for_invoice(refund)
    Refund.objects.filter(pk=refund.pk).update(bolt11_expires_at=timezone.now() + timedelta(seconds=20))
    assert step(refund).status == "sending"
    assert sandbox.sent(refund) == []


# -- nobody knows ------------------------------------------------------------------------------
def unheard_for_minutes(refund: Refund) -> None:
    Refund.objects.filter(pk=refund.pk).update(heard_at=timezone.now() - refund_sending.IN_DOUBT_AFTER)


def test_a_lost_answer_is_found_by_the_key(sandbox, make_refund):
    sandbox.post("/api/faults", kind="commit_then_drop", match=PAY, count=1)
    refund = step(make_refund())
    assert refund.status == "sending"
    wait_until(lambda: len(sandbox.sent(refund)) == 1, TIMEOUT, "the node has sent it")
    step(refund)
    assert_sent_once(sandbox, refund)


def test_what_the_node_never_saw_is_paid_with_the_same_key(sandbox, make_refund):
    sandbox.post("/api/faults", kind="node_500", match=PAY, count=1)
    refund = step(make_refund())
    first = refund.bolt11
    assert (refund.status, sandbox.sent(refund)) == ("sending", [])
    assert_sent_once(sandbox, step(refund))
    assert (refund.bolt11, refund.invoices_asked) == (first, 1)


def test_what_the_node_leaves_open_for_minutes_is_in_doubt(sandbox, make_refund):
    sandbox.post("/api/faults", kind="node_500", match=PAY)
    refund = step(make_refund())
    assert step(refund).status == "sending"
    unheard_for_minutes(refund)
    assert step(refund).status == "in_doubt"
    assert refund.failing_since
    sandbox.no_faults()
    assert_sent_once(sandbox, step(refund))


def test_unheard_no_other_bolt11_is_asked_for_until_the_first_is_surely_dead(sandbox, make_refund):
    sandbox.post("/api/faults", kind="node_500", match=PAY)
    refund = step(make_refund())
    first = refund.bolt11
    unheard_for_minutes(refund)
    for _ in range(3):
        assert step(refund).status == "in_doubt"
    assert (refund.bolt11, sandbox.sent(refund)) == (first, [])
    sandbox.no_faults()
    for minutes in (1, -9):  # too late to pay it, too early to be sure that nobody does
        Refund.objects.update(bolt11_expires_at=timezone.now() + timedelta(minutes=minutes, seconds=-40))
        assert step(refund).status == "in_doubt"
    assert (refund.bolt11, sandbox.sent(refund)) == (first, [])
    dead = timezone.now() - refund_sending.SURELY_DEAD_AFTER - timedelta(seconds=1)
    Refund.objects.filter(pk=refund.pk).update(bolt11_expires_at=dead)
    assert step(refund).status == "failed"
    assert_sent_once(sandbox, step(refund))
    assert refund.bolt11 != first
    assert refund.dead_bolt11s == 1


@pytest.mark.parametrize("end", ["SUCCESS", "NO_ROUTE"])
def test_a_payment_under_way_is_no_doubt_and_waited_for(sandbox, make_refund, end):
    sandbox.post("/api/faults", kind="payment_pending", count=1, delay_s=3600)
    refund = step(make_refund())
    for _ in range(3):
        unheard_for_minutes(refund)
        step(refund)
        assert (refund.status, refund.last_error, refund.failing_since) == ("sending", "", None)
    assert refund.next_attempt_at < timezone.now() + timedelta(minutes=1)
    pending = outgoing.payment_for(refund.idempotency_key)
    sandbox.post(f"/api/payments/{pending.node_payment_id}/resolve", to=end)
    step(refund)
    if end == "SUCCESS":
        assert_sent_once(sandbox, refund)
    else:
        assert (refund.status, sandbox.sent(refund)) == ("failed", [])


def test_a_doubt_ends_when_the_node_says_that_it_is_under_way(sandbox, make_refund):
    sandbox.post("/api/faults", kind="payment_pending", count=1, delay_s=3600)
    refund = step(make_refund())
    Refund.objects.filter(pk=refund.pk).update(status="in_doubt", last_error="node_unreachable")
    assert (step(refund).status, refund.last_error) == ("sending", "")


@pytest.mark.parametrize("status", ["sending", "in_doubt"])
def test_a_doubt_outlasts_a_node_that_is_away_for_days(sandbox, make_refund, status):
    refund = make_refund()
    assert refund_sending._ask_for_invoice(refund)
    pay(refund)  # and its payer dies
    sandbox.post("/api/faults", kind="node_500")
    days_ago = timezone.now() - timedelta(days=3)
    Refund.objects.filter(pk=refund.pk).update(
        status=status, attempts=Refund.max_attempts + 5, heard_at=days_ago
    )
    for _ in range(3):
        step(refund)
    assert (refund.status, refund.parked_at) == ("in_doubt", None)
    sandbox.no_faults()
    assert_sent_once(sandbox, step(refund))


def test_what_the_node_refuses_to_pay_is_given_up_within_minutes(sandbox, make_refund):
    """Not tried for as long as the BOLT11 lives, which may be a month; a moment's refusal ends by itself."""
    sandbox.post("/api/faults", kind="node_error", match=PAY)
    refund = step(make_refund())
    assert (refund.status, refund.last_error.partition(":")[0]) == ("sending", "node_refused")
    first = refund.bolt11
    unheard_for_minutes(refund)
    step(refund)
    assert (refund.status, refund.last_error.partition(":")[0]) == ("failed", "node_refused")
    sandbox.no_faults()
    assert_sent_once(sandbox, step(refund))
    assert refund.bolt11 != first


def test_a_frozen_worker_with_a_bolt11_given_up_and_its_successor_pay_once(sandbox, make_refund):
    """The second takes the key of the first, which the node never saw: they are one payment."""
    sandbox.post("/api/faults", kind="node_error", match=PAY)
    refund = step(make_refund())
    unheard_for_minutes(refund)
    frozen = Refund.objects.get(pk=refund.pk)
    assert step(refund).status == "failed"
    sandbox.no_faults()
    refund.refresh_from_db()
    refund.advance("queued")
    assert refund_sending._ask_for_invoice(refund)
    assert refund.bolt11 != frozen.bolt11
    pay(frozen)  # past every look at the row
    step(refund)
    assert_sent_once(sandbox, refund)
    with pytest.raises(InvalidTransition):
        refund_sending._pay(frozen)


# -- wallets that give what they should not ---------------------------------------------------
@pytest.fixture
def receiver(sandbox, wallet) -> Receiver:
    """alice's wallet, whose every answer the test writes."""
    return Receiver(wallet)


def at_receiver(make_refund, receiver: Receiver) -> Refund:
    refund = make_refund()
    Refund.objects.filter(pk=refund.pk).update(to=f"$alice@{receiver.wallet.domain}")
    return refund


def test_one_bolt11_is_never_two_refunds(sandbox, make_refund, receiver):
    """Else the node's answer about the first would count for the second, and its sats stay here."""
    receiver.pr = new_bolt11(amount_msats=SATS * 1000)
    first, second = (step(at_receiver(make_refund, receiver)) for _ in range(2))
    assert first.bolt11 == receiver.pr
    assert (second.status, second.last_error, second.bolt11) == ("queued", "bad_vasp_answer", "")


def test_a_bolt11_without_an_end_is_not_waited_for(sandbox, make_refund, receiver):
    receiver.pr = new_bolt11(amount_msats=SATS * 1000, expiry=400 * 86_400)
    refund = step(at_receiver(make_refund, receiver))
    assert (refund.status, refund.last_error) == ("needs_address", "cannot_receive")


# -- failures ---------------------------------------------------------------------------------
def test_after_a_definite_failure_another_bolt11_is_paid(sandbox, make_refund):
    sandbox.post("/api/faults", kind="payment_failed", count=1)
    refund = step(make_refund())
    first = refund.bolt11
    assert refund.status == "failed"
    assert_sent_once(sandbox, step(refund))
    assert refund.bolt11 != first


def test_bolt11s_are_spread_over_a_day_then_staff_decide(sandbox, make_refund):
    sandbox.post("/api/faults", kind="payment_failed")
    refund, waits = make_refund(), []
    for number in range(1, refund_sending.MAX_BOLT11S + 1):
        step(refund)
        assert (refund.status, refund.dead_bolt11s) == ("failed", number)
        if refund.next_attempt_at:
            waits.append(refund.next_attempt_at - timezone.now())
    assert refund.parked_at
    assert refund.next_attempt_at is None
    assert len(waits) == 4
    assert sum(waits, timedelta()) > timedelta(hours=18)
    sandbox.no_faults()
    refunds.retry(refund)
    assert_sent_once(sandbox, step(refund))


def test_an_address_that_cannot_receive_is_asked_for_anew(sandbox, make_refund, sandbox_url):
    refund = step(make_refund("$nobody-at-all"))
    assert (refund.status, refund.last_error, refund.next_attempt_at) == (
        "needs_address", "cannot_receive", None,
    )  # fmt: skip
    refunds.give_address(refund, to=f"carol@{sandbox_url.removeprefix('http://')}")
    assert_sent_once(sandbox, step(refund))


def test_a_wallet_that_is_away_is_asked_again(sandbox, make_refund):
    sandbox.post("/api/faults", kind="vasp_500")
    refund = step(make_refund())
    assert (refund.status, refund.last_error) == ("queued", "vasp_unreachable")
    sandbox.no_faults()
    assert_sent_once(sandbox, step(refund))
