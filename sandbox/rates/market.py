"""The market that the pretend exchanges tell of: one price for each currency, moved by page and API."""

import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal, InvalidOperation

from django.utils import timezone

from node.api import BadRequest
from rates.models import Price

# Where each currency begins; any other begins at 100,000.
BEGIN = {"USD": "100000", "EUR": "90000", "GBP": "78000", "CHF": "88000", "JPY": "15000000", "BHD": "37700"}
EXCHANGES = {"alpha": Decimal(1), "beta": Decimal("1.0005"), "gamma": Decimal("0.9995")}


def price_at(currency: str, moment: datetime | None = None) -> Decimal:
    """What a bitcoin cost at `moment`, or costs now."""
    row = (
        Price.objects.filter(currency=currency, set_at__lte=moment or timezone.now())
        .order_by("set_at", "pk")
        .last()
    )
    return Decimal(row.btc_price if row else BEGIN.get(currency, "100000"))


def move(currency: str, btc_price: object) -> None:
    """From now on a bitcoin costs `btc_price`. Raises BadRequest."""
    try:
        price = Decimal(str(btc_price).replace(",", "").strip())
    except InvalidOperation as error:
        raise BadRequest("the price must be a number") from error
    if not re.fullmatch(r"[A-Z]{3}", currency) or not price.is_finite() or price <= 0:
        raise BadRequest("a currency is three capitals, and its price is more than 0")
    Price.objects.create(currency=currency, btc_price=str(price))


def prices() -> Iterator[tuple[str, Decimal]]:
    """Every currency that has a price of its own, and what a bitcoin costs in it."""
    known = set(BEGIN) | set(Price.objects.values_list("currency", flat=True))
    return ((currency, price_at(currency)) for currency in sorted(known))
