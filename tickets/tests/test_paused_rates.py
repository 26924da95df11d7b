"""Paused rates, as doctor, health, metrics and staff hear of them."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client

from events.models import Event
from payments.rates.checks import look_at_rates
from payments.rates.models import CurrencyRate
from payments.rates.services import take, want
from tests.factories import EventFactory
from tickets.metrics.rows import _rates
from tickets.services.currencies import keep_rates
from tickets.staff.alerts import needs_attention
from ticketsuma import clock

pytestmark = pytest.mark.django_db
GOOD = {"alpha": Decimal("100000"), "beta": Decimal("100100"), "gamma": Decimal("99900")}


def say(prices: dict, failures: dict | None = None, ago: int = 0) -> None:
    want("USD")
    take("USD", prices, failures, at=clock.now() - timedelta(seconds=ago))


def told() -> tuple[list[str], str, list[str]]:
    """The doctor's sentences, health's word, and what staff read."""
    health = Client().get("/health").json()["rates"]
    attention = [line.says for line in needs_attention() if line.kind == "rate"]
    return [f"{one.level}: {one.says}" for one in look_at_rates()], health, attention


def test_prices_in_sats_need_no_rate():
    assert told() == ([], "ok", [])


def test_a_good_rate():
    say(GOOD)
    assert told() == (["ok: A bitcoin costs 100,000.00 USD."], "ok", [])
    price, age, paused = (metric.samples[0].value for metric in _rates(clock.now()))
    assert (price, age < 5, paused) == (100_000, True, 0)


def test_a_source_that_does_not_count_is_named():
    say(GOOD | {"gamma": Decimal(1)})
    assert told()[0] == ["note: Not every source of USD counts (alpha: 100000, beta: 100100, gamma: 1)."]


def test_too_few_sources():
    say({"alpha": Decimal(100_000)}, {"beta": "HTTP 404", "gamma": "vasp_unreachable"})
    doctor, health, staff = told()
    assert doctor == [
        "unknown: Sales in USD pause: fewer than two sources agree "
        "(alpha: 100000, beta: HTTP 404, gamma: vasp_unreachable)."
    ]
    assert health == "paused"
    assert staff == ["Sales in USD are paused: fewer than two exchanges agree on the rate."]
    assert not list(_rates(clock.now())[0].samples)


def test_a_jump_and_a_rate_that_is_old():
    say(GOOD, ago=30)
    say({name: price * 2 for name, price in GOOD.items()})
    assert told()[1:] == (
        "paused",
        ["Sales in USD are paused for ten minutes: the rate jumped by more than a tenth."],
    )
    CurrencyRate.objects.update(trouble="", taken_at=clock.now() - timedelta(minutes=3))
    assert told()[1:] == ("paused", ["Sales in USD are paused: the exchange rate is older than two minutes."])
    assert _rates(clock.now())[2].samples[0].value == 1


def test_rates_are_kept_of_events_that_are_not_over():
    def make(currency: str, hours: int) -> None:
        end = clock.now() + timedelta(hours=hours)
        event = EventFactory(start_time=end - timedelta(hours=1), end_time=end)
        Event.objects.filter(pk=event.pk).update(currency=currency, price=None if currency == "SAT" else 500)

    make("SAT", 5)
    make("EUR", 5)
    make("JPY", -1)
    want("JPY")
    keep_rates()
    assert list(CurrencyRate.objects.values_list("currency", flat=True)) == ["EUR"]


def test_sales_in_sats_go_on():
    """A monitor is not alarmed: the page's word is told, its status is not made of it."""
    say({})
    before = Client().get("/health").json()
    CurrencyRate.objects.all().delete()
    after = Client().get("/health").json()
    assert (before.pop("rates"), after.pop("rates")) == ("paused", "ok")
    assert before == after
