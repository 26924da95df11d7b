"""Worker: leases of several workers at once, no more than there are free threads, and what wakes it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from payments.models import Payment, Sweep, WebhookEvent
from tests.acts import together
from tests.factories import OrderFactory, WebhookEventFactory
from tests.processes import wait_until
from tickets.models import Order
from ticketsuma import listening
from ticketsuma.jobs import worker as jobs_worker
from ticketsuma.jobs.models import wake_workers
from ticketsuma.jobs.registry import Queue, Registry, discover
from ticketsuma.jobs.worker import THREADS, Agenda, Worker, due_rows

pytestmark = pytest.mark.django_db(transaction=True)
WITHIN = timedelta(seconds=2)
FAR_AWAY = 60.0  # seconds: no look by itself comes in time
needs_notify = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite tells nobody anything")
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


# -- one look at all queues -----------------------------------------------------------------------
@pytest.fixture
def agenda() -> Agenda:
    return Agenda(discover().queues)


def hold_until(moment: datetime) -> None:
    Order.objects.filter(pk=OrderFactory().pk).update(expires_at=moment)


def names(queues: list[Queue]) -> list[str]:
    return [queue.name for queue in queues]


def test_one_statement_asks_all_queues(agenda, django_assert_num_queries):
    assert agenda.look(WITHIN) == ([], None)
    WebhookEventFactory(event_id="e", next_attempt_at=timezone.now())
    hold_until(timezone.now() - timedelta(seconds=1))
    with django_assert_num_queries(1):
        due, _next = agenda.look(WITHIN)
    assert names(due) == ["webhook events", "expiries"]


def test_a_look_says_when_the_next_row_is_due(agenda):
    soon, later = timezone.now() + WITHIN / 2, timezone.now() + 2 * WITHIN
    WebhookEventFactory(event_id="e", next_attempt_at=soon)
    WebhookEventFactory(event_id="f", next_attempt_at=later)
    assert agenda.look(WITHIN) == ([], soon)


def test_a_look_finds_what_a_wrong_clock_put_off_for_a_day(agenda):
    WebhookEventFactory(event_id="e", next_attempt_at=timezone.now() + timedelta(days=1))
    assert names(agenda.look(WITHIN)[0]) == ["webhook events"]


def test_every_look_has_a_time_of_its_own(agenda):
    """The statement was built for the first one; conditions of other moments would be frozen in it."""
    hold_until(timezone.now() + WITHIN)
    agenda.look(WITHIN)
    Order.objects.update(expires_at=timezone.now() + WITHIN)
    assert names(agenda.look(WITHIN)[0]) == []
    wait_until(lambda: "expiries" in names(agenda.look(WITHIN)[0]), 10, "the hold is over")


# -- woken ------------------------------------------------------------------------------------------
@contextmanager
def working() -> Iterator[list[str]]:
    """A worker in a thread, in whose queue are webhook events; the ids of those that it has handled."""
    handled: list[str] = []

    def handle(row: WebhookEvent) -> None:
        WebhookEvent.objects.filter(pk=row.pk).update(next_attempt_at=None, processed_at=timezone.now())
        handled.append(row.event_id)

    registry = Registry()
    registry.add_queue(replace(due_events(0), handle=handle))
    worker = Worker(registry)

    def run() -> None:
        worker.run()
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        if connection.vendor == "postgresql":
            wait_until(lambda: worker._listener.is_up, 10, "it listens")
        yield handled
    finally:
        worker.stop()
        thread.join()
        wait_until(lambda: not listeners(), 10, "nobody listens any more")


def listeners() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("listens to")]


def schedule(event_id: str) -> None:
    with transaction.atomic():
        WebhookEventFactory(event_id=event_id, **WebhookEvent.scheduled())


@needs_notify
def test_work_wakes_the_worker_when_it_is_committed(monkeypatch):
    monkeypatch.setattr(jobs_worker, "SLOW_LOOK_SECONDS", FAR_AWAY)
    with working() as handled:
        for name in ("first", "second"):  # the look that it begins with finds no second one
            schedule(name)
            wait_until(lambda name=name: name in handled, 10, "it is woken")


@needs_notify
def test_what_nobody_was_told_of_is_found_all_the_same():
    with working() as handled:
        WebhookEventFactory(event_id="untold", next_attempt_at=timezone.now())
        wait_until(lambda: handled == ["untold"], 5, "the slow look finds it")


@needs_notify
def test_a_worker_whose_line_is_lost_looks_often_and_listens_again(monkeypatch):
    monkeypatch.setattr(jobs_worker, "SLOW_LOOK_SECONDS", FAR_AWAY)
    may_connect = threading.Event()
    may_connect.set()
    connect = listening.connect_directly

    def connect_if_possible(*database, **parameters):
        if not may_connect.is_set():
            raise listening.psycopg.OperationalError("away")
        return connect(*database, **parameters)

    monkeypatch.setattr(listening, "connect_directly", connect_if_possible)
    with working() as handled:
        may_connect.clear()
        cut_lines()
        WebhookEventFactory(event_id="untold", next_attempt_at=timezone.now())
        wait_until(lambda: handled == ["untold"], 10, "it looks by itself")
        may_connect.set()
        wait_until(lambda: lines() == 1, 10, "it listens again")
        schedule("told")
        wait_until(lambda: handled == ["untold", "told"], 10, "it is woken again")


LISTENING = "FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %%'"


def lines() -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) {LISTENING}")
        return cursor.fetchone()[0]


def cut_lines() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_terminate_backend(pid) {LISTENING}")


@needs_notify
def test_one_transaction_tells_once_and_what_is_undone_tells_nothing(django_capture_statements):
    with django_capture_statements() as said:
        with transaction.atomic():
            wake_workers()
            with transaction.atomic():
                Payment.scheduled()
                Sweep.requeued()
        Payment.scheduled()
        with transaction.atomic():
            wake_workers()
            transaction.set_rollback(True)
        with transaction.atomic():
            Sweep.scheduled(timezone.now())
    assert said == ["NOTIFY work"]


@pytest.fixture
def django_capture_statements():
    @contextmanager
    def captured() -> Iterator[list[str]]:
        said: list[str] = []
        with CaptureQueriesContext(connection) as asked:
            yield said
        said += [each["sql"] for each in asked.captured_queries if each["sql"].startswith("NOTIFY")]

    return captured
