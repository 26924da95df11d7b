"""A node that holds only what buyers paid: refunds wait for balance, and staff see it at once."""

import pytest

from tests.buyer import Buyer, make_event
from tests.faults.faulty import FaultyStack
from tests.faults.selling import books
from tests.faults.test_refunds import assert_refunded_once, refund_of, refund_order
from tests.processes import wait_until

NO_FLOAT = {"SANDBOX_FLOAT_SATS": "0", "SANDBOX_FLOAT_PERCENT": "0"}
# Each test's price is higher than the one before, so that what that one left is less than the new reserve.
PRICES_SATS = (100_000, 200_000, 300_000)
SEEN = "from tickets.staff.alerts import needs_attention\nanswer = [one.kind for one in needs_attention()]"


@pytest.fixture(scope="session")
def poor_stack(faulty_stacks) -> FaultyStack:
    return faulty_stacks.new("postgresql", workers=2, WEB_THREADS="32", **NO_FLOAT).start()


@pytest.fixture
def shop(poor_stack) -> FaultyStack:
    poor_stack.heal()
    return poor_stack


def paid(shop, event: int) -> Buyer:
    wallet = shop.node.wallet("alice")
    buyer = Buyer(shop).buy(event, uma_address=wallet.address)
    wallet.pay(buyer.bolt11())
    buyer.wait_for("paid")
    return buyer


def fund(shop, amount_sats: int) -> None:
    shop.node.post(f"/api/nodes/{shop.env['LIGHTSPARK_NODE_ID']}/fund", amount_sats=amount_sats)


def balance_msats(shop) -> int:
    return shop.node.get(f"/api/nodes/{shop.env['LIGHTSPARK_NODE_ID']}")["balance_msats"]


def waits_for_balance(buyer: Buyer) -> bool:
    refund = refund_of(buyer)
    return (refund["status"], refund["error"]) == ("queued", "balance_too_low")


def assert_seen_by_staff(shop) -> None:
    wait_until(lambda: "balance" in shop.django(SEEN), 15, "staff read that the node lacks sats")


@pytest.mark.short
@pytest.mark.case("F61", fault="the node cannot send what came in: its channels hold a reserve")
def test_no_float_a_refund_waits_for_balance(shop):
    """Visible at once; no BOLT11 is asked for; as soon as the node has sats the refund is sent, once."""
    buyer = paid(shop, make_event(shop, price_sats=PRICES_SATS[0]))
    refund_order(buyer)
    wait_until(lambda: waits_for_balance(buyer), 15, "the refund waits for balance")
    assert_seen_by_staff(shop)
    assert waits_for_balance(buyer)
    assert refund_of(buyer)["asked"] == 0
    fund(shop, 1300)
    assert_refunded_once(buyer)
    assert refund_of(buyer)["asked"] == 1
    wait_until(lambda: "balance" not in shop.django(SEEN), 15, "nothing is lacking any more")


@pytest.mark.case("F61", fault="the node has the amount, and less for fees than the only route costs")
def test_no_float_a_route_that_is_too_dear_is_a_balance_too_low(shop):
    """It waits for balance and does not fail; with more sats another BOLT11 is paid, once."""
    buyer = paid(shop, make_event(shop, price_sats=PRICES_SATS[1]))
    shop.node.fault("route_costs", fee_msats=5000)
    needed = -(-(buyer.amount_msats + 2000) * 100 // 99)
    fund(shop, -(-(needed - balance_msats(shop)) // 1000))
    refund_order(buyer)
    refused = lambda: waits_for_balance(buyer) and refund_of(buyer)["asked"] == 1  # noqa: E731
    wait_until(refused, 15, "no route was found for so few fees, and the refund waits")
    assert_seen_by_staff(shop)
    fund(shop, 600)
    assert_refunded_once(buyer)
    assert refund_of(buyer)["asked"] == 2


@pytest.mark.case("F61", fault="an event is canceled, and the node can send back two orders of three")
def test_no_float_what_fits_goes_back_and_the_rest_waits(shop):
    """Two are sent, the third waits and is seen; with more sats it is sent too."""
    event = make_event(shop, price_sats=PRICES_SATS[2])
    buyers = [paid(shop, event) for _ in range(3)]
    shop.django(
        "from tickets.services.refunds import cancel_event\ncancel_event(Event.objects.get(pk=pk))", pk=event
    )

    def outcomes() -> list[str]:
        return sorted(status for buyer in buyers for _, _, status in books(buyer)["refunds"])

    wait_until(lambda: outcomes() == ["queued", "sent", "sent"], 40, "two are sent, one waits")
    assert_seen_by_staff(shop)
    fund(shop, 3500)
    shop.wait_hurried(lambda: outcomes() == ["sent"] * 3, 30, "the third is sent")
