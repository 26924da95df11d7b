"""Another address for a refund: accepted whenever none of its BOLT11s can still be paid, never else."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from payments import refund_sending, refunds
from payments.models import Refund
from payments.tests.refunding import assert_sent_once, step
from payments.tests.test_uma_send import AMOUNT, Receiver
from payments.tests.wallet import send as reply
from ticketsuma.state_machine import InvalidTransition


def carols(sandbox_url: str) -> str:
    return f"carol@{sandbox_url.removeprefix('http://')}"


def test_a_refund_whose_wallet_is_away_goes_elsewhere(sandbox, make_refund, sandbox_url):
    sandbox.post("/api/faults", kind="vasp_500", count=1)
    refund = step(make_refund())
    assert (refund.status, refund.last_error) == ("queued", "vasp_unreachable")
    refunds.give_address(refund, to=carols(sandbox_url))
    assert (refund.attempts, refund.last_error, refund.failing_since) == (0, "", None)
    assert_sent_once(sandbox, step(refund))
    assert refund.to == carols(sandbox_url)


def test_a_refund_that_failed_for_good_goes_elsewhere(sandbox, make_refund, sandbox_url):
    sandbox.post("/api/faults", kind="payment_failed")
    refund = make_refund()
    for _ in range(refund_sending.MAX_BOLT11S):
        step(refund)
    assert (refund.status, refund.parked_at is not None) == ("failed", True)
    sandbox.no_faults()
    refunds.give_address(refund, to=carols(sandbox_url))
    assert (refund.dead_bolt11s, refund.parked_at) == (0, None)
    assert_sent_once(sandbox, step(refund))


@pytest.mark.parametrize("status", ["sending", "in_doubt", "sent"])
def test_what_can_still_be_paid_is_not_redirected(sandbox, make_refund, sandbox_url, status):
    refund = make_refund()
    assert refund_sending._ask_for_invoice(refund)
    Refund.objects.filter(pk=refund.pk).update(status=status, sent_at=timezone.now())
    refund.refresh_from_db()
    with pytest.raises(InvalidTransition):
        refunds.give_address(refund, to=carols(sandbox_url))
    assert Refund.objects.get().to != carols(sandbox_url)


@pytest.mark.parametrize("takes", [True, False])
def test_redirected_while_the_former_wallet_is_asked_only_the_new_one_is_paid(
    sandbox, make_refund, sandbox_url, wallet, takes
):
    refund, receiver = make_refund(sats=AMOUNT // 1000), Receiver(wallet)
    Refund.objects.update(to=f"alice@{wallet.domain}")
    refund.refresh_from_db()

    def answer(handler) -> None:
        refunds.give_address(Refund.objects.get(), to=carols(sandbox_url))
        connection.close()
        if takes:
            receiver._plain_pay_request(handler)
        else:
            reply(handler, 404, b"")

    wallet.routes["/plain"] = answer
    with pytest.raises(InvalidTransition):
        refund_sending.send_refund(refund)
    refund.refresh_from_db()
    assert (refund.status, refund.to, refund.bolt11) == ("queued", carols(sandbox_url), "")
    assert_sent_once(sandbox, step(refund))


def test_what_the_former_wallet_did_wrong_delays_the_new_one_not(sandbox, make_refund, sandbox_url):
    refund = make_refund()
    stale = Refund.objects.get()
    refunds.give_address(refund, to=carols(sandbox_url))
    stale.retry("vasp_unreachable")
    refund.refresh_from_db()
    assert (refund.last_error, refund.failing_since) == ("", None)
    assert refund.next_attempt_at <= timezone.now()


# -- the payer ----------------------------------------------------------------------------------
HOURS_AGO = timedelta(hours=3, minutes=1)


@pytest.mark.parametrize(
    ("changes", "may"),
    [
        ({"status": "needs_address"}, True),
        ({"last_error": "vasp_unreachable"}, True),
        ({"status": "failed", "last_error": "payment_failed"}, True),
        ({"status": "failed", "last_error": "node_refused: no"}, True),
        ({"last_error": "vasp_unreachable", "failing_since": timezone.now()}, False),
        ({"last_error": "balance_too_low"}, False),  # ours to mend
        ({"last_error": "node_unreachable"}, False),
        ({"status": "sending", "last_error": "payment_failed"}, False),
        ({"status": "in_doubt", "last_error": "node_unreachable"}, False),
        ({"status": "sent", "sent_at": timezone.now(), "last_error": "payment_failed"}, False),
    ],
    ids=lambda each: (
        " ".join(each) if isinstance(each, dict) else str(each)
    ),  # no time: processes compare ids
)
def test_the_payer_may_name_another_wallet_after_hours(sandbox, make_refund, changes, may):
    make_refund()
    Refund.objects.update(**{"failing_since": timezone.now() - HOURS_AGO} | changes)
    assert Refund.objects.filter(refunds.for_the_payer_to_redirect()).exists() is may
