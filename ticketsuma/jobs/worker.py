"""Worker: one loop over rows that are due. Rows are the queue; run as many workers as you like.

On PostgreSQL it is woken when work is written down (`wake_workers`), and when a row in hand is done; then,
and now and then by itself, it asks all queues at once what is due.
"""

import logging
import signal
import threading
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from django.db import close_old_connections, connection, transaction

from ticketsuma import clock
from ticketsuma.conf import traces
from ticketsuma.errors import DomainError
from ticketsuma.jobs.host_turns import Turns
from ticketsuma.jobs.models import WORK, Job
from ticketsuma.jobs.registry import PeriodicTask, Queue, Registry, discover
from ticketsuma.listening import Listener
from ticketsuma.state_machine import InvalidTransition

logger = logging.getLogger(__name__)

THREADS = 16
THREADS_FOR_EXTERNAL = 4  # of them, those that may wait for somebody else's server
LOOK_SECONDS = 0.2  # unless it is woken
SLOW_LOOK_SECONDS = 5.0  # where it is
BREATH_SECONDS = 0.02  # between two looks at least, so that many wakings are one look
BATCH = 50


def work(queue: Queue, row: Job) -> str | None:
    """Handle one leased row; what went wrong, or None. The row keeps the error and comes back later."""
    with traces.work(f"job {queue.name}") as traced:
        if traces.is_on():
            traces.about(row.traced_payment())
        error = _handle(queue, row)
        traced.facts |= {"row": str(row.pk), "error": error or ""}
    return error


def _handle(queue: Queue, row: Job) -> str | None:
    try:
        queue.handle(row)
        row.done()
    except InvalidTransition:
        return None  # somebody else brought it further meanwhile
    except DomainError as refusal:
        row.retry(refusal.noted)
        return refusal.noted
    except Exception as error:
        logger.exception("%s: row %s failed", queue.name, row.pk)
        row.retry(type(error).__name__)
        return type(error).__name__
    finally:
        connection.close()
    return None


def due_rows(
    queue: Queue, *, limit: int = BATCH, without: Collection[str] = (), locked: bool = False
) -> list[Job]:
    """What is due, the longest due first; of what waits for strangers' servers, what never failed first.

    Rows for the hosts in `without` are left out, so that however many they are they hide no other.
    `locked`: of two transactions that ask at once, each gets rows that the other has not.
    """
    now = clock.now()
    rows = queue.due(now)
    rows = rows.filter(rows.model.is_work_at(now))
    if locked:
        rows = rows.select_for_update(skip_locked=True, of=("self",))
    if queue.at_host:
        for host in without:
            rows = rows.exclude(queue.at_host(host))
    order = ("attempts", "next_attempt_at") if queue.is_external else ("next_attempt_at",)
    return list(rows.order_by(*order)[:limit])


class Agenda:
    """Asks, in one statement, when each queue has something to do; the statement is built once.

    Conditions of a queue may compare with `now`, which `Queue.due` is given, and with no other moment.
    """

    _NOW, _SOON = (datetime(year, 1, 1, tzinfo=UTC) for year in (2001, 2002))  # stand for those of a look

    def __init__(self, queues: Sequence[Queue]) -> None:
        self._queues = queues
        self._furthest = [queue.due(self._NOW).model.furthest_due for queue in queues]

    def look(self, within: timedelta) -> tuple[list[Queue], datetime | None]:
        """The queues in which something is due, and the moment `within` which the next row will be."""
        if not self._queues:
            return [], None
        now = clock.now()
        soon = now + within
        said = {self._NOW: now, self._SOON: soon} | {self._SOON + far: soon + far for far in self._furthest}
        real = {_prepared(word): _prepared(moment) for word, moment in said.items()}
        sql, words = self._statement
        with connection.cursor() as cursor:
            cursor.execute(sql, [real.get(word, word) for word in words])
            first = cursor.fetchone()
        firsts = list(zip(self._queues, map(_moment, first), strict=True))
        due = [queue for queue, at in firsts if at and not now < at <= soon]
        return due, min((at for _queue, at in firsts if at and now < at <= soon), default=None)

    @cached_property
    def _statement(self) -> tuple[str, list[Any]]:
        parts: list[str] = []
        words: list[Any] = []
        for queue in self._queues:
            rows = queue.due(self._NOW)
            rows = rows.filter(rows.model.is_work_at(self._SOON)).order_by("next_attempt_at")
            sql, parameters = rows.values("next_attempt_at")[:1].query.sql_with_params()
            parts.append(f"({sql})")
            words += parameters
        return f"SELECT {', '.join(parts)}", words


def _prepared(moment: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(moment)


def _moment(value: Any) -> datetime | None:
    """A moment as the driver reads it: in UTC without saying so, or as text, from SQLite's."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment


class Worker:
    """Finds due rows, takes their leases and hands them to a pool of threads until `stop()`."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="work")
        self._ran_at: dict[PeriodicTask, float] = {}
        self._turns = Turns(THREADS, THREADS_FOR_EXTERNAL)
        self._agenda = Agenda(registry.queues)
        self._woken = threading.Event()
        self._listener = Listener(WORK, self._woken.set)

    def stop(self, *_args) -> None:
        self._stop.set()
        self._woken.set()

    def run(self) -> None:
        """Work until stopped; what is in hand is finished first. A database that is away is waited for."""
        for hook in self._registry.start_hooks:
            hook()
        self._listener.start()
        while not self._stop.is_set():
            pause = SLOW_LOOK_SECONDS if self._listener.is_up else LOOK_SECONDS
            self._woken.clear()
            try:
                close_old_connections()
                self._run_periodic_tasks()
                due, next_at = self._agenda.look(timedelta(seconds=pause))
                for queue in due:
                    self._hand_out(queue)
                if next_at:
                    pause = (next_at - clock.now()).total_seconds()
            except Exception:
                logger.exception("the worker could not read its queues")
                connection.close()
                self._stop.wait(1)
            self._stop.wait(BREATH_SECONDS)
            self._woken.wait(max(0.0, pause - BREATH_SECONDS))
        self._listener.stop()
        self._pool.shutdown(wait=True)

    def _hand_out(self, queue: Queue) -> None:
        """Give due rows to free threads, no more; one for whose host no turn is free waits in the table."""
        free = self._turns.free(is_external=queue.is_external)
        if not free:
            return
        limit = BATCH if queue.host_of else free  # the first rows may all be for one host
        can_lock = connection.features.has_select_for_update_skip_locked
        taken: list[tuple[Job, str]] = []  # with the host whose turn it is
        leased: set[Any] = set()
        try:
            with transaction.atomic() if can_lock else nullcontext():
                for row in due_rows(queue, limit=limit, without=self._turns.full_hosts(), locked=can_lock):
                    host = queue.host_of(row) if queue.host_of else ""
                    if self._turns.take(is_external=queue.is_external, host=host):
                        taken.append((row, host))
                rows = [row for row, _host in taken]
                if can_lock and rows:
                    rows[0].lease_locked(rows, queue.lease)
                else:
                    rows = [row for row in rows if row.acquire_lease(queue.lease)]
            leased = {row.pk for row in rows}
        finally:
            for row, host in taken:
                if row.pk in leased:
                    self._pool.submit(self._work_and_free, queue, row, host)
                else:
                    self._turns.give_back(is_external=queue.is_external, host=host)

    def _run_periodic_tasks(self) -> None:
        for task in self._registry.periodic_tasks:
            if time.monotonic() - self._ran_at.get(task, float("-inf")) >= task.every_seconds:
                self._ran_at[task] = time.monotonic()
                task.run()

    def _work_and_free(self, queue: Queue, row: Job, host: str) -> None:
        try:
            work(queue, row)
        finally:
            self._turns.give_back(is_external=queue.is_external, host=host)
            self._woken.set()  # there may be more for a thread that is free again


def run_forever() -> None:
    worker = Worker(discover())
    signal.signal(signal.SIGTERM, worker.stop)
    signal.signal(signal.SIGINT, worker.stop)
    logger.info("the worker is up")
    worker.run()
    logger.info("the worker is down")


def run_once(on_row: Callable[[str, Job, str | None], None] | None = None) -> int:
    """Handle everything that is due now, in this thread; how many rows. For `retry_payments` and tests.

    No start hook is called.
    """
    registry = discover()
    for task in registry.periodic_tasks:
        task.run()
    count = 0
    for queue in registry.queues:
        for row in due_rows(queue, limit=10_000):
            if row.acquire_lease(queue.lease):
                error = work(queue, row)
                count += 1
                if on_row:
                    on_row(queue.name, row, error)
    return count
