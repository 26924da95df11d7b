"""Money: sats, msats, and amounts in the minor units of a currency; integers, with the unit in every name."""

import functools
import re
from decimal import Decimal

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.numbers import (
    format_currency,
    format_percent,
    get_currency_name,
    get_currency_precision,
    get_territory_currencies,
)
from django.core.exceptions import ValidationError
from django.utils.formats import number_format
from django.utils.translation import get_language, gettext_lazy, to_locale
from django.utils.translation import gettext as _

MSATS_PER_SAT = 1_000
# 21 million bitcoin: no amount of money is larger. Amounts in other currencies have the same bound.
MAX_SATS = 21_000_000 * 100_000_000
SAT = "SAT"
# CLDR wants a space there (currencySpacing), which babel leaves out.
_LETTER_BEFORE_DIGIT = re.compile(r"(?<=[^\W\d_])(?=\d)")


@functools.cache
def iso_currencies() -> frozenset[str]:
    """ISO 4217 codes of the money that is legal tender somewhere today, as babel knows them."""
    places = get_global("territory_currencies")
    return frozenset(code for place in places for code in get_territory_currencies(place) if len(code) == 3)


def is_currency(code: str) -> bool:
    """Whether prices may be in it: `SAT`, or an ISO 4217 code in capitals."""
    return code == SAT or code in iso_currencies()


def validate_currency(code: str) -> None:
    if not is_currency(code):
        says = gettext_lazy("%(code)s is not a currency: SAT, or a code of three letters such as EUR.")
        raise ValidationError(says, code="invalid", params={"code": code})


def currency_choices() -> list[tuple[str, str]]:
    """Code and words of each currency, in the reader's language: sats first, then by code."""
    locale = _locale()
    names = [(code, f"{code}: {get_currency_name(code, locale=locale)}") for code in sorted(iso_currencies())]
    return [(SAT, _("SAT: satoshis of bitcoin")), *names]


def minor_digits(currency: str) -> int:
    """How many digits its minor unit is behind the point: 2 of USD, 0 of JPY and SAT, 3 of BHD."""
    return 0 if currency == SAT else get_currency_precision(currency)


def in_major(amount_minor: int, currency: str) -> Decimal:
    """`1234, "USD"` → `Decimal("12.34")`"""
    return Decimal(amount_minor).scaleb(-minor_digits(currency))


def format_amount(amount_minor: int, currency: str) -> str:
    """An amount in minor units, in the reader's language.

    `1234, "USD"` → `$12.34`; `1005, "BHD"` → `BHD 1.005`; `21000, "SAT"` → `21,000 sats`.
    """
    if currency == SAT:
        return format_sats(amount_minor)
    text = format_currency(in_major(amount_minor, currency), currency, locale=_locale())
    return _LETTER_BEFORE_DIGIT.sub("\N{NO-BREAK SPACE}", text)


def format_basis_points(rate: int) -> str:
    """`1900` → `19%`, `750` → `7.5%`, in the reader's language."""
    return format_percent(Decimal(rate) / 10_000, locale=_locale(), decimal_quantization=False)


def _locale() -> Locale:
    return _parse_locale(get_language() or "en")


@functools.cache
def _parse_locale(language: str) -> Locale:
    try:
        return Locale.parse(to_locale(language))
    except (UnknownLocaleError, ValueError):
        return Locale("en")


def format_sats(amount_sats: int) -> str:
    """`21000` → `21,000 sats`, in the reader's language."""
    number = number_format(amount_sats, decimal_pos=0, use_l10n=True, force_grouping=True)
    return f"{number} {_('sat') if amount_sats == 1 else _('sats')}"


def format_due(amount_sats: int, amount_minor: int, currency: str) -> str:
    """What is to be paid: `21,040 sats`, or `$12.34 (21,040 sats)` as was agreed."""
    if currency == SAT:
        return format_sats(amount_sats)
    return f"{format_amount(amount_minor, currency)} ({format_sats(amount_sats)})"


def format_units(amount: int, currency: str, decimals: int) -> str:
    """`1234, "USD", 2` → `12.34 USD`: an amount in a unit that a wallet named, in the reader's language."""
    exact = Decimal(amount).scaleb(-decimals)
    number = number_format(exact, decimal_pos=decimals, use_l10n=True, force_grouping=True)
    return f"{number} {_('sats') if currency == 'SAT' else currency}"


def format_msats(amount_msats: int) -> str:
    """`1003500` → `1,003.500 sats`; whole sats without a fraction. For staff."""
    whole, rest = divmod(amount_msats, MSATS_PER_SAT)
    if not rest:
        return format_sats(whole)
    exact = Decimal(amount_msats) / MSATS_PER_SAT
    return f"{number_format(exact, decimal_pos=3, use_l10n=True, force_grouping=True)} {_('sats')}"
