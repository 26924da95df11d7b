"""Exchanges that lie, jump, freeze, hang and vanish, as a process: nothing is sold at what they say."""

from decimal import Decimal

import pytest
import requests

from payments.rates.models import CurrencyRate
from payments.rates.services import RateUnavailable, current_rate, want
from payments.rates.sources import read_sources
from payments.tests.conftest import *  # noqa: F403, the sandbox's fixtures

NAMES = ("alpha", "beta", "gamma")
TRUE = Decimal(100_000)


class Market:
    def __init__(self, url: str):
        self.url = url

    def fault(self, kind: str, *exchanges: str, **params) -> None:
        for match in exchanges or [""]:
            self.post("/api/faults", kind=kind, match=match, **params)

    def move(self, price: Decimal) -> None:
        self.post("/api/rates", USD=str(price))

    def post(self, path: str, **body) -> None:
        requests.post(self.url + path, json=body, timeout=10).raise_for_status()

    def read(self) -> CurrencyRate:
        """What the worker does when the rate is due."""
        read_sources(CurrencyRate.objects.get(currency="USD"))
        return CurrencyRate.objects.get(currency="USD")


@pytest.fixture
def market(sandbox_url, settings, transactional_db) -> Market:
    settings.UMA_LOCAL_VASPS = settings.UMA_LOCAL_VASPS | {sandbox_url.removeprefix("http://")}
    settings.RATE_SOURCES = [f"{name}={sandbox_url}/rates/{name}/{{CURRENCY}}#price@time" for name in NAMES]
    market = Market(sandbox_url)
    market.move(TRUE)
    want("USD")
    yield market
    requests.delete(f"{sandbox_url}/api/faults", timeout=10)


def price() -> Decimal | None:
    """What is sold at; None while sales pause."""
    try:
        return current_rate("USD").btc_price
    except RateUnavailable:
        return None


def test_three_exchanges_make_a_rate(market):
    row = market.read()
    assert (price(), row.sources) == (TRUE, list(NAMES))
    assert row.answers == {"alpha": "100000", "beta": "100050.0000", "gamma": "99950.0000"}


FAULTS = [
    ("rate_lie", {"factor": 1.5}),
    ("rate_lie", {"factor": 0.001}),
    ("rate_nonsense", {"says": "NaN"}),
    ("rate_nonsense", {"says": "-100000"}),
    ("rate_nonsense", {"says": '"many"'}),
    ("rate_nonsense", {"says": "[[[["}),
    ("rate_huge", {}),
    ("rate_vanish", {}),
    ("rate_hang", {"delay_s": 30}),
    ("rate_yesterday", {}),
]


@pytest.mark.parametrize(("kind", "params"), FAULTS)
def test_one_exchange_with_a_fault_is_left_out(market, kind, params):
    market.fault(kind, "beta", **params)
    row = market.read()
    assert row.sources == ["alpha", "gamma"]
    assert price() == Decimal("99975")


@pytest.mark.parametrize(("kind", "params"), [one for one in FAULTS if one[0] != "rate_lie"])
def test_two_exchanges_with_a_fault_pause_sales(market, kind, params):
    market.read()
    market.fault(kind, "beta", "gamma", **params)
    assert market.read().trouble == CurrencyRate.Trouble.SOURCES
    assert price() is None
    requests.delete(f"{market.url}/api/faults", timeout=10)
    market.read()
    assert price() == TRUE


def test_two_exchanges_that_lie_differently_pause_sales(market):
    market.fault("rate_lie", "alpha", factor=1.5)
    market.fault("rate_lie", "beta", factor=0.5)
    market.read()
    assert price() is None


def test_two_exchanges_that_lie_alike_are_a_jump(market):
    market.read()
    market.fault("rate_lie", "alpha", "beta", factor=1.5)
    assert market.read().trouble == CurrencyRate.Trouble.JUMP
    assert price() is None


def test_a_jump_of_the_market_pauses_sales(market):
    market.read()
    market.fault("rate_jump", factor=1.3)
    market.read()
    assert price() is None


def test_an_exchange_that_freezes_while_the_market_moves_is_left_out(market):
    market.read()
    market.fault("rate_freeze", "gamma")
    market.move(TRUE * Decimal("1.05"))
    row = market.read()
    assert row.sources == ["alpha", "beta"]


def test_a_host_that_is_not_public_is_not_asked(market, settings):
    settings.UMA_LOCAL_VASPS = frozenset()
    row = market.read()
    assert row.answers == dict.fromkeys(NAMES, "vasp_forbidden")
    assert price() is None
