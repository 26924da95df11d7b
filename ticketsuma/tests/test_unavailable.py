"""Database or cache away: 503 as a page or as JSON, or nothing to notice at all."""

import pytest
from django.conf import settings
from django.core.cache import caches
from django.db import OperationalError, connection

from tests.factories import EventFactory
from tests.valkey import Valkey, find_valkey

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def database_is_away():
    def refuse(*_args):
        raise OperationalError("the server closed the connection unexpectedly")

    with connection.execute_wrapper(refuse):
        yield


@pytest.mark.parametrize("path", ["/", "/events/1", "/find", "/accounts/login/"])
def test_every_page_is_503_while_the_database_is_away(client, database_is_away, path):
    """Also where a middleware asks, as for whoever is signed in."""
    client.raise_request_exception = False
    client.cookies[settings.SESSION_COOKIE_NAME] = "a" * 32
    answer = client.get(path)
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    assert "Please try again in a moment." in answer.content.decode()


@pytest.mark.parametrize(
    "path", ["/.well-known/lnurlp/someone", "/api/uma/payreq/someone", "/api/uma/verify/" + "a" * 64]
)
def test_wallets_are_told_in_their_own_json(client, database_is_away, path):
    answer = client.get(path)
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    assert (answer.json()["status"], answer.json()["code"]) == ("ERROR", "INTERNAL_ERROR")
    assert answer["Access-Control-Allow-Origin"] == "*"


def test_links_of_lists_are_at_the_shop_s_own_address(client, settings):
    """They followed the port that the request named."""
    for _ in range(2):
        EventFactory()
    answer = client.get("/api/events?page_size=1", headers={"host": "localhost:9999"})
    assert answer.json()["next"] == f"{settings.SITE_URL}/api/events?page=2&page_size=1"


@pytest.fixture
def redis(tmp_path):
    if not find_valkey():
        pytest.skip("redis-server is not on this machine (Debian: apt install redis-server)")
    server = Valkey(tmp_path).start()
    yield server
    server.kill()


def test_a_redis_that_stops_is_an_empty_cache(redis, settings):
    """Every lookup of a `$` address was an error, with no Redis library and when Redis stopped."""
    options = {"socket_connect_timeout": 0.5, "socket_timeout": 0.5}
    backend = "ticketsuma.web.cache.RedisOrNothing"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": redis.url, "OPTIONS": options}}
    cache = caches["default"]
    cache.set("key", b"value", 60)
    assert (cache.get("key"), cache.add("key", 1), "key" in cache) == (b"value", False, True)
    redis.freeze()
    assert cache.get("key", "none") == "none"
    redis.thaw()
    assert cache.get("key") == b"value"
    redis.kill()
    assert (cache.get("key", "none"), cache.add("key", 1, 30), cache.delete("key")) == ("none", True, False)
    assert (cache.get_many(["key"]), cache.set_many({"a": 1}), "key" in cache) == ({}, ["a"], False)
    cache.set("key", 1)
