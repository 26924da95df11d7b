"""Money goes back: asked for at the wallet, paid by the node, recorded; at most once, whatever happens."""

from datetime import timedelta

import pytest
import requests
from django.utils import timezone

from payments import outgoing, refunds
from payments.models import Refund
from payments.refunds import send_refund
from payments.tests.refunding import SATS, TIMEOUT, assert_sent_once, step
from payments.tests.test_uma_send import Receiver, new_bolt11
from tests.shop import together

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
    refund.refresh_from_db()
    assert_sent_once(sandbox, refund)


# -- crashes ----------------------------------------------------------------------------------
def test_after_a_crash_before_paying_the_same_bolt11_is_paid(sandbox, make_refund):
    refund = make_refund()
    assert refunds._ask_for_invoice(refund)
    committed = refund.bolt11
    step(refund)
    assert_sent_once(sandbox, refund)
    assert refund.bolt11 == committed


def test_after_a_crash_before_recording_it_is_not_paid_again(sandbox, make_refund):
    refund = make_refund()
    assert refunds._ask_for_invoice(refund)
    pay(refund)
    step(refund)
    assert_sent_once(sandbox, refund)
    assert refund.invoices_asked == 1


def pay(refund: Refund) -> None:
    outgoing.pay_invoice(bolt11=refund.bolt11, idempotency_key=refund.idempotency_key, max_fees_msats=10_000)


def test_after_a_crash_a_bolt11_about_to_expire_is_not_paid_blindly(sandbox, make_refund):
    refund = make_refund()
    assert refunds._ask_for_invoice(refund)
    Refund.objects.filter(pk=refund.pk).update(bolt11_expires_at=timezone.now() + timedelta(seconds=20))
    assert step(refund).status == "in_doubt"
    assert sandbox.sent(refund) == []


# -- doubt ------------------------------------------------------------------------------------
def test_a_lost_answer_is_a_doubt_that_the_node_ends(sandbox, make_refund):
    sandbox.post("/api/faults", kind="commit_then_drop", match=PAY, count=1)
    refund = step(make_refund())
    assert refund.status == "in_doubt"
    assert len(sandbox.sent(refund)) == 1
    step(refund)
    assert_sent_once(sandbox, refund)


def test_what_the_node_never_saw_is_paid_with_the_same_key(sandbox, make_refund):
    sandbox.post("/api/faults", kind="node_500", match=PAY, count=1)
    refund = step(make_refund())
    first = refund.bolt11
    assert (refund.status, sandbox.sent(refund)) == ("in_doubt", [])
    assert_sent_once(sandbox, step(refund))
    assert (refund.bolt11, refund.invoices_asked) == (first, 1)


def test_in_doubt_no_other_bolt11_is_asked_for_until_the_first_is_surely_dead(sandbox, make_refund):
    sandbox.post("/api/faults", kind="node_500", match=PAY)
    refund = step(make_refund())
    first = refund.bolt11
    for _ in range(3):
        assert step(refund).status == "in_doubt"
    assert (refund.bolt11, sandbox.sent(refund)) == (first, [])
    sandbox.no_faults()
    for minutes in (1, -9):  # too late to pay it, too early to be sure that nobody does
        Refund.objects.update(bolt11_expires_at=timezone.now() + timedelta(minutes=minutes, seconds=-40))
        assert step(refund).status == "in_doubt"
    assert (refund.bolt11, sandbox.sent(refund)) == (first, [])
    dead = timezone.now() - refunds.SURELY_DEAD_AFTER - timedelta(seconds=1)
    Refund.objects.filter(pk=refund.pk).update(bolt11_expires_at=dead)
    assert step(refund).status == "failed"
    assert step(refund).status == "queued"
    assert_sent_once(sandbox, step(refund))
    assert refund.bolt11 != first
    assert refund.invoices_asked == 2


@pytest.mark.parametrize("end", ["SUCCESS", "NO_ROUTE"])
def test_a_payment_under_way_is_waited_for(sandbox, make_refund, end):
    sandbox.post("/api/faults", kind="payment_pending", count=1, delay_s=3600)
    refund = step(make_refund())
    assert refund.status == "in_doubt"
    assert step(refund).status == "in_doubt"
    pending = outgoing.payment_for(refund.idempotency_key)
    sandbox.post(f"/api/payments/{pending.node_payment_id}/resolve", to=end)
    step(refund)
    if end == "SUCCESS":
        assert_sent_once(sandbox, refund)
    else:
        assert (refund.status, sandbox.sent(refund)) == ("failed", [])


@pytest.mark.parametrize("status", ["sending", "in_doubt"])
def test_a_doubt_outlasts_a_node_that_is_away_for_days(sandbox, make_refund, status):
    refund = make_refund()
    assert refunds._ask_for_invoice(refund)
    pay(refund)  # and its payer dies
    sandbox.post("/api/faults", kind="node_500")
    Refund.objects.filter(pk=refund.pk).update(status=status, attempts=Refund.max_attempts + 5)
    for _ in range(3):
        step(refund)
    assert (refund.status, refund.parked_at) == ("in_doubt", None)
    sandbox.no_faults()
    assert_sent_once(sandbox, step(refund))


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
    assert step(refund).status == "queued"
    assert_sent_once(sandbox, step(refund))
    assert refund.bolt11 != first


def test_after_five_dead_bolt11s_staff_decide(sandbox, make_refund):
    sandbox.post("/api/faults", kind="payment_failed")
    refund = make_refund()
    for _ in range(2 * refunds.MOST_BOLT11S):
        if refund.parked_at is None:
            step(refund)
    assert (refund.status, refund.invoices_asked) == ("failed", refunds.MOST_BOLT11S)
    assert refund.parked_at
    assert refund.next_attempt_at is None
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
