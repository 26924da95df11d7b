"""Amounts of an order: in the minor units of its currency, and what they were agreed as in sats."""

from typing import Any

from payments.models import Payment
from payments.quotes import Quote


class OrderAmounts:
    """Mixin for orders; their payment is loaded, or their event where they are free."""

    payment: Payment | None
    event: Any
    quantity: int
    quote_in_hand: Quote | None = None  # of an order that is about to be written

    @property
    def amount_sats(self) -> int:
        """What all of it costs: what is due by its payment, which is that of its lines."""
        if self.quote_in_hand is not None:
            return self.quote_in_hand.amount_sats
        return self.payment.amount_sats if self.payment else 0

    @property
    def currency(self) -> str:
        """Of its prices, for ever; its event or its payment is loaded."""
        return self.payment.currency if self.payment else self.event.currency

    @property
    def amount(self) -> int:
        """What all of it costs, in minor units of its currency."""
        if self.quote_in_hand is not None:
            return self.quote_in_hand.amount_minor
        return self.payment.amount if self.payment else 0

    @property
    def price(self) -> int:
        """Of one seat, on average and rounded up, in minor units."""
        return -(-self.amount // self.quantity)

    @property
    def agreed_quote(self) -> Payment | None:
        """How its amount came to sats; None of an order in sats, and of a free one."""
        return self.payment if self.payment and self.payment.amount_minor is not None else None

    def sats_of(self, amount_minor: int) -> int:
        """What a part of its amount came to in sats, rounded down: parts come to no more than the whole."""
        return self.amount_sats * amount_minor // self.amount if self.amount else 0
