"""Sources of rates: reading hostile answers, and asking over real sockets."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.core.exceptions import ImproperlyConfigured

from payments.rates.sources import EXCHANGES, BadAnswer, Source, parse_sources


def source(paths: str) -> Source:
    return Source.parse(f"one=https://rates.example/{{currency}}#{paths}")


@pytest.mark.parametrize(
    ("name", "body", "price"),
    [
        ("coinbase", '{"data":{"amount":"100123.45","base":"BTC","currency":"USD"}}', "100123.45"),
        ("kraken", '{"error":[],"result":{"XXBTZUSD":{"c":["100001.10000","0.01"]}}}', "100001.10000"),
    ],
)
def test_the_exchanges_are_read(name, body, price):
    assert Source.parse(name).read(body.encode()) == Decimal(price)


def test_an_exchange_that_tells_the_time_is_read():
    said = {"last": "100002", "timestamp": str(int(datetime.now(UTC).timestamp()))}
    assert Source.parse("bitstamp").read(json.dumps(said).encode()) == 100_002


@pytest.mark.parametrize(
    "said",
    [
        "NaN", "Infinity", "-1", "0", '"-5"', '"NaN"', '"sNaN"', '"many"', "true", "null", "[]", "{}",
        "1e400", "1e-400", '"1e999999999"', '""',
    ],
)  # fmt: skip
def test_what_is_no_price_is_none(said):
    with pytest.raises(BadAnswer):
        source("price").read(b'{"price":' + said.encode() + b"}")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[" * 100_000, b"1", b'"x"', b"[1]", b"{}", b"\xff"])
def test_what_is_no_answer_is_none(body):
    with pytest.raises(BadAnswer):
        source("price").read(body)


@pytest.mark.parametrize(
    "time", ["946684800", '"2020-01-01T00:00:00Z"', "99999999999", '"soon"', "null", "1e400"]
)
def test_a_price_of_another_time_is_none(time):
    with pytest.raises(BadAnswer):
        source("price@time").read(f'{{"price": 1, "time": {time}}}'.encode())


@pytest.mark.parametrize(
    "texts",
    [
        ["https://rates.example/#price"],
        ["one=https://rates.example/"],
        ["kraken", "kraken"],
        ["somebody"],
        ["a=#b"],
    ],
)
def test_what_cannot_be_read_stops_the_start(settings, texts):
    settings.RATE_SOURCES = texts
    with pytest.raises(ImproperlyConfigured, match="RATE_SOURCES"):
        parse_sources()


def test_the_exchanges_are_ready_made(settings):
    settings.RATE_SOURCES = list(EXCHANGES)
    assert [one.name for one in parse_sources()] == ["coinbase", "kraken", "bitstamp"]
