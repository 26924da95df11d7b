"""Quotes: what an amount in a currency comes to in sats, agreed when it falls due and then frozen."""

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any, cast

from django.conf import settings
from django.core.cache import caches
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ticketsuma.errors import DomainError
from ticketsuma.money import MAX_SATS, MSATS_PER_SAT, SAT, format_amount

from .models import Payment
from .rates.services import Rate, RateUnavailable, current_rate

# For so long a process shows the rate that it read last. What is agreed is always read anew.
SHOWN_SECONDS = 5


class QuoteOutdated(DomainError):
    code = "quote_outdated"
    message = gettext_lazy("The exchange rate has moved too far since this price was agreed.")


class QuoteTooLarge(DomainError):
    code = "quantity_not_allowed"
    message = gettext_lazy("That is more than all the bitcoin there is.")
    status = 400
    field = "quantity"


@dataclass(frozen=True)
class Quote:
    """`amount_minor` minor units of `currency` come to `amount_sats`; no `rate` of sats, and of nothing."""

    currency: str
    amount_minor: int
    amount_sats: int
    rate: Rate | None = None

    @property
    def columns(self) -> dict[str, Any]:
        """As a payment keeps it."""
        kept: dict[str, Any] = {"amount_sats": self.amount_sats}
        if self.rate:
            kept |= {
                "currency": self.currency, "amount_minor": self.amount_minor, "rate": self.rate.btc_price,
                "rate_sources": list(self.rate.sources), "rate_at": self.rate.at,
            }  # fmt: skip
        return kept


def quote(currency: str, amount_minor: int) -> Quote:
    """What it comes to now, rounded up to a whole sat: no part of one is lost to the seller.

    Sats, and nothing, need no rate; for the rest it is one statement. Raises RateUnavailable, QuoteTooLarge.
    """
    if currency == SAT or not amount_minor:
        return Quote(currency, amount_minor, amount_minor)
    rate = current_rate(currency)
    amount_sats = rate.msats(amount_minor) // MSATS_PER_SAT
    if amount_sats > MAX_SATS:
        raise QuoteTooLarge
    return Quote(currency, amount_minor, amount_sats, rate)


def rate_of(payment: Payment) -> Rate | None:
    """The rate that was agreed; None of an amount in sats."""
    if payment.rate is None:
        return None
    sources = tuple(payment.rate_sources or ())
    return Rate(payment.currency, payment.rate, sources, cast(datetime, payment.rate_at))


def check_still_fair(payment: Payment) -> None:
    """Raise QuoteOutdated unless what was agreed is within QUOTE_TOLERANCE_PERCENT of today's rate.

    For money that comes after its hold has ended. Where there is no rate now nobody can say, so it is not.
    """
    agreed = rate_of(payment)
    if agreed is None:
        return
    try:
        now = current_rate(payment.currency)
    except RateUnavailable:
        raise QuoteOutdated from None
    off = abs(Fraction(agreed.btc_price) / Fraction(now.btc_price) - 1)
    if off > Fraction(settings.QUOTE_TOLERANCE_PERCENT) / 100:
        raise QuoteOutdated


# -- for showing --------------------------------------------------------------------------------
def shown_rate(currency: str) -> Rate | None:
    """The rate of `currency`, read at most SHOWN_SECONDS ago; None while there is none."""
    name = f"rate:{currency}"
    kept = caches["pages"].get(name)
    if kept is None:
        try:
            kept = [current_rate(currency)]
        except RateUnavailable:
            kept = []
        caches["pages"].set(name, kept, timeout=SHOWN_SECONDS)
    return kept[0] if kept else None


def is_paused(currency: str) -> bool:
    """Whether nothing can be sold in `currency` for want of a rate, as far as pages say."""
    return currency != SAT and shown_rate(currency) is None


def about_sats(amount_minor: int, currency: str) -> int | None:
    """What it comes to in sats by now, to be shown; None of sats themselves, of 0, and without a rate."""
    if currency == SAT or not amount_minor:
        return None
    rate = shown_rate(currency)
    return None if rate is None else rate.msats(amount_minor) // MSATS_PER_SAT


def then_and_now(payment: Payment, msats: int) -> str:
    """What `msats` of its money were worth when the price was agreed, and are today; empty of sats."""
    agreed, now = rate_of(payment), None if payment.currency == SAT else shown_rate(payment.currency)
    if agreed is None:
        return ""
    facts = {"then": format_amount(agreed.minor(msats), payment.currency)}
    if now is None:
        return _("That was %(then)s when the price was agreed.") % facts
    facts["now"] = format_amount(now.minor(msats), payment.currency)
    return _("That was %(then)s when the price was agreed, and is %(now)s now.") % facts
