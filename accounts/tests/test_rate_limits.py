"""Rate limits: counted by all processes together, per client, and reset when their window ends."""

import contextlib

import pytest
import time_machine
from django.test import RequestFactory

from accounts.models import Usage
from accounts.rate_limits import RateLimited, client_ip, hit, hit_all, is_known, remember, reset
from tests.acts import together

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def three_a_minute(settings):
    settings.LIMITS = {"TEST": (3, 60)}


def uses(times: int, *who) -> list:
    return [attempt(*who) for _ in range(times)]


def attempt(*who) -> int | None:
    try:
        hit("TEST", *who)
    except RateLimited as refusal:
        return refusal.retry_after
    return None


def test_exactly_as_many_pass_as_may():
    said = uses(5, "ann")
    assert said[:3] == [None] * 3
    assert all(0 < seconds <= 60 for seconds in said[3:])
    assert uses(1, "bob") == [None]


def test_of_many_at_once_exactly_as_many_pass_as_may():
    said = together(*[lambda: attempt("ann")] * 12)
    assert said.count(None) == 3


def test_the_window_ends():
    with time_machine.travel("2026-01-01T00:00:00Z", tick=False) as clock:
        uses(4, "ann")
        clock.shift(59)
        assert attempt("ann") == 1
        clock.shift(1)
        assert uses(3, "ann") == [None] * 3


def test_forgiving_and_remembering():
    uses(4, "ann")
    reset("TEST", "ann")
    assert attempt("ann") is None
    assert not is_known("ann", "192.0.2.1")
    remember("ann", "192.0.2.1")
    assert is_known("ann", "192.0.2.1")
    assert not is_known("ann", "192.0.2.2")


def test_nothing_is_kept_in_clear():
    attempt("ann@example.com")
    assert "ann" not in Usage.objects.get().key


@pytest.mark.parametrize(
    ("proxies", "remote", "forwarded", "ip"),
    [
        (0, "192.0.2.1", "198.51.100.7", "192.0.2.1"), (0, "192.0.2.1", "", "192.0.2.1"),
        (1, "10.0.0.1", "198.51.100.7", "198.51.100.7"), (1, "10.0.0.1", "6.6.6.6, 198.51.100.7",
        "198.51.100.7"),
        (2, "10.0.0.1", "6.6.6.6, 198.51.100.7, 10.0.0.2", "198.51.100.7"), (1, "10.0.0.1", "", "10.0.0.1"),
        (1, "10.0.0.1", "nonsense", "unknown"), (0, "2001:db8::1", "", "2001:db8::/64"),
        (0, "2001:db8::ffff:1", "", "2001:db8::/64"), (0, "::ffff:192.0.2.1", "", "192.0.2.1"), (0, "",
        "", "unknown"),
        (1, "10.0.0.1", "x" * 5000, "unknown"),
    ],
)  # fmt: skip
def test_who_asks(settings, proxies, remote, forwarded, ip):
    settings.TRUSTED_PROXIES = proxies
    request = RequestFactory().get("/", REMOTE_ADDR=remote, HTTP_X_FORWARDED_FOR=forwarded)
    assert client_ip(request) == ip


def test_all_limits_of_a_request_are_one_statement(settings, django_assert_num_queries):
    settings.LIMITS |= {"OTHER": (1, 60)}
    with django_assert_num_queries(3):  # with what begins and ends the transaction
        assert hit_all(("TEST", "ann"), ("OTHER", "ann"), ("OTHER", "bob"))
    assert {row.uses for row in Usage.objects.all()} == {1}
    assert Usage.objects.count() == 3


def test_who_is_stopped_by_their_own_limit_uses_up_nobody_else_s(settings):
    settings.LIMITS |= {"MINE": (1, 60)}
    for _ in range(3):
        with contextlib.suppress(RateLimited):
            hit_all(("TEST", "before"), ("MINE", "me"), ("TEST", "victim"))
    assert uses(1, "before") == [60], "it was counted each time"
    assert uses(3, "victim") == [None, None, 60], "it was counted once"


def test_nothing_is_counted_when_there_is_such_a_row():
    assert hit_all(("TEST", "ann"), unless=Usage.objects.filter(key="placed"))
    Usage.objects.create(key="placed", uses=1, until=0)
    assert not hit_all(("TEST", "ann"), ("TEST", "bob"), unless=Usage.objects.filter(key="placed"))
    assert uses(3, "ann") == [None, None, 60]


def test_many_that_count_the_same_limits_in_any_order_wait_for_each_other(settings):
    settings.LIMITS = {"TEST": (100, 60)}
    limits = [("TEST", str(number)) for number in range(10)]
    said = together(*[lambda step=step: hit_all(*limits[::step]) for step in (1, -1) * 8])
    assert said == [True] * 16
