"""Registry of the worker's work: queues, periodic tasks and start hooks, which the apps' `tasks.py` register.

`discover()` imports them. The worker and `manage.py retry_payments` call it, and no web process: what
handlers import (the SDKs) takes two seconds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db.models import Q, QuerySet
from django.utils.module_loading import autodiscover_modules


@dataclass(frozen=True, kw_only=True)
class Queue:
    """A kind of due row (`Job`): `due(now)` finds them, `handle(row)` does the work within `lease`.

    Queues are read by `priority`, the smallest first: that counts when threads are short. `is_external`: the
    handler may wait for somebody else's server, that of `host_of(row)`, where the rows `at_host(host)` wait
    too; without these two, for one that nobody else waits for.

    The contract of a handler: it gets one row, whose lease the caller holds, and no transaction. It may run
    again after a crash at any line, and, if it outlives its lease, twice at once; so what it does twice must
    have the effect of once. It waits for no network inside a transaction. When it returns, the row is done
    (`Job.done`); the statement that writes the result also says when the row is due next, if ever. It does
    not try again itself: who retries is the runner, by the exception that the handler raises. A DomainError
    is noted in the row, which comes back later (`Job.retry`) and is given up after `max_attempts`; any other
    exception is logged too; InvalidTransition says that somebody else was faster, and is no failure. Only
    a handler that knows a better delay, or that no attempt will help, calls `retry(…, at_least=…)` or
    `give_up` on its row, and returns.
    """

    name: str
    priority: int
    due: Callable[[datetime], QuerySet]
    handle: Callable[[Any], object]
    lease: timedelta = timedelta(seconds=30)
    is_external: bool = False
    host_of: Callable[[Any], str] | None = None
    at_host: Callable[[str], Q] | None = None


@dataclass(frozen=True)
class PeriodicTask:
    """Work that is not in rows: every worker does it, and several at once do no harm."""

    every_seconds: float
    run: Callable[[], object]


class Registry:
    """What the apps registered; a name or a priority twice is a mistake that stops the start."""

    def __init__(self) -> None:
        self.queues: list[Queue] = []  # by priority
        self.periodic_tasks: list[PeriodicTask] = []
        self.start_hooks: list[Callable[[], object]] = []

    def queue(self, name: str) -> Queue:
        return next(queue for queue in self.queues if queue.name == name)

    def add_queue(self, queue: Queue) -> None:
        for other in self.queues:
            if other.name == queue.name:
                raise ImproperlyConfigured(f"Two queues are named {queue.name!r}.")
            if other.priority == queue.priority:
                both = f"{other.name!r} and {queue.name!r}"
                raise ImproperlyConfigured(f"The queues {both} have the same priority, {queue.priority}.")
        self.queues.append(queue)
        self.queues.sort(key=lambda one: one.priority)

    def add_periodic_task(self, every_seconds: float, run: Callable[[], object]) -> None:
        if any(task.run == run for task in self.periodic_tasks):
            raise ImproperlyConfigured(f"The periodic task {run.__qualname__} is registered twice.")
        self.periodic_tasks.append(PeriodicTask(every_seconds, run))

    def add_start_hook(self, hook: Callable[[], object]) -> None:
        """`hook` is called once when a worker starts, before it reads a queue."""
        if hook in self.start_hooks:
            raise ImproperlyConfigured(f"The start hook {hook.__qualname__} is registered twice.")
        self.start_hooks.append(hook)


registry = Registry()


def discover() -> Registry:
    """The registry after `tasks.py` of every installed app was imported."""
    autodiscover_modules("tasks")
    return registry
