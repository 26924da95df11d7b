"""Messages between wallets and the shop around a payment, over the real processes."""

import re

import pytest
import requests

from tests.buyer import Buyer, assert_sold_once, make_event
from tests.processes import wait_until
from tests.vasp import Vasp


@pytest.fixture
def notes(stack, sandbox):
    """Waits until the sandbox's wallet has heard of so many msats from the shop since the test began."""
    before = len(sandbox.get("/api/callbacks")["callbacks"])

    def heard(amount_msats: int) -> dict:
        def found():
            rows = sandbox.get("/api/callbacks")["callbacks"]
            news = rows[: len(rows) - before]
            ours = [row for row in news if row["domain"] == stack.domain]
            sums = [sum(utxo["amountMsats"] for utxo in row["message"]["utxos"]) for row in ours]
            return ours[sums.index(amount_msats)] if amount_msats in sums else None

        return wait_until(found, 20, f"a note about {amount_msats} msats")

    return heard


@pytest.mark.protocol("UMAD-07", "The sandbox's wallet verifies our note about its payment.")
def test_the_payers_wallet_is_told_after_the_sale(stack, sandbox, notes):
    alice = sandbox.wallet("alice")
    buyer = Buyer(stack).buy(make_event(stack, price_sats=2511), uma_address=alice.address)
    alice.approve(alice.request_for(buyer))
    note = notes(2_511_000)
    assert note["is_verified"]
    assert note["message"]["transactionStatus"] == "COMPLETED"
    assert_sold_once(buyer)


def test_the_receiver_of_a_refund_is_told(stack, sandbox, notes):
    buyer = Buyer(stack).buy(make_event(stack, price_sats=2522), uma_address=sandbox.wallet("bob").address)
    sandbox.fault("duplicate_payment", count=1)
    sandbox.pay_from_outside(buyer.bolt11())
    assert notes(2_522_000)["is_verified"]
    buyer.wait_for("paid")
    stack.audit()


def test_a_callback_on_this_machine_is_never_called(stack, sandbox, vasp):
    """Nothing asks a host that UMA_LOCAL_VASPS does not list, and the ticket is sold all the same."""
    canary = Vasp()
    try:
        buyer = Buyer(stack).buy(make_event(stack))
        callback = vasp.lookup(f"${buyer.pay_address()}")["callback"]
        request = vasp.pay_request(amount=2500, utxo_callback=f"http://{canary.domain}/utxos")
        sandbox.pay_from_outside(vasp.post(callback, request)["pr"])
        assert_sold_once(buyer)
        told = "PostTransaction.objects.filter(incoming_payment__payment__order__id=id).exists()"
        assert not stack.django(told, id=buyer.order_id)
        assert canary.asked == []
    finally:
        canary.close()


def test_a_wallet_without_its_callback_costs_nothing(stack, sandbox, vasp):
    """Our Vasp answers its callback with a 501; the note is tried again, and the ticket is there."""
    buyer = Buyer(stack).buy(make_event(stack))
    callback = vasp.lookup(f"${buyer.pay_address()}")["callback"]
    sandbox.pay_from_outside(vasp.post(callback, vasp.pay_request(amount=2500))["pr"])
    assert_sold_once(buyer)
    error = (
        "list(PostTransaction.objects.filter(incoming_payment__payment__order__id=id)"
        ".values_list('last_error', flat=True))"
    )
    wait_until(lambda: stack.django(error, id=buyer.order_id) == ["vasp_unreachable"], 20, "a failed note")
    stack.audit()


@pytest.mark.protocol("BIP-21", "A wallet that takes unified links pays the pay page's `bitcoin:` link.")
def test_the_unified_link_of_the_pay_page_is_paid(stack, sandbox):
    buyer = Buyer(stack).buy(make_event(stack))
    buyer.bolt11()
    page = requests.get(f"{stack.shop_url}/orders/{buyer.bought['order']['token']}", timeout=30).text
    sandbox.wallet("bob").pay(re.search(r'href="(bitcoin:[^"]+)"', page)[1])
    assert_sold_once(buyer)


@pytest.mark.protocol("LUD-12", "Comments of wallets reach the order's page for staff.")
@pytest.mark.parametrize("mark", ["$", ""])
def test_a_comment_of_the_wallet_is_kept(stack, sandbox, mark):
    buyer = Buyer(stack).buy(make_event(stack))
    sandbox.wallet("carol").pay(f"{mark}{buyer.pay_address()}", comment="With love, <b>Carol</b>")
    assert_sold_once(buyer)
    kept = (
        "list(Invoice.objects.filter(payment__order__id=id, status='paid').values_list('comment', flat=True))"
    )
    assert stack.django(kept, id=buyer.order_id) == ["With love, <b>Carol</b>"]


@pytest.mark.protocol("UMAD-05", "A wallet that sends travel rule information unasked pays as any other.")
def test_travel_rule_information_sent_unasked_is_no_hindrance(stack, sandbox):
    sandbox.fault("wallet_travel_rule")
    buyer = Buyer(stack).buy(make_event(stack))
    sandbox.wallet("alice").pay(f"${buyer.pay_address()}")
    assert_sold_once(buyer)
