"""Node faults: slow, silent, broken and contradictory answers."""

import time

import pytest

from tests.buyer import Buyer, make_event, post_purchase
from tests.faults.selling import (
    approves,
    assert_paid_once,
    books,
    expire,
    lost_bolt11s,
    overdue,
    seats_taken,
    was_never_ended,
)
from tests.processes import wait_until

ASK_FOR_QR = "CreateLnurlInvoice"
ASK_FOR_UMA = "CreateUmaInvoice"
CANCEL = "CancelInvoice"


def buy_with_request(shop, **event) -> tuple:
    """A buyer, their wallet and the request in it, with the QR's BOLT11 open."""
    alice = shop.node.wallet("alice")
    buyer = Buyer(shop).buy(make_event(shop, **event), uma_address=alice.address)
    request = alice.request_for(buyer)
    assert buyer.bolt11()
    return buyer, alice, request


@pytest.mark.case("F16", fault="the node hangs when a wallet's payreq asks for a BOLT11")
def test_a_payreq_to_a_hanging_node_is_refused_in_time_and_can_be_repeated(shop):
    """The wallet is refused within 12 s, the hold stays, and the wallet pays once the node is back."""
    buyer, alice, request = buy_with_request(shop)
    shop.node.fault("node_hang", match=ASK_FOR_UMA)
    started = time.monotonic()
    with pytest.raises(AssertionError):
        alice.approve(request)
    assert time.monotonic() - started < 12
    assert buyer.status() == "pending"
    shop.node.no_faults()
    wait_until(lambda: approves(alice, buyer), 40, "the wallet may pay again")
    assert_paid_once(buyer)


@pytest.mark.case("F17", fault="the node makes the BOLT11 of a payreq and drops the connection")
def test_a_bolt11_lost_on_its_way_to_a_payreq_is_replaced(shop):
    """The lost one is never shown and never paid; the wallet gets another one."""
    buyer, alice, request = buy_with_request(shop, price_sats=1718)
    shop.node.fault("commit_then_drop", match=ASK_FOR_UMA, count=1)
    with pytest.raises(AssertionError):
        alice.approve(request)
    assert [row["amount_paid_msats"] for row in lost_bolt11s(buyer)] == [0]
    wait_until(lambda: approves(alice, buyer), 40, "the wallet may pay again")
    assert_paid_once(buyer)
    assert [row["amount_paid_msats"] for row in lost_bolt11s(buyer)] == [0]


@pytest.mark.short
@pytest.mark.case("F17", fault="the node makes the QR's BOLT11 and drops the connection")
def test_a_bolt11_lost_on_its_way_to_the_page_is_replaced(shop):
    """The purchase is answered with bolt11 null; the worker asks again; the lost BOLT11 is nobody's."""
    event = make_event(shop, price_sats=1717)
    shop.node.fault("commit_then_drop", match=ASK_FOR_QR, count=1)
    buyer = Buyer(shop).buy(event)
    assert buyer.bought["payment"]["bolt11"] is None
    shown = buyer.bolt11(30)
    lost = lost_bolt11s(buyer)
    assert len(lost) == 1
    assert lost[0]["bolt11"] != shown
    shop.node.pay_from_outside(shown)
    assert_paid_once(buyer)


FAILURES = ["node_500", "node_429", "node_error", "node_bad_json", "node_html", "node_drip", "node_hang"]


@pytest.mark.case("F18", fault="the node answers 500, 429, a GraphQL error, no JSON, HTML, drips, or hangs")
@pytest.mark.parametrize("kind", FAILURES)
def test_a_broken_node_never_blocks_a_sale(shop, kind):
    """201 with bolt11 null within 6 s; the BOLT11 comes when the node is back."""
    event = make_event(shop)
    shop.node.fault(kind, match=ASK_FOR_QR)
    started = time.monotonic()
    buyer = Buyer(shop).buy(event)
    assert time.monotonic() - started < 6
    assert buyer.bought["payment"]["bolt11"] is None
    assert seats_taken(shop, event) == 1
    shop.node.no_faults()
    shop.hurry()
    shop.node.pay_from_outside(buyer.bolt11(30))
    assert_paid_once(buyer)


@pytest.mark.short
@pytest.mark.case("F18", fault="no connection to the node at all")
def test_an_unreachable_node_never_blocks_a_sale(shop):
    """201 with bolt11 null at once; the BOLT11 comes when the node is back."""
    event = make_event(shop)
    shop.to_node.cut()
    buyer = Buyer(shop).buy(event)
    assert buyer.bought["payment"]["bolt11"] is None
    assert post_purchase(shop, event).status_code == 201
    shop.to_node.heal()
    shop.hurry()
    shop.node.pay_from_outside(buyer.bolt11(30))
    assert_paid_once(buyer)


@pytest.mark.case("F19", fault="the node answers with the BOLT11 after our patience has ended")
def test_a_late_answer_of_the_node_is_thrown_away(shop):
    """The late BOLT11 is never shown; another one is; nothing of the late one is kept."""
    event = make_event(shop, price_sats=1919)
    shop.node.fault("node_late", match=ASK_FOR_QR, count=1, delay_s=6)
    buyer = Buyer(shop).buy(event)
    assert buyer.bought["payment"]["bolt11"] is None
    shown = buyer.bolt11(30)
    wait_until(lambda: lost_bolt11s(buyer), 10, "the node made one that we did not take")
    shop.node.pay_from_outside(shown)
    assert_paid_once(buyer)


@pytest.mark.short
@pytest.mark.case("F20", fault="the node is silent when the hold runs out, for longer than we wait")
def test_seats_are_kept_while_the_node_is_silent_and_late_money_wins_them_back(shop):
    """Held while nobody can say whether money came; released 30 minutes later; then paid: won back."""
    event = make_event(shop)
    buyer = Buyer(shop).buy(event)
    bolt11 = buyer.bolt11()
    shop.to_node.cut()
    overdue(buyer)
    tried = "[Order.objects.get(pk=pk).last_error, Order.objects.get(pk=pk).status]"
    first = ["", "pending"]
    said = wait_until(
        lambda: (now := shop.django(tried, pk=buyer.order_id)) != first and now,
        20,
        "the worker tried to end it",
    )
    assert said == ["payment_in_flight", "pending"]
    assert seats_taken(shop, event) == 1
    overdue(buyer, seconds=31 * 60)
    buyer.wait_for("expired", 30)
    assert seats_taken(shop, event) == 0
    shop.to_node.heal()
    shop.node.pay_from_outside(bolt11)
    buyer.wait_for("paid", 30)
    assert seats_taken(shop, event) == 1
    assert_paid_once(buyer)


@pytest.mark.case("F20", fault="money comes in the moment the hold runs out, and the node hangs on cancel")
def test_money_that_came_before_the_end_is_found_before_seats_are_released(shop):
    """The hold is not released, because nobody could say so; the money is found and the order paid."""
    event = make_event(shop)
    buyer = Buyer(shop).buy(event)
    bolt11 = buyer.bolt11()
    shop.node.fault("webhook_lost")
    shop.node.fault("node_hang", match=CANCEL)
    shop.node.pay_from_outside(bolt11)
    overdue(buyer)
    buyer.wait_for("paid", 40)
    assert was_never_ended(buyer)
    assert_paid_once(buyer)


@pytest.mark.short
@pytest.mark.case("F26", fault="a payment in flight arrives after the hold ended; seats are left")
def test_late_money_wins_the_seats_back(shop):
    """The order becomes paid, its seats are taken again."""
    event = make_event(shop)
    buyer = Buyer(shop).buy(event)
    bolt11 = buyer.bolt11()
    expire(buyer)
    shop.node.fault("pay_canceled")
    shop.node.pay_from_outside(bolt11)
    buyer.wait_for("paid", 30)
    assert seats_taken(shop, event) == 1
    assert_paid_once(buyer)


@pytest.mark.short
@pytest.mark.case("F26", fault="a payment in flight arrives after the hold ended; the seat went to another")
def test_late_money_for_a_seat_that_is_gone_goes_back(shop):
    """The second buyer keeps the seat; the late payer's sats are on their way back, all of them."""
    event = make_event(shop, capacity=1)
    late = Buyer(shop).buy(event)
    bolt11 = late.bolt11()
    expire(late)
    second = Buyer(shop).buy(event)
    shop.node.fault("pay_canceled")
    shop.node.pay_from_outside(bolt11)
    wait_until(lambda: books(late)["refunds"], 30, "a refund is written")
    assert books(late)["refunds"] == [[late.amount_msats, "late", "needs_address"]]
    assert late.status() == "expired"
    shop.node.no_faults()
    shop.node.pay_from_outside(second.bolt11())
    assert_paid_once(second)
    assert seats_taken(shop, event) == 1
