"""Clocks: one for all machines; times written by a wrong one delay no work."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from payments.models import Sweep, WebhookEvent
from payments.reconciliation import sweep_row
from tests.factories import WebhookEventFactory
from tickets.staff.alerts import needs_attention
from ticketsuma import clock
from ticketsuma.jobs.registry import discover
from ticketsuma.jobs.worker import due_rows

DAY = timedelta(days=1)
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def unread():
    """As a process that has not looked at the database's clock yet."""
    connection.close()
    clock._seen = None
    yield
    clock._seen = None


def event(due) -> WebhookEvent:
    return WebhookEventFactory(event_id="e", type="t", entity_id="x", next_attempt_at=due)


def test_leases_and_delays_are_by_the_database_s_clock(time_machine):
    """Of two workers one lives a day ahead. Its leases and delays are those of all."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no clock but the machine's")
    true = timezone.now()
    row = event(true)
    connection.close()
    time_machine.move_to(true + DAY)
    assert due_rows(discover().queue("webhook events")) == [row]
    assert row.acquire_lease(timedelta(seconds=30))
    row.refresh_from_db()
    assert row.next_attempt_at - true < timedelta(minutes=1)
    assert due_rows(discover().queue("webhook events")) == []
    row.retry("no luck")
    row.refresh_from_db()
    assert row.next_attempt_at - true < timedelta(minutes=1)


def test_the_database_s_clock_is_read_now_and_then_and_costs_no_query(django_assert_num_queries):
    with django_assert_num_queries(0):
        connection.ensure_connection()
        assert abs(clock.now() - timezone.now()) < timedelta(seconds=1)
    assert (clock._seen is not None) == (connection.vendor == "postgresql")


@pytest.mark.parametrize(("ahead", "is_due"), [(timedelta(minutes=30), False), (DAY, True)])
def test_what_is_due_beyond_its_longest_delay_is_due(ahead, is_due):
    """A worker whose clock was a day ahead put the row off; nobody waits for that day."""
    row = event(clock.now() + ahead)
    assert due_rows(discover().queue("webhook events")) == ([row] if is_due else [])
    assert row.acquire_lease(timedelta(seconds=30)) is is_due
    row.refresh_from_db()
    assert (row.next_attempt_at < clock.now() + timedelta(minutes=1)) is is_due


def test_nothing_is_put_off_beyond_that():
    with pytest.raises(ValueError, match="nothing is put off"):
        event(clock.now()).retry("no luck", at_least=DAY)


def test_a_look_in_the_future_is_wrong_and_said(client):
    """A clock a day ahead put the sweep to sleep, and health said ok."""
    sweep_row()
    ahead = clock.now() + DAY
    Sweep.objects.update(tried_at=ahead, succeeded_at=ahead, next_attempt_at=ahead, read_until=ahead)
    answer = client.get("/health")
    assert (answer.status_code, answer.json()["worker"], answer.json()["node"]) == (503, "clock", "clock")
    assert [line.kind for line in needs_attention()] == ["clock"]
    assert {row.name for row in due_rows(discover().queue("sweep"))} == {Sweep.INCOMING, Sweep.AGAIN}


@pytest.mark.parametrize("queue", discover().queues, ids=lambda queue: queue.name)
def test_every_queue_can_be_read(queue):
    assert due_rows(queue) == []
