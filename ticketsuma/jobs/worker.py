"""Worker: one loop over rows that are due. Rows are the queue; run as many workers as you like."""

import logging
import signal
import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any

from django.db import close_old_connections, connection, transaction

from ticketsuma import clock
from ticketsuma.errors import DomainError
from ticketsuma.jobs.host_turns import Turns
from ticketsuma.jobs.models import Job
from ticketsuma.jobs.registry import PeriodicTask, Queue, Registry, discover
from ticketsuma.state_machine import InvalidTransition

logger = logging.getLogger(__name__)

THREADS = 16
THREADS_FOR_EXTERNAL = 4  # of them, those that may wait for somebody else's server
WAKE_SECONDS = 0.2
BATCH = 50


def work(queue: Queue, row: Job) -> str | None:
    """Handle one leased row; what went wrong, or None. The row keeps the error and comes back later."""
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


class Worker:
    """Finds due rows, takes their leases and hands them to a pool of threads until `stop()`."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="work")
        self._ran_at: dict[PeriodicTask, float] = {}
        self._turns = Turns(THREADS, THREADS_FOR_EXTERNAL)

    def stop(self, *_args) -> None:
        self._stop.set()

    def run(self) -> None:
        """Work until stopped; what is in hand is finished first. A database that is away is waited for."""
        for hook in self._registry.start_hooks:
            hook()
        while not self._stop.is_set():
            started = time.monotonic()
            try:
                close_old_connections()
                for queue in self._registry.queues:
                    self._hand_out(queue)
                self._run_periodic_tasks()
            except Exception:
                logger.exception("the worker could not read its queues")
                connection.close()
                self._stop.wait(1)
            self._stop.wait(max(0.0, WAKE_SECONDS - (time.monotonic() - started)))
        self._pool.shutdown(wait=True)

    def _hand_out(self, queue: Queue) -> None:
        """Give due rows to free threads, no more; one for whose host no turn is free waits in the table."""
        free = self._turns.free(is_external=queue.is_external)
        if not free:
            return
        limit = BATCH if queue.host_of else free  # the first rows may all be for one host
        can_lock = connection.features.has_select_for_update_skip_locked
        if can_lock and not due_rows(queue, limit=1):
            return  # as most looks end: without the statements of a transaction
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
