"""An independent sender, the UMA SDK for JavaScript: looks an order up and pays it.

`./test` installs its packages; by hand: `npm ci` in this folder.
"""

import json
import shutil
import subprocess
from pathlib import Path

import bolt11
import pytest

from tests.buyer import Buyer, assert_sold_once, make_event
from tests.journeys.test_currencies import HAS_RATE
from tests.processes import wait_until

HERE = Path(__file__).resolve().parent


def pay(*, address: str, payer: str, signing_key: bytes, node: str, **how: str) -> dict:
    """What the sender saw; it fails with the sender's own words."""
    program = shutil.which("node")
    assert program, "Node.js is not on this machine"
    assert (HERE / "node_modules").is_dir(), "run `npm ci` in tests/second_sender"
    order = {"address": address, "currency": "SAT", "lock": "receiver", "payer": payer, "node": node} | how
    done = subprocess.run(
        [program, "pay.mjs"],
        input=json.dumps(order | {"signingKey": signing_key.hex()}),
        cwd=HERE,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.protocol("UMAD-03", "A sender on the JavaScript SDK is understood and verifies all we sign.")
@pytest.mark.protocol("UMAD-06", "A sender on the JavaScript SDK pays the answer, and the order is paid.")
@pytest.mark.protocol("BOLT11", "Two libraries, in Python and JavaScript, read the same in our invoice.")
def test_a_sender_on_another_sdk_buys_a_ticket(sqlite_stack, vasp):
    stack = sqlite_stack
    buyer = Buyer(stack).buy(make_event(stack))
    saw = pay(
        address=f"${buyer.pay_address()}",
        payer=f"$bob@{vasp.domain}",
        signing_key=vasp.signing_key,
        node=stack.sandbox_url,
    )
    assert saw["lookupVerified"] is True
    assert saw["answerVerified"] is True
    assert saw["minSendable"] == saw["maxSendable"] == buyer.amount_msats
    assert saw["converted"]["currencyCode"] == "SAT"
    assert saw["converted"]["amount"] == buyer.amount_msats // 1000

    read = bolt11.decode(saw["bolt11"])
    assert saw["decoded"] == {
        "amountMsats": read.amount_msat,
        "paymentHash": read.payment_hash,
        "descriptionHash": read.description_hash,
        "timestamp": read.date,
        "expiry": read.expiry,
        "prefix": read.currency,
    }
    assert read.amount_msat == buyer.amount_msats
    assert saw["paid"] == ["SUCCESS"]
    assert_sold_once(buyer)
    payer = stack.django("Order.objects.get(pk=id).payment.payer_uma", id=buyer.order_id)
    assert payer == f"$bob@{vasp.domain}"


@pytest.mark.parametrize("lock", ["receiver", "sender"])
@pytest.mark.parametrize("currency", ["USD", "SAT"])
@pytest.mark.protocol(
    "UMAD-05", "A sender on the JavaScript SDK pays a price in dollars, either side locked."
)
def test_a_sender_on_another_sdk_pays_a_price_in_dollars(sqlite_stack, vasp, currency, lock):
    stack = sqlite_stack
    event = make_event(stack, currency="USD", price=1250)
    wait_until(lambda: stack.django(HAS_RATE), 70, "the worker has a rate")
    buyer = Buyer(stack).buy(event)
    saw = pay(
        address=f"${buyer.pay_address()}",
        currency=currency,
        lock=lock,
        payer=f"$bob@{vasp.domain}",
        signing_key=vasp.signing_key,
        node=stack.sandbox_url,
    )
    assert saw["offered"] == ["USD", "SAT"]
    assert (saw["lookupVerified"], saw["answerVerified"]) == (True, True)
    due = {"USD": 1250, "SAT": buyer.amount_msats // 1000}[currency]
    assert (saw["converted"]["currencyCode"], saw["converted"]["amount"]) == (currency, due)
    assert round(saw["converted"]["multiplier"] * due) == saw["decoded"]["amountMsats"] == buyer.amount_msats
    assert saw["paid"] == ["SUCCESS"]
    assert_sold_once(buyer)
