"""Property test of quotes, over amounts and rates of all sizes: thousands, or a million with `--long`."""

import random
from decimal import Decimal
from fractions import Fraction
from math import ceil

from django.utils import timezone

from payments.models import Payment
from payments.rates.services import Rate
from payments.uma.currencies import as_priced, in_sats
from ticketsuma.money import MAX_SATS, minor_digits

CURRENCIES = ["USD", "EUR", "JPY", "BHD"]  # two digits, none, and three
FEW, MANY = 5_000, 1_000_000


def draw(dice: random.Random) -> tuple[Rate, int]:
    """A rate of 10⁻³ to 10⁹ with up to 12 digits, and an amount that is not more than all bitcoin."""
    currency = dice.choice(CURRENCIES)
    digits = dice.randrange(10 ** dice.randrange(12)) + 1
    price = Decimal(digits).scaleb(dice.randint(-3, 9) - len(str(digits)) + 1)
    rate = Rate(currency, price, ("one", "two"), timezone.now())
    most = int(Fraction(price) * 10 ** minor_digits(currency) * MAX_SATS / 10**8)
    return rate, dice.randint(1, max(1, min(most, 10 ** dice.randint(1, 12))))


def test_quotes_lose_nothing_and_sum_up(pytestconfig):
    """For the seller at most a sat is gained and nothing lost; wallets and refunds come to the same sums."""
    seed = random.randrange(10**9)
    print(f"seed {seed}")
    dice, drawn = random.Random(seed), 0
    while drawn < (MANY if pytestconfig.getoption("long") else FEW):
        rate, amount = draw(dice)
        msats = rate.msats(amount)
        if msats // 1000 > MAX_SATS:
            continue
        drawn += 1
        minor_per_msat = Fraction(rate.btc_price) * 10 ** minor_digits(rate.currency) / 10**11
        told = (seed, rate, amount)
        assert msats % 1000 == 0, told
        assert msats * minor_per_msat >= amount > (msats - 1000) * minor_per_msat, told
        # Shown again it is the amount, but for what a sat is worth.
        assert 0 <= rate.minor(msats) - amount <= ceil(1000 * minor_per_msat), told
        # What a UMA wallet multiplies, on either side; floats come to it up to 2⁵¹ msats.
        payment = Payment(currency=rate.currency, amount_minor=amount, amount_sats=msats // 1000)
        for offer in (as_priced(payment), in_sats(payment)):
            if msats < 2**51:
                assert round(offer.amount * offer.msats_per_unit) == msats, told
        # Parts that go back, each worth its sats: never more than came, and in sum never more minor units.
        part = dice.randint(0, msats // 1000) * 1000
        assert rate.minor(part) + rate.minor(msats - part) <= rate.minor(msats) + 1, told
        # Twice the seats are twice the price, less the sat that was rounded up twice.
        assert 2 * msats - 1000 <= rate.msats(2 * amount) <= 2 * msats, told
