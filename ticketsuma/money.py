"""Sats and msats: integers, with the unit in every name."""

from decimal import Decimal

from django.utils.formats import number_format
from django.utils.translation import gettext as _

MSATS_PER_SAT = 1_000
# 21 million bitcoin: no amount of money is larger.
MAX_SATS = 21_000_000 * 100_000_000


def format_sats(amount_sats: int) -> str:
    """`21000` → `21,000 sats`, in the reader's language."""
    number = number_format(amount_sats, decimal_pos=0, use_l10n=True, force_grouping=True)
    return f"{number} {_('sat') if amount_sats == 1 else _('sats')}"


def format_units(amount: int, currency: str, decimals: int) -> str:
    """`1234, "USD", 2` → `12.34 USD`: an amount in a currency's smallest unit, in the reader's language."""
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
