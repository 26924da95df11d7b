"""Rate limits counted in Valkey or Redis: as in the table, and in the table when it is away."""

import contextlib

import pytest

from accounts import shared_counters
from accounts.models import Usage
from accounts.rate_limits import RateLimited, hit, hit_all
from tests.acts import together
from tests.valkey import Valkey, find_valkey

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def valkey(tmp_path, settings, monkeypatch):
    if not find_valkey():
        pytest.skip("no Redis is on this machine (Debian: apt install redis-server)")
    server = Valkey(tmp_path).start()
    settings.COUNTERS_URL = server.url
    settings.LIMITS = {"WALLET_PER_IP": (3, 60), "COSTLY_PER_IP": (1, 60), "LOGIN_PER_IP": (3, 60)}
    monkeypatch.setattr(shared_counters, "_away_until", 0.0)
    yield server
    server.kill()


def attempt(*use: str) -> int | None:
    try:
        hit(*use)
    except RateLimited as refusal:
        return refusal.retry_after
    return None


def test_of_many_at_once_exactly_as_many_pass_as_may(valkey):
    said = together(*[lambda: attempt("WALLET_PER_IP", "ann")] * 12)
    assert said.count(None) == 3
    assert all(0 < seconds <= 60 for seconds in said if seconds is not None)
    assert attempt("WALLET_PER_IP", "bob") is None
    assert not Usage.objects.exists()


def test_who_is_stopped_by_their_own_limit_uses_up_nobody_else_s(valkey):
    for _ in range(4):
        with contextlib.suppress(RateLimited):
            hit_all(("COSTLY_PER_IP", "me"), ("WALLET_PER_IP", "victim"))
    assert [attempt("WALLET_PER_IP", "victim") for _ in range(3)] == [None, None, 60]


def test_nothing_is_counted_when_there_is_such_a_row(valkey):
    Usage.objects.create(key="placed", uses=1, until=0)
    for _ in range(5):
        assert not hit_all(("WALLET_PER_IP", "ann"), unless=Usage.objects.filter(key="placed"))
    assert attempt("WALLET_PER_IP", "ann") is None


def test_what_guards_accounts_stays_in_the_table(valkey):
    attempt("LOGIN_PER_IP", "ann")
    assert Usage.objects.count() == 1


def test_while_it_is_away_the_table_counts_and_nobody_waits_twice(valkey):
    assert attempt("WALLET_PER_IP", "ann") is None
    valkey.kill()
    assert [attempt("WALLET_PER_IP", "ann") for _ in range(4)][:3] == [None] * 3
    assert Usage.objects.get().uses == 4
    assert shared_counters._away_until > 0
