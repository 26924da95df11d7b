"""Counting in memory: views of event pages and browsers in rooms, written by a thread of each web process.

A request adds one to a dictionary, and no statement. Nothing of who looked is kept: no cookie is set and no
address is noted; of a room only with which ticket it was open. A process that is killed loses what it had not
written: at most the last quarter of a minute of views, and of rooms the minute that has begun and the one
before it. A stop in order writes all.
"""

import logging
import re
import threading
import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone

from events.models import Event
from tickets.models import Ticket

from .models import PageViews, RoomMinute, TimeInRoom

logger = logging.getLogger(__name__)
WRITE_EVERY_SECONDS = 15
MINUTE, QUARTER = timedelta(minutes=1), timedelta(minutes=15)
# In memory while the database is away; what is beyond is not counted.
MOST, MOST_MINUTES = 100_000, 60
_AT_ONCE = 1000  # rows of a statement
# Whoever calls itself one. Robots that do not are counted as people.
_ROBOT = re.compile(r"bot|crawl|spider|slurp|preview|facebookexternal|monitor|curl|wget|python|java/", re.I)

_lock = threading.Lock()
_views: Counter[tuple[int, datetime]] = Counter()  # by event and quarter
_rooms: dict[datetime, set[uuid.UUID]] = {}  # by minute: the tickets with which a room was open
_stopping = threading.Event()
_thread: threading.Thread | None = None


def _floor(moment: datetime, step: timedelta) -> datetime:
    return moment - (moment - datetime.min.replace(tzinfo=moment.tzinfo)) % step


def count_view(request: HttpRequest, event_id: int) -> None:
    """One more view of an event's page; robots and HEAD are none."""
    agent = request.headers.get("User-Agent", "")
    if request.method != "GET" or not agent or _ROBOT.search(agent):
        return
    key = event_id, _floor(timezone.now(), QUARTER)
    with _lock:
        if len(_views) < MOST:
            _views[key] += 1


def count_in_room(ticket_id: uuid.UUID) -> None:
    """A browser has the room open with this ticket: it says so six times a minute, and counts once."""
    minute = _floor(timezone.now(), MINUTE)
    with _lock:
        if minute in _rooms or len(_rooms) < MOST_MINUTES:
            _rooms.setdefault(minute, set()).add(ticket_id)


# -- writing it down ------------------------------------------------------------------------------
def start() -> None:
    """Called in each web process after its fork."""
    global _thread
    _thread = threading.Thread(target=_run, name="counting", daemon=True)
    _thread.start()


def stop() -> None:
    """At the end of a web process: writes what there is, the minute that has begun as well."""
    _stopping.set()
    if _thread:
        _thread.join(timeout=1)
    _try(everything=True)


def _run() -> None:
    while not _stopping.wait(WRITE_EVERY_SECONDS):
        _try()


def _try(*, everything: bool = False) -> None:
    try:
        write(everything=everything)
    except (DatabaseError, InterfaceError) as error:  # tried again with what comes
        logger.warning("views could not be written: %s", type(error).__name__)
    except Exception:
        logger.exception("views could not be written")
    finally:
        connection.close()


def write(*, everything: bool = False) -> None:
    """Write views, and of rooms the minutes that are over. What cannot be written stays in memory.

    Every process writes a minute within the next one, so all of them are done with it before any has one that
    is later; a ticket's minute counts when it is later than its last. So a browser that asked two processes
    within a minute counts once, and a process that was away for long counts too little, never twice.
    """
    with _lock:
        views = Counter(_views)
        _views.clear()
    try:
        _write_views(views)
    except Exception:
        with _lock:
            _views.update(views)
        raise
    now = _floor(timezone.now(), MINUTE)
    with _lock:
        over = {minute: _rooms.pop(minute) for minute in sorted(_rooms) if everything or minute < now}
    for minute in sorted(over):
        try:
            _write_minute(minute, over[minute])
        except Exception:
            with _lock:
                for each, tickets in over.items():
                    _rooms.setdefault(each, set()).update(tickets)
            raise
        del over[minute]


def _write_views(views: Counter[tuple[int, datetime]]) -> None:
    there = {*Event.objects.filter(pk__in={event for event, _quarter in views}).values_list("pk", flat=True)}
    rows = [(*key, count) for key, count in sorted(views.items()) if key[0] in there]
    with transaction.atomic():
        _insert(PageViews, ("event_id", "quarter", "views"), rows, _MORE_VIEWS)


def _write_minute(minute: datetime, tickets: set[uuid.UUID]) -> None:
    """Rows in the order of their keys: two processes that write the same ones wait, and never for ever."""
    pks = sorted(tickets)
    viewers: Counter[int] = Counter()
    with transaction.atomic():
        for begin in range(0, len(pks), _AT_ONCE):
            ends = Ticket.objects.filter(pk__in=pks[begin : begin + _AT_ONCE]).order_by("pk")
            found = list(ends.values_list("pk", "order__event_id", "order__event__end_time"))
            rows = [(pk, minute, int(minute < end), int(minute >= end)) for pk, _event, end in found]
            names = ("ticket_id", "last_minute", "live_minutes", "replay_minutes")
            counted = {uuid.UUID(str(pk)) for (pk,) in _insert(TimeInRoom, names, rows, _LATER)}
            viewers.update(event for pk, event, end in found if pk in counted and minute < end)
        sums = [(event, minute, count) for event, count in sorted(viewers.items())]
        _insert(RoomMinute, ("event_id", "minute", "viewers"), sums, _MORE_VIEWERS)


# What upserts do with a row that is there.
_MORE_VIEWS = "ON CONFLICT (event_id, quarter) DO UPDATE SET views = reports_pageviews.views + excluded.views"
_MORE_VIEWERS = """
ON CONFLICT (event_id, minute) DO UPDATE SET viewers = reports_roomminute.viewers + excluded.viewers
"""
_LATER = """
ON CONFLICT (ticket_id) DO UPDATE SET last_minute = excluded.last_minute,
    live_minutes = reports_timeinroom.live_minutes + excluded.live_minutes,
    replay_minutes = reports_timeinroom.replay_minutes + excluded.replay_minutes
WHERE reports_timeinroom.last_minute < excluded.last_minute
RETURNING ticket_id
"""


def _insert(model: type[Model], names: Sequence[str], rows: Sequence[tuple], then: str) -> list[tuple[Any]]:
    """Upserts that add, which the ORM cannot say; what they return."""
    fields = [next(each for each in model._meta.fields if each.attname == name) for name in names]
    told: list[tuple[Any]] = []
    for begin in range(0, len(rows), _AT_ONCE):
        part = rows[begin : begin + _AT_ONCE]
        values = [
            field.get_db_prep_save(value, connection)
            for row in part for field, value in zip(fields, row, strict=True)
        ]  # fmt: skip
        places = ", ".join([f"({', '.join(['%s'] * len(names))})"] * len(part))
        into = f"{model._meta.db_table} ({', '.join(names)})"
        with connection.cursor() as cursor:
            cursor.execute(f"INSERT INTO {into} VALUES {places} {then}", values)  # noqa: S608, names are ours
            told += cursor.fetchall() if "RETURNING" in then else []
    return told
