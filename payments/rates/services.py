"""Rates: what somebody sells at now, and taking them from what the sources say."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Context, Decimal
from fractions import Fraction
from math import floor
from statistics import median

from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from ticketsuma import clock
from ticketsuma.errors import DomainError
from ticketsuma.money import MSATS_PER_SAT, minor_digits

from .models import CurrencyRate

SATS_PER_BTC = 100_000_000
FEWEST_SOURCES = 2
# What differs more from the median of all is no price of this market.
SPREAD = Fraction(2, 100)
# More than this within a minute is a jump; nothing is sold until ten minutes after the last one.
JUMP, JUMP_WITHIN, JUMP_RESTS = Fraction(10, 100), timedelta(minutes=1), timedelta(minutes=10)
# SQLite keeps 15 digits of a decimal, and a source no more than 12 that mean anything.
_KEPT = Context(prec=12)


class RateUnavailable(DomainError):
    code = "rate_unavailable"
    message = _("Sales in this currency are paused: there is no reliable exchange rate. Try again soon.")
    status = 503
    retry_after = 60


@dataclass(frozen=True)
class Rate:
    """`btc_price` whole units of `currency` for one bitcoin, as `sources` said at `at`."""

    currency: str
    btc_price: Decimal
    sources: tuple[str, ...]
    at: datetime

    def msats(self, minor: int) -> int:
        """What `minor` minor units cost: exact, then rounded up to a whole sat."""
        return -floor(-minor / self._minor_per_sat) * MSATS_PER_SAT

    def minor(self, msats: int) -> int:
        """What `msats` are worth in minor units, half a unit rounded up: to be shown."""
        return floor(msats * self._minor_per_sat / MSATS_PER_SAT + Fraction(1, 2))

    @property
    def _minor_per_sat(self) -> Fraction:
        return Fraction(self.btc_price) * 10 ** minor_digits(self.currency) / SATS_PER_BTC


def current_rate(currency: str) -> Rate:
    """The rate that `currency` is sold at now; one statement. Raises RateUnavailable.

    It is unavailable when the last reading found fewer than two sources that agree, for ten minutes after a
    jump of more than 10 % in a minute, and when it is older than two minutes, or ahead of the clock.
    """
    row = CurrencyRate.objects.filter(currency=currency).first()
    if row is None or row.btc_price is None or row.taken_at is None or why_paused(row):
        raise RateUnavailable
    return Rate(row.currency, row.btc_price, tuple(row.sources), row.taken_at)


def why_paused(row: CurrencyRate) -> str:
    """`sources`, `jump` or `stale` when nothing may be sold at this rate; empty when it is good."""
    if row.trouble:
        return row.trouble
    return "" if clock.is_recent(row.taken_at, within=CurrencyRate.STALE_AFTER) else "stale"


def paused() -> list[tuple[CurrencyRate, str]]:
    """The currencies that sources were asked about and in which nothing is sold now, each with why."""
    rows = CurrencyRate.objects.exclude(taken_at=None, trouble="").order_by("currency")
    return [(row, why) for row in rows if (why := why_paused(row))]


def want(currency: str) -> None:
    """Have the worker keep the rate of `currency` from now on; again, nothing happens."""
    fields = {"currency": currency, **CurrencyRate.scheduled()}
    CurrencyRate.objects.bulk_create([CurrencyRate(**fields)], ignore_conflicts=True)


def keep(currencies: Iterable[str]) -> None:
    """Have the worker keep the rates of exactly these; the others are forgotten, and alarm nobody."""
    wanted = set(currencies)
    rows = CurrencyRate.objects.all()
    kept = set(rows.values_list("currency", flat=True))
    for currency in sorted(wanted - kept):
        want(currency)
    rows.filter(currency__in=kept - wanted).delete()


# -- taking a rate ----------------------------------------------------------------------------
def agreed(prices: Mapping[str, Decimal]) -> tuple[Decimal, list[str]] | None:
    """The median of what the sources say, and who they are, without outliers; None unless two agree."""
    if not prices:
        return None
    middle = Fraction(median(map(Fraction, prices.values())))
    near = {name: price for name, price in prices.items() if abs(Fraction(price) / middle - 1) <= SPREAD}
    if len(near) < FEWEST_SOURCES:
        return None
    exact = Fraction(median(map(Fraction, near.values())))
    return _KEPT.divide(Decimal(exact.numerator), Decimal(exact.denominator)), sorted(near)


def take(
    currency: str,
    prices: Mapping[str, Decimal],
    failures: Mapping[str, str] | None = None,
    *,
    at: datetime | None = None,
) -> None:
    """Keep what sources asked `at`, or now, said: a rate, or that there is none. The newer of two stays."""
    now = at or clock.now()
    said = {name: str(price) for name, price in prices.items()} | dict(failures or {})
    row = CurrencyRate.objects.get(currency=currency)
    changes: dict = {"answers": said, "next_attempt_at": now + CurrencyRate.EVERY}
    trouble, found = "", agreed(prices)
    if found is None:
        trouble = CurrencyRate.Trouble.SOURCES
    else:
        price, sources = found
        lately = [(then, old) for then, old in row.lately if _is_within(then, now, JUMP_WITHIN)]
        jumped_at = row.jumped_at
        if any(abs(Fraction(price) / Fraction(old) - 1) > JUMP for _then, old in lately):
            jumped_at = now
        if jumped_at and now - jumped_at < JUMP_RESTS:
            trouble = CurrencyRate.Trouble.JUMP
        changes |= {
            "btc_price": price, "sources": sources, "taken_at": now, "jumped_at": jumped_at,
            "lately": [*lately, (now.isoformat(), str(price))],
        }  # fmt: skip
    since = Coalesce(F("trouble_since"), Value(now, models.DateTimeField())) if trouble else None
    ahead = clock.now() + clock.MACHINES_DIFFER  # by a clock that was wrong
    newer = Q(taken_at=None) | Q(taken_at__lt=now) | Q(taken_at__gt=ahead)
    CurrencyRate.objects.filter(newer, currency=currency).update(
        **changes, trouble=trouble, trouble_since=since
    )


def _is_within(then: str, now: datetime, length: timedelta) -> bool:
    return timedelta(0) <= now - datetime.fromisoformat(then) <= length
