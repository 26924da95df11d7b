"""Random walk over orders and money in dollars, in which the rate moves and is lost."""

from decimal import Decimal

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from payments.models import Payment
from payments.rates.models import CurrencyRate
from payments.rates.services import Rate
from tests.faults.test_machine import Shop, walk
from tests.rates import no_rate, rate_is


class DollarShop(Shop):
    """The same walk over prices in cents, while the rate moves and is lost."""

    priced = {"currency": "USD", "price": 2100}

    def __init__(self):
        self._moves_to(Decimal(100_000))
        super().__init__()

    def _moves_to(self, btc_price: Decimal) -> None:
        """Over some minutes: what was within the last one is forgotten, and so is a jump."""
        CurrencyRate.objects.update(lately=[], jumped_at=None)
        self.btc_price = btc_price
        rate_is("USD", btc_price)

    @rule(percent=st.sampled_from([-30, -2, "-0.5", "0.5", 2, 30]))
    def the_rate_moves(self, percent):
        self._moves_to((self.btc_price * (1 + Decimal(percent) / 100)).quantize(Decimal("0.01")))

    @rule()
    def the_rate_is_lost(self):
        no_rate("USD")

    @invariant()
    def every_payment_is_over_its_quote(self):
        for payment in Payment.objects.exclude(currency="SAT"):
            agreed = Rate(payment.currency, payment.rate, (), payment.rate_at)
            assert payment.amount_msats == agreed.msats(payment.amount_minor)


@pytest.mark.short
@pytest.mark.case("I22", fault="the same walk over prices in dollars, while the rate moves and is lost")
def test_no_walk_of_the_rate_breaks_an_invariant(transactional_db):
    """The same holds after every step; each payment is over what its own quote comes to."""
    walk(DollarShop, examples=10)
