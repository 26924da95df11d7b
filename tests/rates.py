"""Exchange rates for tests, taken as the worker takes them."""

from datetime import timedelta
from decimal import Decimal

from django.core.cache import caches

from payments.rates import services
from ticketsuma import clock


def rate_is(currency: str, btc_price: str | int, *, ago: float = 0) -> None:
    """Two sources say that a bitcoin costs so much, now or so many seconds `ago`; pages show it at once."""
    services.want(currency)
    price = Decimal(btc_price)
    services.take(currency, {"one": price, "two": price}, at=clock.now() - timedelta(seconds=ago))
    caches["pages"].delete(f"rate:{currency}")


def no_rate(currency: str) -> None:
    """The sources have nothing to say."""
    services.want(currency)
    services.take(currency, {}, {"one": "timeout", "two": "timeout"})
    caches["pages"].delete(f"rate:{currency}")
