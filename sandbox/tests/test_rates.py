"""Pretend exchanges: prices, the market's page and API, and what goes wrong."""

from datetime import UTC, datetime, timedelta

import pytest
import requests


def price(sandbox, exchange: str = "alpha", currency: str = "EUR") -> float:
    return float(sandbox.get(f"/rates/{exchange}/{currency}")["price"])


@pytest.fixture(autouse=True)
def no_faults(sandbox):
    yield
    requests.delete(f"{sandbox.url}/api/faults", timeout=10)


def test_exchanges_say_nearly_the_same(sandbox):
    sandbox.post("/api/rates", {"EUR": "90000"}, expect=201)
    said = [price(sandbox, name) for name in ("alpha", "beta", "gamma")]
    assert said == [90_000, 90_045, 89_955]


def test_the_market_is_moved_by_api_and_page(sandbox):
    assert sandbox.post("/api/rates", {"CHF": "0.001"}, expect=201)["CHF"] == "0.001"
    assert price(sandbox, currency="CHF") == 0.001
    form = {"currency": "nok", "price": "1,100,000"}
    shown = requests.post(f"{sandbox.url}/rates/move", data=form, timeout=10)
    assert "1,100,000" in shown.text
    assert price(sandbox, currency="NOK") == 1_100_000


@pytest.mark.parametrize(
    ("currency", "to"), [("EUR", "-1"), ("EUR", "NaN"), ("EUR", "x"), ("euro", "1"), ("", "1")]
)
def test_what_is_no_price_gets_a_sentence(sandbox, currency, to):
    sandbox.post("/api/rates", {currency: to}, expect=400)
    form = {"currency": currency, "price": to}
    shown = requests.post(f"{sandbox.url}/rates/move", data=form, timeout=10)
    assert (shown.status_code, 'role="alert"' in shown.text) == (400, True)


def test_one_lies_and_the_market_jumps(sandbox):
    sandbox.post("/api/rates", {"EUR": "90000"})
    sandbox.fault("rate_lie", match="beta", factor=2.0)
    assert [price(sandbox), price(sandbox, "beta")] == [90_000, 180_090]
    sandbox.fault("rate_jump", factor=0.5)
    assert [price(sandbox), price(sandbox, "beta")] == [45_000, 90_045]


def test_what_is_frozen_stays_as_it_was(sandbox):
    sandbox.post("/api/rates", {"EUR": "90000"})
    sandbox.fault("rate_freeze", match="alpha")
    then = sandbox.get("/rates/alpha/EUR")
    sandbox.post("/api/rates", {"EUR": "95000"})
    assert sandbox.get("/rates/alpha/EUR") == then
    assert price(sandbox, "beta") == pytest.approx(95_047.5)


def test_answers_that_are_none(sandbox):
    def ask() -> requests.Response:
        return requests.get(f"{sandbox.url}/rates/alpha/EUR", timeout=10)

    for says in ("NaN", "-1", '"many"'):
        sandbox.fault("rate_nonsense", count=1, says=says)
        assert f'"price": {says},' in ask().text
    sandbox.fault("rate_vanish", count=1)
    assert ask().status_code == 404
    sandbox.fault("rate_huge", count=1, megabytes=10)
    assert len(ask().content) > 10_000_000
    sandbox.fault("rate_hang", count=1, delay_s=0.2)
    with pytest.raises(requests.ConnectionError):
        ask()
    sandbox.fault("rate_yesterday", count=1)
    said = datetime.fromtimestamp(ask().json()["time"], UTC)
    assert timedelta(hours=23) < datetime.now(UTC) - said < timedelta(hours=25)
