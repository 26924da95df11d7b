"""Rates: what is sold at, and when nothing is."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.rates.models import CurrencyRate
from payments.rates.services import Rate, RateUnavailable, agreed, current_rate, keep, take, want
from ticketsuma import clock

ONE_DAY = timedelta(days=1)


def rate(currency: str, btc_price: str) -> Rate:
    return Rate(currency, Decimal(btc_price), ("one", "two"), clock.now())


def say(*prices: str, currency: str = "USD", ago: timedelta = timedelta(0)) -> None:
    want(currency)
    take(currency, {f"s{n}": Decimal(price) for n, price in enumerate(prices)}, at=clock.now() - ago)


# -- conversion -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("currency", "btc_price", "minor", "sats"),
    [
        ("USD", "100000", 1250, 12_500),
        ("USD", "30000", 1, 34),  # 33.3 sats: rounded up
        ("JPY", "15000000", 500, 3_334),
        ("BHD", "37700", 1_000, 2_653),
        ("USD", "0.001", 1, 1_000_000_000),
        ("USD", "1000000000", 100, 1),  # a tenth of a sat
        ("USD", "100000", 0, 0),
    ],
)
def test_an_amount_costs_whole_sats_rounded_up(currency, btc_price, minor, sats):
    assert rate(currency, btc_price).msats(minor) == sats * 1000


def test_what_sats_are_worth_is_rounded_to_the_nearest_minor_unit():
    assert rate("USD", "100000").minor(12_500_000) == 1250
    assert rate("USD", "100000").minor(14_000) == 1
    assert rate("USD", "100000").minor(15_000) == 2
    assert rate("USD", "100000").minor(0) == 0


@given(
    minor=st.integers(0, 10**12),
    exponent=st.integers(-3, 9),
    digits=st.integers(10**11, 10**12 - 1),
    currency=st.sampled_from(["USD", "JPY", "BHD"]),
)
def test_no_rounding_is_in_the_shops_disfavor(minor, exponent, digits, currency):
    one = rate(currency, f"{digits}E{exponent - 11}")
    msats = one.msats(minor)
    assert msats % 1000 == 0
    assert one._minor_per_sat * msats / 1000 >= minor  # what comes is worth what it costs
    assert msats == 0 or one._minor_per_sat * (msats // 1000 - 1) < minor  # and not a sat more


# -- the median -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("prices", "price"),
    [
        (["100", "101", "102"], "101"),
        (["100", "101"], "100.5"),
        (["100", "101", "1000000"], "100.5"),  # without the outlier
        (["100", "101", "0.0001"], "100.5"),
        (["100", "200"], None),  # who is right?
        (["100", "100", "200", "200"], None),
        (["100"], None),
        ([], None),
    ],
)
def test_the_rate_is_the_median_without_outliers(prices, price):
    found = agreed({f"s{n}": Decimal(one) for n, one in enumerate(prices)})
    assert (found and found[0]) == (price and Decimal(price))


# -- what is sold at --------------------------------------------------------------------------
@pytest.mark.django_db
def test_the_rate_is_what_the_sources_say(django_assert_num_queries):
    say("100000", "100200", "100100.1234")
    with django_assert_num_queries(1):
        now = current_rate("USD")
    assert now.btc_price == Decimal("100100.1234")
    assert now.sources == ("s0", "s1", "s2")


@pytest.mark.django_db
@pytest.mark.parametrize("price", ["0.00123456789012", "9876543210.12", "123456.789012"])
def test_a_rate_is_kept_exactly(price):
    say(price, price)
    assert current_rate("USD").btc_price == Decimal(price)


@pytest.mark.django_db
def test_nobody_sells_in_a_currency_without_a_rate():
    with pytest.raises(RateUnavailable):
        current_rate("USD")
    want("USD")
    want("USD")
    with pytest.raises(RateUnavailable):
        current_rate("USD")


@pytest.mark.django_db
def test_fewer_than_two_sources_pause_sales_at_once_and_two_begin_them_again():
    say("100000", "100000", ago=timedelta(seconds=40))
    say("100000", ago=timedelta(seconds=20))
    with pytest.raises(RateUnavailable):
        current_rate("USD")
    assert CurrencyRate.objects.get().trouble_since
    say("100000", "100000")
    assert current_rate("USD").btc_price == 100_000
    assert CurrencyRate.objects.get().trouble_since is None


@pytest.mark.django_db
def test_a_rate_older_than_two_minutes_is_not_sold_at():
    say("100000", "100000", ago=timedelta(seconds=115))
    assert current_rate("USD")
    CurrencyRate.objects.update(taken_at=clock.now() - timedelta(seconds=121))
    with pytest.raises(RateUnavailable):
        current_rate("USD")


@pytest.mark.django_db
def test_a_rate_of_a_clock_that_is_ahead_is_not_sold_at_and_is_replaced():
    say("100000", "100000", ago=-ONE_DAY)
    with pytest.raises(RateUnavailable):
        current_rate("USD")
    say("99000", "99000")
    assert current_rate("USD").btc_price == 99_000


@pytest.mark.django_db
@pytest.mark.parametrize("to", ["111000", "89000"])
def test_a_jump_within_a_minute_pauses_sales_for_ten(to):
    say("100000", "100000", ago=timedelta(minutes=10, seconds=50))
    say(to, to, ago=timedelta(minutes=10, seconds=10))
    row = CurrencyRate.objects.get()
    assert row.trouble == CurrencyRate.Trouble.JUMP
    say(to, to, ago=timedelta(minutes=5))
    with pytest.raises(RateUnavailable):
        current_rate("USD")
    say(to, to)
    assert current_rate("USD").btc_price == Decimal(to)


@pytest.mark.django_db
def test_a_large_move_that_takes_its_time_is_no_jump():
    say("100000", "100000", ago=timedelta(seconds=100))
    say("109000", "109000", ago=timedelta(seconds=50))
    say("118000", "118000", ago=timedelta(seconds=10))
    assert current_rate("USD").btc_price == 118_000


@pytest.mark.django_db
def test_of_two_readings_the_newer_stays():
    say("100000", "100000")
    say("90000", "90000", ago=timedelta(seconds=30))  # a worker that was frozen
    assert current_rate("USD").btc_price == 100_000


@pytest.mark.django_db
def test_the_rates_that_are_wanted_are_kept_and_no_others():
    say("100000", "100000")
    say("90000", "90000", currency="EUR")
    keep(["USD", "JPY"])
    assert set(CurrencyRate.objects.values_list("currency", flat=True)) == {"USD", "JPY"}
    assert current_rate("USD").btc_price == 100_000
    keep([])
    assert not CurrencyRate.objects.exists()


@pytest.mark.django_db
def test_currencies_do_not_meet():
    say("100000", "100000")
    say("90000", currency="EUR")
    assert current_rate("USD").currency == "USD"
    with pytest.raises(RateUnavailable):
        current_rate("EUR")
