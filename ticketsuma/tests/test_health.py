"""Health pages: words only, and 503 from the right one."""

from datetime import timedelta

import pytest
from django.utils import timezone

from payments.models import Sweep
from tests.factories import CheckupFactory
from tickets.staff.alerts import needs_attention

pytestmark = pytest.mark.django_db
OK = {"status": "ok", "database": "ok", "migrations": "ok", "worker": "ok", "node": "ok"} | {
    "doctor": "unknown", "rates": "ok"
}  # fmt: skip


def swept(*, tried: int, succeeded: int) -> None:
    now = timezone.now()
    times = {
        "tried_at": now - timedelta(seconds=tried),
        "succeeded_at": now - timedelta(seconds=succeeded),
        "read_until": now,
    }
    Sweep.objects.update_or_create(name="incoming", defaults=times)


def test_all_is_well(client, django_assert_max_num_queries):
    swept(tried=5, succeeded=5)
    client.get("/health")
    with django_assert_max_num_queries(3):
        answer = client.get("/health")
    assert (answer.status_code, answer.json()) == (200, OK)


def test_a_silent_worker_and_a_silent_node_are_told_apart(client):
    swept(tried=5, succeeded=600)
    answer = client.get("/health")
    assert (answer.status_code, answer.json()) == (503, OK | {"status": "unwell", "node": "silent"})
    swept(tried=600, succeeded=600)
    assert client.get("/health").json()["worker"] == "silent"


def test_before_the_first_worker(client):
    answer = client.get("/health")
    assert (answer.status_code, answer.json()["worker"]) == (503, "silent")


def test_live_asks_nobody(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert client.get("/health/live").json() == {"status": "ok"}


def test_a_token_that_is_not_accepted_is_said_at_once(client):
    """401 is not silence: nothing works until somebody acts, and 90 seconds are not waited for."""
    swept(tried=1, succeeded=5)
    Sweep.objects.update(last_error="node_forbidden: HTTP 401 invalid API token")
    answer = client.get("/health")
    assert (answer.status_code, answer.json()) == (503, OK | {"status": "unwell", "node": "forbidden"})
    [line] = [line for line in needs_attention() if line.kind == "forbidden"]
    assert "HTTP 401 invalid API token" in line.says


@pytest.mark.parametrize(("level", "status"), [("ok", 200), ("note", 200), ("unknown", 200), ("wrong", 503)])
def test_what_the_doctor_found_is_said(client, level, status):
    swept(tried=1, succeeded=1)
    finding = {"check": "key", "level": level, "says": "The key does not open."}
    CheckupFactory(findings=[finding], checked_at=timezone.now())
    answer = client.get("/health")
    word = "ok" if level == "note" else level
    assert (answer.status_code, answer.json()["doctor"]) == (status, word)
    said = [line.says for line in needs_attention() if line.kind == "doctor"]
    assert said == (["The key does not open."] if level == "wrong" else [])
