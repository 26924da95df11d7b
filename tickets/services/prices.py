"""Prices that a buyer was shown, and what they are by now."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from events.baskets import Basket
from payments.quotes import Quote
from ticketsuma.errors import DomainError
from ticketsuma.money import SAT, format_amount


class PriceChanged(DomainError):
    """With `price` it is of one seat, else `amount` of all that was asked for, in minor units.

    Of sats the members say so in their names, too; with `amount_sats` it is what all comes to by now.
    """

    code = "price_changed"

    def __init__(
        self,
        currency: str = SAT,
        *,
        price: int | None = None,
        amount: int = 0,
        amount_sats: int | None = None,
    ):
        self.members: dict[str, Any] = {"currency": currency}
        if price is None:
            message = _("The price has changed: it now comes to %(price)s.")
            free, now = _("The price has changed: it is now free."), amount
            self.members["amount"] = amount
        else:
            message = _("The price has changed: a seat now costs %(price)s.")
            free, now = _("The price has changed: a seat is now free."), price
            self.members["price"] = price
        if currency == SAT:
            self.members["amount_sats" if price is None else "price_sats"] = now
        elif amount_sats is not None:
            self.members["amount_sats"], now, currency = amount_sats, amount_sats, SAT
        super().__init__(message % {"price": format_amount(now, currency)} if now else free)


@dataclass(frozen=True)
class Expected:
    """What a buyer was shown: of one seat or of all, in minor units, or what all comes to in sats."""

    price: int | None = None
    amount: int | None = None
    amount_sats: int | None = None
    price_sats: int | None = None

    @classmethod
    def of_request(cls, data: Mapping[str, Any], currency: str) -> "Expected":
        """What a program sent; the price of a seat in sats is one in minor units where prices are sats."""
        price, price_sats = data.get("expected_price"), data.get("expected_price_sats")
        if currency == SAT and price is None:
            price, price_sats = price_sats, None
        return cls(price, data.get("expected_amount"), data.get("expected_amount_sats"), price_sats)

    def check(self, basket: Basket, currency: str, *, has_items: bool) -> None:
        if self.price is not None and not has_items and basket.lines[0].price != self.price:
            raise PriceChanged(currency, price=basket.lines[0].price)
        if self.amount not in (None, basket.amount):
            raise PriceChanged(currency, amount=basket.amount)

    def check_sats(self, quoted: Quote, quantity: int) -> None:
        """What all comes to in sats; `quantity` seats, on average and rounded up, at the price of one."""
        seat_sats = -(-quoted.amount_sats // quantity)
        if self.amount_sats in (None, quoted.amount_sats) and self.price_sats in (None, seat_sats):
            return
        raise PriceChanged(quoted.currency, amount=quoted.amount_minor, amount_sats=quoted.amount_sats)
