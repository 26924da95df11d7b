"""The database's clock, by which all processes read leases and due times, instead of their machines'.

Between two looks at it the process counts on with a clock that nobody sets, so that a machine whose time
jumps neither sleeps through its work nor takes another's.
"""

import time
from datetime import datetime, timedelta

from django.db.backends.signals import connection_created
from django.utils import timezone

LOOK_EVERY_SECONDS = 10.0
# Machines agree within seconds (docs/operations.md).
MACHINES_DIFFER = timedelta(seconds=5)
# The database's time, and the monotonic moment at which it was that; None on SQLite, which has no clock.
_seen: tuple[datetime, float] | None = None


def now() -> datetime:
    """The database's time, asked at most ten seconds ago; with SQLite the machine's. Makes no query."""
    if _seen is None:
        return timezone.now()
    moment, at = _seen
    return moment + timedelta(seconds=time.monotonic() - at)


def is_ahead(moment: datetime | None) -> bool:
    """Whether `moment`, when something happened, has yet to come: the clock that wrote it was wrong."""
    return moment is not None and moment > now() + MACHINES_DIFFER


def is_recent(moment: datetime | None, *, within: timedelta) -> bool:
    """Whether `moment` is at most `within` ago, and not ahead."""
    return moment is not None and now() - moment < within and not is_ahead(moment)


def _look(connection, **kwargs) -> None:
    """Read the clock when a connection is taken, now and then; on the driver's own connection, uncounted."""
    global _seen
    if connection.vendor != "postgresql":
        return
    if _seen is None or time.monotonic() - _seen[1] > LOOK_EVERY_SECONDS:
        with connection.connection.cursor() as cursor:
            before = time.monotonic()
            moment = cursor.execute("SELECT clock_timestamp()").fetchone()[0]
        _seen = (moment, before)


connection_created.connect(_look, dispatch_uid="ticketsuma.clock")
