import pytest
from django.core.exceptions import ValidationError
from django.utils.translation import override

from ticketsuma.money import (
    currency_choices,
    format_amount,
    in_major,
    is_currency,
    minor_digits,
    validate_currency,
)


@pytest.mark.parametrize(("currency", "digits"), [("SAT", 0), ("USD", 2), ("EUR", 2), ("JPY", 0), ("BHD", 3)])
def test_each_currency_has_its_own_minor_unit(currency, digits):
    assert minor_digits(currency) == digits


@pytest.mark.parametrize(
    ("amount", "currency", "english", "spanish"),
    [
        (21_000, "SAT", "21,000 sats", "21 000 sats"),
        (1, "SAT", "1 sat", "1 sat"),
        (1_234_567, "USD", "$12,345.67", "12.345,67 US$"),
        (5, "EUR", "€0.05", "0,05 €"),
        (1_500, "JPY", "¥1,500", "1.500 JPY"),
        (1_005, "BHD", "BHD 1.005", "1,005 BHD"),
        (0, "USD", "$0.00", "0,00 US$"),
    ],
)
def test_an_amount_is_written_as_the_reader_writes_it(amount, currency, english, spanish):
    for language, says in (("en", english), ("es", spanish)):
        with override(language):
            assert format_amount(amount, currency).replace("\N{NO-BREAK SPACE}", " ") == says


def test_large_amounts_stay_exact():
    assert str(in_major(2_099_999_999_999_999, "USD")) == "20999999999999.99"


@pytest.mark.parametrize("code", ["usd", "XXX", "DEM", "BTC", "", "USDT", "XAU"])
def test_what_is_no_money_of_today_is_no_currency(code):
    assert not is_currency(code)
    with pytest.raises(ValidationError):
        validate_currency(code)


def test_sats_are_the_first_choice():
    with override("es"):
        choices = currency_choices()
    assert choices[0][0] == "SAT"
    assert ("EUR", "EUR: euro") in choices
    assert all(is_currency(code) for code, _words in choices)
