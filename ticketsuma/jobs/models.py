"""Rows that are work for the worker: due times, leases, retries and giving up."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from ticketsuma import clock
from ticketsuma.listening import tell_after_commit
from ticketsuma.state_machine import InvalidTransition

# Work that fails for less mends itself more often than not.
FAILING_IS_SEEN_AFTER = timedelta(minutes=5)
WORK = "work"  # the channel by which workers are told that something is due


def wake_workers() -> None:
    """Have the workers look for what is due as soon as this transaction is committed."""
    tell_after_commit(WORK)


def failing(rows: QuerySet) -> QuerySet:
    """Those of some waiting work (`Job`) that have failed for so long that staff should know."""
    seen = clock.now() - FAILING_IS_SEEN_AFTER
    return rows.filter(failing_since__lt=seen, parked_at=None, next_attempt_at__isnull=False)


class Job(models.Model):
    """A row that is work for the worker from `next_attempt_at` on (null: nothing to do, or parked).

    Taking the work moves `next_attempt_at` past the lease, by one conditional UPDATE for a row or one for
    all that a transaction has locked, so two workers never hold a row at once, and a dead worker's comes
    back when the lease runs out. Leases and delays are by the database's clock (`ticketsuma.clock`).
    """

    next_attempt_at = models.DateTimeField(_("next attempt"), null=True, blank=True)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    last_error = models.CharField(_("last error"), max_length=300, blank=True)
    parked_at = models.DateTimeField(
        _("given up"), null=True, blank=True, help_text=_("Given up after the last attempt.")
    )
    failing_since = models.DateTimeField(
        _("failing since"), null=True, blank=True, help_text=_("Since when no attempt succeeded.")
    )

    max_attempts: ClassVar[int] = 8
    first_delay_seconds: ClassVar[float] = 2.0
    longest_delay_seconds: ClassVar[float] = 600.0
    # Nothing is ever put off for longer: what is due later was written by a clock that was wrong, and is due.
    furthest_due: ClassVar[timedelta] = timedelta(hours=1)
    wakes_workers: ClassVar[bool] = True  # whether what is scheduled for now is due now
    was_put_back = False  # by the attempt in hand

    class Meta:
        abstract = True

    def traced_payment(self) -> Any:
        """The id of the payment that this work is about, by which its trace is named; None without one."""
        return getattr(self, "payment_id", None)

    # Fields for the statement that writes what happened, so that work and state change in one.
    @classmethod
    def scheduled(cls, at: datetime | None = None) -> dict[str, Any]:
        """Work is due `at`, or now: in a transaction, the workers are woken after its commit."""
        if at is None and cls.wakes_workers:
            wake_workers()
        return {"next_attempt_at": at or clock.now()}

    @classmethod
    def requeued(cls) -> dict[str, Any]:
        """Work begins anew, now, as if it had never been tried."""
        return cls.scheduled() | {"attempts": 0, "parked_at": None, "failing_since": None}

    @staticmethod
    def finished() -> dict[str, Any]:
        """Nothing is left to do, and nothing that was given up matters."""
        return {"next_attempt_at": None, "parked_at": None}

    @classmethod
    def is_work_at(cls, now: datetime) -> Q:
        """The rows that are work at `now`."""
        return Q(next_attempt_at__lte=now) | Q(next_attempt_at__gt=now + cls.furthest_due)

    def acquire_lease(self, lease: timedelta, now: datetime | None = None) -> bool:
        """Take this due row for `lease`; False when another worker has it or it is not due."""
        now = now or clock.now()
        row = type(self)._base_manager.filter(pk=self.pk, next_attempt_at=self.next_attempt_at)
        if self.next_attempt_at is None or now < self.next_attempt_at <= now + self.furthest_due:
            return False
        if not row.update(next_attempt_at=now + lease, attempts=F("attempts") + 1):
            return False
        self._is_leased(now + lease)
        return True

    @classmethod
    def lease_locked(cls, rows: Sequence["Job"], lease: timedelta) -> None:
        """Take `rows`, which this transaction found due and locked, for `lease`: one statement for all."""
        if rows:
            until = clock.now() + lease
            own = cls._base_manager.filter(pk__in=[row.pk for row in rows])
            own.update(next_attempt_at=until, attempts=F("attempts") + 1)
            for row in rows:
                row._is_leased(until)

    def _is_leased(self, until: datetime) -> None:
        self.next_attempt_at, self.attempts, self.was_put_back = until, self.attempts + 1, False

    def retry(self, error: object, *, at_least: timedelta = timedelta(0)) -> None:
        """Put the work back with growing, jittered delay; after `max_attempts` park it for staff to see.

        From the first time on it is failing, until an attempt succeeds (`done`): staff see work that
        fails for some minutes, long before it is given up (`FAILING_IS_SEEN_AFTER`).
        """
        if at_least > self.furthest_due:
            raise ValueError(f"{self._meta.label}: nothing is put off for longer than {self.furthest_due}")
        if self.attempts >= self.max_attempts:
            self.give_up(error)
            return
        delay = min(self.first_delay_seconds * 2 ** max(self.attempts - 1, 0), self.longest_delay_seconds)
        wait = timedelta(seconds=delay * random.uniform(0.8, 1.2))  # noqa: S311, jitter is no secret
        self._put_back(error, next_attempt_at=clock.now() + max(wait, at_least))

    def give_up(self, error: object) -> None:
        """Give the work up, for staff to see and to try again."""
        self._put_back(error, next_attempt_at=None, parked_at=clock.now())

    def _put_back(self, error: object, **changes) -> None:
        now = clock.now()
        since = Coalesce(F("failing_since"), Value(now, models.DateTimeField()))
        self.own_row().update(last_error=str(error)[:300], failing_since=since, **changes)
        self.was_put_back = True

    def own_row(self) -> QuerySet:
        """What an attempt may write to when it is over."""
        return type(self)._base_manager.filter(pk=self.pk)

    def done(self) -> None:
        """After an attempt: unless it was put back by `retry`, the row is not failing any more."""
        if self.failing_since and not self.was_put_back:
            type(self)._base_manager.filter(pk=self.pk).update(failing_since=None)

    def requeue(self, **changes) -> None:
        """Put given-up work back to the front, by staff's wish, and save `changes`.

        Of two at once the second gets InvalidTransition.
        """
        row = type(self)._base_manager.filter(pk=self.pk, parked_at__isnull=False)
        if not row.update(**self.requeued(), **changes):
            raise InvalidTransition(_("This is not given up any more: it is being tried again."))
        self.refresh_from_db()
