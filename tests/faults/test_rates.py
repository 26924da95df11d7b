"""Faults of exchanges: they lie, jump, hang, vanish and talk nonsense; nothing is sold at what they say."""

import pytest

from tests.buyer import Buyer, make_event, post_purchase
from tests.faults.selling import assert_paid_once
from tests.processes import wait_until

CENTS, BTC_PRICE, SATS = 1250, 100_000, 12_500
# Of what is sold while the others disagree by a twentieth of a percent at most.
SPREAD_SATS = 7
RATE = """
r = CurrencyRate.objects.get(currency="USD")
answer = [r.trouble, len(r.answers), r.taken_at and r.taken_at.timestamp(), sorted(r.sources)]
"""
AFRESH = """
CurrencyRate.objects.filter(currency="USD").delete()
from payments.rates.services import want
want("USD")
"""


@pytest.fixture
def event(shop):
    """Of $12.50, with a good rate at first."""
    shop.node.post("/api/rates", USD=str(BTC_PRICE))
    event = make_event(shop, currency="USD", price=CENTS)
    shop.django(AFRESH + "answer = 1")
    wait_until(lambda: rate(shop)[2] and not rate(shop)[0], 30, "the worker has a rate")
    yield event
    shop.node.no_faults()
    shop.django(AFRESH + "answer = 1")


def rate(shop) -> list:
    return shop.django(RATE)


def read_again(shop) -> list:
    """The rate once the worker has asked everybody anew, the fault being there."""
    due = "CurrencyRate.objects.update(next_attempt_at=timezone.now()); import time; answer = time.time()"
    since = shop.django(due)

    def read():
        found = rate(shop)
        return found if found[0] or (found[2] and found[2] > since) else None

    return wait_until(read, 30, "the worker has asked the exchanges")


def sold(shop, event: int) -> int | None:
    """For how many sats a seat is sold now; None while sales pause, which is said with a code."""
    answer = post_purchase(shop, event)
    if answer.status_code == 503:
        assert answer.json()["code"] == "rate_unavailable"
        return None
    assert answer.status_code == 201, answer.text
    return answer.json()["order"]["amount_sats"]


LIES = [
    ("rate_lie", {"factor": 1.5}), ("rate_lie", {"factor": 0.01}), ("rate_nonsense", {"says": "NaN"}),
    ("rate_nonsense", {"says": "-1"}), ("rate_nonsense", {"says": '"many"'}), ("rate_huge", {}),
    ("rate_vanish", {}), ("rate_hang", {}), ("rate_yesterday", {}),
]  # fmt: skip


@pytest.mark.case(
    "F63", fault="one exchange lies, hangs, vanishes, or answers nonsense, 10 MB or of yesterday"
)
@pytest.mark.parametrize(("kind", "params"), LIES)
def test_one_exchange_that_lies_is_not_believed(shop, event, kind, params):
    """It is left out; a seat costs what the others say, and is paid."""
    shop.node.fault(kind, match="beta", **params)
    assert read_again(shop)[3] == ["alpha", "gamma"]
    buyer = Buyer(shop).buy(event)
    assert abs(buyer.amount_msats // 1000 - SATS) <= SPREAD_SATS
    shop.node.pay_from_outside(buyer.bolt11())
    assert_paid_once(buyer)


@pytest.mark.case("F64", fault="two exchanges of three lie alike, or apart, vanish, or say nothing in time")
@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("rate_lie", [1.5, 1.5]),
        ("rate_lie", [1.5, 0.5]),
        ("rate_vanish", []),
        ("rate_hang", []),
        ("rate_nonsense", []),
    ],
    ids=["alike", "apart", "vanish", "hang", "nonsense"],
)
def test_sales_in_the_currency_pause(shop, event, kind, params):
    """Nothing is sold in dollars, with a plain sentence; sats sell on; staff are told."""
    for number, exchange in enumerate(["alpha", "beta"]):
        shop.node.fault(kind, match=exchange, **({"factor": params[number]} if params else {}))
    assert read_again(shop)[0]
    assert [sold(shop, event) for _ in range(5)] == [None] * 5
    assert sold(shop, make_event(shop)) == 2500
    told = (
        "from tickets.staff.alerts import needs_attention\nanswer = [one.kind for one in needs_attention()]"
    )
    assert "rate" in shop.django(told)


@pytest.mark.case("F65", fault="the market jumps by 30 % while seats are held")
def test_a_jump_moves_no_price_that_was_agreed(shop, event):
    """Sales pause; whoever holds seats pays what was agreed, and no more."""
    buyer = Buyer(shop).buy(event)
    shop.node.fault("rate_jump", factor=1.3)
    assert read_again(shop)[0] == "jump"
    assert sold(shop, event) is None
    shop.node.pay_from_outside(buyer.bolt11())
    assert_paid_once(buyer)
    assert buyer.amount_msats == SATS * 1000
