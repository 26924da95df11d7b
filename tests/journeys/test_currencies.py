"""A price in dollars over the real processes: every way of paying comes to the quote that was agreed."""

import pytest
import requests

from tests.buyer import TIMEOUT, Buyer, Sandbox, Wallet, assert_sold_once, make_event
from tests.processes import wait_until
from tests.stack import Stack

CENTS, BTC_PRICE, SATS = 1250, 100_000, 12_500
HAS_RATE = "CurrencyRate.objects.filter(currency='USD', trouble='', btc_price__gt=0).exists()"


def move(stack: Stack, btc_price: float) -> None:
    """From now on the sandbox's exchanges say that a bitcoin costs so many dollars."""
    Sandbox(stack).post("/api/rates", USD=str(btc_price))


@pytest.fixture
def event(stack) -> int:
    """Of $12.50, while the worker has a rate."""
    move(stack, BTC_PRICE)
    event = make_event(stack, currency="USD", price=CENTS)
    wait_until(lambda: stack.django(HAS_RATE), 70, "the worker has a rate")
    yield event
    move(stack, BTC_PRICE)


def sends(wallet: Wallet, kind: str, **params) -> None:
    """Have the wallet behave in some way, and verify everything it is told."""
    wallet.sandbox.fault("wallet_strict", match=wallet.user)
    if kind:
        wallet.sandbox.fault(kind, match=wallet.user, **params)


ADDRESSES = {
    "in sats": ("", {}),
    "the receiver's side is locked": ("wallet_converts", {"lock": "receiver"}),
    "the sender's side is locked": ("wallet_converts", {"lock": "sender"}),
    "version 0": ("wallet_v0", {}),
}


@pytest.mark.parametrize("way", ADDRESSES)
def test_a_uma_wallet_pays_the_orders_address(stack, sandbox, event, way):
    buyer, bob = Buyer(stack).buy(event), sandbox.wallet("bob")
    kind, params = ADDRESSES[way]
    sends(bob, kind, **params)
    bob.pay(f"${buyer.pay_address()}", amount_sats=SATS)
    assert_sold_once(buyer)
    assert buyer.amount_msats == SATS * 1000


@pytest.mark.parametrize("kind", ["", "wallet_v0", "wallet_thousandth"])
def test_a_request_in_dollars_is_approved(stack, sandbox, event, kind):
    alice = sandbox.wallet("alice")
    sends(alice, kind)
    buyer = Buyer(stack).buy(event, uma_address=alice.address)
    request = alice.request_for(buyer)
    assert (request["amount"], request["currency"], request["decimals"]) == (CENTS, "USD", 2)
    if kind == "wallet_v0":  # its requests are in sats only
        answer = requests.post(
            f"{sandbox.url}/api/wallets/alice/requests/{request['id']}/approve", timeout=TIMEOUT
        )
        assert answer.status_code == 409
        sandbox.pay_from_outside(buyer.bolt11())
    else:
        alice.approve(request)
    assert_sold_once(buyer)


@pytest.mark.parametrize(("kind", "params"), [("push_refused", {"status": 400}), ("push_500", {})])
def test_a_wallet_that_knows_sats_only_is_asked_for_sats(stack, sandbox, event, kind, params):
    sandbox.fault(kind, count=1, **params)
    alice = sandbox.wallet("alice")
    buyer = Buyer(stack).buy(event, uma_address=alice.address)
    request = alice.request_for(buyer)
    assert (request["amount"], request["currency"]) == (SATS, "SAT")
    alice.approve(request)
    assert_sold_once(buyer)


def test_a_lightning_wallet_and_a_qr_pay_sats(stack, sandbox, event):
    buyer = Buyer(stack).buy(event)
    sandbox.wallet("carol").pay(buyer.pay_address(), amount_sats=SATS)
    assert_sold_once(buyer)
    buyer = Buyer(stack).buy(event)
    sandbox.pay_from_outside(buyer.bolt11().upper())
    assert_sold_once(buyer)


def test_a_rate_that_moves_during_the_hold_moves_no_price(stack, sandbox, event):
    buyer, bob = Buyer(stack).buy(event, quantity=2), sandbox.wallet("bob")
    move(stack, BTC_PRICE * 0.7)
    sends(bob, "wallet_converts", lock="sender")
    bob.pay(f"${buyer.pay_address()}", amount_sats=2 * SATS)
    assert_sold_once(buyer)
    assert buyer.amount_msats == 2 * SATS * 1000
