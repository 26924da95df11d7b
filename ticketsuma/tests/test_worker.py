"""Worker: leases of several workers at once, and no more of them than there are free threads."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from payments.models import WebhookEvent
from tests.acts import together
from tests.factories import WebhookEventFactory
from tests.processes import wait_until
from ticketsuma.jobs.registry import Queue, Registry, discover
from ticketsuma.jobs.worker import THREADS, Worker, due_rows

pytestmark = pytest.mark.django_db(transaction=True)
needs_skip_locked = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite has one writer and locks no rows"
)


def due_events(count: int) -> Queue:
    """Rows that are due, oldest first, and a queue of them."""
    now = timezone.now()
    for number in range(count):
        WebhookEventFactory(
            event_id=f"e{number}", type="t", entity_id="x",
            next_attempt_at=now - timedelta(minutes=10, seconds=-number),
        )  # fmt: skip
    return Queue(
        name="events", priority=1, due=lambda now: WebhookEvent.objects.all(), handle=lambda row: None
    )


@needs_skip_locked
@pytest.mark.parametrize("name", [queue.name for queue in discover().queues])
def test_every_queue_can_be_locked(name):
    with transaction.atomic():
        assert (
            len(due_rows(discover().queue(name), locked=True)) <= 1
        )  # the node's list alone is due by itself


@needs_skip_locked
def test_what_another_worker_is_taking_is_passed_over():
    queue = due_events(6)
    looked, may_end = threading.Event(), threading.Event()

    def first() -> list:
        with transaction.atomic():
            rows = due_rows(queue, limit=4, locked=True)
            looked.set()
            assert may_end.wait(10)
        return rows

    def second() -> list:
        assert looked.wait(10)
        try:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("SET LOCAL lock_timeout = '2s'")
                return due_rows(queue, locked=True)
        finally:
            may_end.set()

    theirs, ours = together(first, second)
    assert [row.event_id for row in theirs] == ["e0", "e1", "e2", "e3"]
    assert [row.event_id for row in ours] == ["e4", "e5"]


def test_no_more_is_leased_than_threads_are_free():
    queue = due_events(THREADS + 5)
    may_go = threading.Event()
    worker = Worker(Registry())
    queue = replace(queue, handle=lambda row: may_go.wait(10))
    worker._hand_out(queue)
    worker._hand_out(queue)
    leased = WebhookEvent.objects.filter(next_attempt_at__gt=timezone.now())
    assert set(leased.values_list("event_id", "attempts")) == {(f"e{number}", 1) for number in range(THREADS)}
    may_go.set()
    worker._pool.shutdown(wait=True)


def test_workers_share_what_is_due_and_each_row_is_handled_once():
    queue = due_events(60)
    handled: list[str] = []

    def handle(row: WebhookEvent) -> None:
        WebhookEvent.objects.filter(pk=row.pk).update(next_attempt_at=None, processed_at=timezone.now())
        handled.append(row.event_id)

    queue = replace(queue, handle=handle)

    def one_worker() -> None:
        worker = Worker(Registry())
        wait_until(lambda: worker._hand_out(queue) or len(handled) >= 60, 30, "all are handled")
        worker._pool.shutdown(wait=True)

    together(one_worker, one_worker, one_worker)
    assert sorted(handled) == sorted(f"e{number}" for number in range(60))
    assert set(WebhookEvent.objects.values_list("attempts", flat=True)) == {1}
