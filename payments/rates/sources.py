"""Sources of rates: public APIs, asked by the worker through the guarded client.

A source is a URL and a path into its JSON, both in one text, `https://host/path?pair=BTC{CURRENCY}#last`.
The path is the fragment: names and numbers between dots, `*` for the only member there is. After an `@`
comes the path of the time at which the price was that, in seconds since 1970 or ISO 8601.
"""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from payments.uma.safe_http import fetch
from payments.uma.unreached import VaspForbidden, VaspUnreachable
from ticketsuma import clock

from .models import CurrencyRate
from .services import take

# Ready-made: the three large exchanges whose public APIs need no key.
EXCHANGES = {
    "coinbase": "https://api.coinbase.com/v2/prices/BTC-{CURRENCY}/spot#data.amount",
    "kraken": "https://api.kraken.com/0/public/Ticker?pair=XBT{CURRENCY}#result.*.c.0",
    "bitstamp": "https://www.bitstamp.net/api/v2/ticker/btc{currency}/#last@timestamp",
}
# No currency of the world costs more or less for a bitcoin.
LEAST, MOST = Decimal("1e-3"), Decimal("1e12")


class BadAnswer(ValueError):
    """The answer holds no price, or an old one; what is wrong with it, in a word or two."""


@dataclass(frozen=True)
class Source:
    name: str
    url: str
    path: str
    time_path: str

    @classmethod
    def parse(cls, text: str) -> "Source":
        """A ready-made one's name, or `name=URL#path`. Raises ValueError."""
        name, _equals, rest = (text, "=", EXCHANGES[text]) if text in EXCHANGES else text.partition("=")
        url, _hash, paths = rest.partition("#")
        path, _at, time_path = paths.partition("@")
        if not (name.isidentifier() and urlsplit(url).netloc and path):
            raise ValueError(f"{text} is neither {', '.join(EXCHANGES)} nor name=URL#path")
        return cls(name, url, path, time_path)

    def price(self, currency: str) -> Decimal:
        """What the source says one bitcoin costs now. Raises VaspUnreachable, VaspForbidden, BadAnswer."""
        url = self.url.replace("{CURRENCY}", currency).replace("{currency}", currency.lower())
        answer = fetch(url)
        if not answer.is_success:
            raise BadAnswer(f"HTTP {answer.status}")
        return self.read(answer.body)

    def read(self, body: bytes) -> Decimal:
        """The price in an answer of the source. Raises BadAnswer."""
        try:
            said = json.loads(body, parse_float=Decimal)
        except (ValueError, RecursionError, InvalidOperation) as error:
            raise BadAnswer("no JSON") from error
        if self.time_path and not clock.is_recent(
            _moment(_follow(said, self.time_path)), within=CurrencyRate.STALE_AFTER
        ):
            raise BadAnswer("old")
        return _price(_follow(said, self.path))


def _follow(value: object, path: str) -> object:
    for step in path.split("."):
        if isinstance(value, dict) and step == "*" and len(value) == 1:
            value = next(iter(value.values()))
        elif isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            raise BadAnswer("no price")
    return value


def _price(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise BadAnswer("no price")
    try:
        price = Decimal(value)
    except InvalidOperation as error:
        raise BadAnswer("no price") from error
    if not (price.is_finite() and LEAST <= price <= MOST):
        raise BadAnswer("no price")
    return price


def _moment(value: object) -> datetime:
    try:
        if isinstance(value, str) and not value.isdecimal():
            moment = datetime.fromisoformat(value)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return datetime.fromtimestamp(float(value), UTC)  # type: ignore[arg-type]
    except (ValueError, TypeError, OverflowError, OSError) as error:
        raise BadAnswer("no time") from error


def parse_sources() -> list[Source]:
    """Those of RATE_SOURCES. Raises ImproperlyConfigured when one cannot be read or a name is there twice."""
    try:
        sources = [Source.parse(text) for text in settings.RATE_SOURCES]
    except ValueError as error:
        raise ImproperlyConfigured(f"Tickets by UMA does not start: RATE_SOURCES: {error}.") from None
    if len({source.name for source in sources}) < len(sources):
        raise ImproperlyConfigured("Tickets by UMA does not start: RATE_SOURCES names a source twice.")
    return sources


def read_sources(row: CurrencyRate) -> None:
    """Ask all sources at once, in the guarded client's bounds, and keep the rate; the worker's handler."""
    sources, at = parse_sources(), clock.now()
    with ThreadPoolExecutor(max(1, len(sources)), thread_name_prefix="rates") as pool:
        said = dict(pool.map(lambda source: (source.name, _ask(source, row.currency)), sources))
    prices = {name: price for name, price in said.items() if isinstance(price, Decimal)}
    failures = {name: why for name, why in said.items() if isinstance(why, str)}
    take(row.currency, prices, failures, at=at)


def _ask(source: Source, currency: str) -> Decimal | str:
    """The price, or why there is none."""
    try:
        return source.price(currency)
    except (VaspUnreachable, VaspForbidden) as error:
        return error.code
    except BadAnswer as error:
        return str(error)
