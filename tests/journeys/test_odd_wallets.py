"""Odd wallets: old, strict, mistaken, forgetful. Each buys a ticket once, or gets the reason why not."""

import pytest
import requests

from tests.buyer import TIMEOUT, Buyer, Wallet, assert_sold_once, make_event
from tests.processes import wait_until

NAME = "alice"


@pytest.fixture
def alice(sandbox) -> Wallet:
    return sandbox.wallet(NAME)


def refusal(wallet: Wallet, to: str) -> str:
    """What the wallet says when it cannot pay `to`."""
    answer = requests.post(f"{wallet.sandbox.url}/api/wallets/{NAME}/pay", json={"to": to}, timeout=TIMEOUT)
    assert answer.status_code == 409, answer.text
    return answer.json()["error"]


def pushed(buyer: Buyer, *outcomes: str) -> None:
    wait_until(lambda: buyer.order()["payment"]["push"] in outcomes, 30, f"the push is one of {outcomes}")


@pytest.mark.protocol("UMAD-08", "A wallet of version 0 pays a request, a UMA invoice and an address.")
@pytest.mark.protocol("UMAD-06", "A wallet that verifies all we sign, and insists on every field, pays.")
@pytest.mark.parametrize("kind", ["wallet_v0", "wallet_strict"])
@pytest.mark.parametrize("way", ["request", "uma invoice", "uma address", "lightning address"])
def test_old_and_strict_wallets_pay_in_every_way(stack, sandbox, alice, kind, way):
    sandbox.fault(kind)
    buyer = Buyer(stack).buy(make_event(stack), uma_address=alice.address if way == "request" else "")
    match way:
        case "request":
            alice.approve(alice.request_for(buyer))
        case "uma invoice":
            alice.pay(buyer.order()["payment"]["uma_invoice"])
        case "uma address":
            alice.pay(f"${buyer.pay_address()}")
        case "lightning address":
            alice.pay(buyer.pay_address())
    assert_sold_once(buyer)


@pytest.mark.protocol("UMAD-08", "A wallet of a version to come learns ours from the 412, and pays.")
def test_a_wallet_of_a_version_to_come_pays(stack, sandbox, alice):
    sandbox.fault("wallet_future_version")
    buyer = Buyer(stack).buy(make_event(stack))
    alice.pay(f"${buyer.pay_address()}")
    assert_sold_once(buyer)


def test_a_wallet_that_knows_no_uma_refuses_the_request_and_pays_the_address(stack, sandbox, alice):
    sandbox.fault("wallet_lnurl_only")
    buyer = Buyer(stack).buy(make_event(stack), uma_address=alice.address)
    pushed(buyer, "refused")
    alice.pay(buyer.pay_address())
    assert_sold_once(buyer)


@pytest.mark.protocol("UMAD-05", "A wallet that asks for 1/1000 of a price in sats is given the whole price.")
def test_a_wallet_that_asks_for_a_thousandth_pays_the_price(stack, sandbox, alice):
    sandbox.fault("wallet_thousandth")
    buyer = Buyer(stack).buy(make_event(stack), uma_address=alice.address)
    paid = alice.approve(alice.request_for(buyer))
    assert paid["amount_sats"] == 2500
    assert_sold_once(buyer)


@pytest.mark.protocol("UMAD-06", "A wallet that pays one request twice has paid once.")
def test_a_wallet_that_pays_twice_has_paid_once(stack, sandbox, alice):
    sandbox.fault("wallet_pays_twice")
    had = alice.look()["balance_sats"]
    buyer = Buyer(stack).buy(make_event(stack), uma_address=alice.address)
    alice.approve(alice.request_for(buyer))
    assert_sold_once(buyer)
    assert alice.look()["balance_sats"] == had - 2500


@pytest.mark.protocol(
    "UMAD-05", "A forged backing signature is refused with words; a valid one is no hindrance."
)
def test_backing_signatures_count(stack, sandbox, alice):
    buyer = Buyer(stack).buy(make_event(stack))
    sandbox.fault("wallet_backed", signature="forged")
    assert "signature" in refusal(alice, f"${buyer.pay_address()}").lower()
    sandbox.no_faults()
    sandbox.fault("wallet_backed", signature="valid")
    alice.pay(f"${buyer.pay_address()}")
    assert_sold_once(buyer)


def test_a_wallet_that_ignores_the_end_pays_nothing_for_what_is_over(stack, sandbox, alice):
    sandbox.fault("wallet_ignores_expiry")
    buyer = Buyer(stack).buy(make_event(stack))
    late = stack.django(
        "from payments.uma.push import sign_uma_invoice\n"
        "payment = Payment.objects.get(order__pk=id)\n"
        "payment.due_at = timezone.now() - timedelta(seconds=5)\n"
        "answer = sign_uma_invoice(payment)",
        id=buyer.order_id,
    )
    assert buyer.cancel().status_code == 200
    assert "past its time" in refusal(alice, late)
    assert buyer.status() == "canceled"
    stack.audit()


@pytest.mark.protocol(
    "UMAD-11", "A wallet that says yes for a user it has not costs no sale: the QR remains."
)
def test_a_yes_for_nobody_leaves_the_qr_to_pay(stack, sandbox):
    sandbox.fault("push_accepts_unknown")
    buyer = Buyer(stack).buy(make_event(stack), uma_address=f"$nobody-here@{stack.sandbox_domain}")
    pushed(buyer, "delivered")
    assert buyer.status() == "pending"
    sandbox.pay_from_outside(buyer.bolt11())
    assert_sold_once(buyer)


@pytest.mark.parametrize(
    ("kind", "more", "outcomes"),
    [
        ("push_refused", {"status": 401}, ["refused"]),
        ("push_redirect", {}, ["refused"]),
        ("push_500", {}, ["queued", "unreachable"]),
    ],
)
@pytest.mark.protocol(
    "UMAD-11", "An endpoint that wants a sign-in, redirects or breaks leaves the QR to pay."
)
def test_an_endpoint_that_does_not_take_the_request_leaves_the_qr_to_pay(
    stack, sandbox, alice, kind, more, outcomes
):
    sandbox.fault(kind, **more)
    buyer = Buyer(stack).buy(make_event(stack), uma_address=alice.address)
    pushed(buyer, *outcomes)
    alice.pay(buyer.bolt11())
    assert_sold_once(buyer)
