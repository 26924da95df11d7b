"""Attendance of one event: who came, at the door or by joining, and who was in the stream, by minute."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q, Sum
from django.db.models.functions import TruncMinute

from accounts.roles import Ability
from events.models import Event
from tickets.models import CheckIn, Order

from .funnel import stayed
from .models import RoomMinute, TimeInRoom
from .scopes import Scope

BEFORE_START, STEP = 30, 5  # minutes
MOST_BARS = 120


@dataclass(frozen=True)
class Room:
    """The stream's room: in how many browsers it was open. Minutes are counted from the event's start.

    `minutes` are those from the first with a viewer to the last one. `stayed` had it open for half of the
    event's length; the replay was opened with `replayed` tickets, for `replay_minutes` in sum.
    """

    minutes: list[tuple[int, int]]
    peak: int
    peak_at: datetime | None
    stayed: int
    replayed: int
    replay_minutes: int

    @property
    def bars(self) -> list[tuple[int, int]]:
        """The most viewers of each minute, or of steps of some: a long event's are no wall of lines."""
        step = -(-len(self.minutes) // MOST_BARS)
        parts = [self.minutes[at : at + step] for at in range(0, len(self.minutes), step or 1)]
        return [(part[0][0], max(count for _minute, count in part)) for part in parts]


@dataclass(frozen=True)
class Attendance:
    """Who came to one event: tickets that admit, used at the door or by joining, minute by minute."""

    admitted: int
    joined: int
    at_door: int
    minutes: list[tuple[int, int]]  # minutes after the start, how many came within it
    room: Room

    @property
    def came(self) -> int:
        return self.joined + self.at_door


def attendance(scope: Scope, database: str) -> Attendance | None:
    """None without an event. Arrivals are counted in steps of five minutes from half an hour before."""
    event = scope.event
    if event is None:
        return None
    came = scope.rows(CheckIn, database, Ability.SEE_MONEY, "ticket__order__event")
    by_minute = came.order_by().annotate(minute=TruncMinute("at")).values_list("minute")
    counted = by_minute.annotate(all=Count("pk"), by_stream=Count("pk", filter=Q(by_name="")))
    length = int((event.end_time - event.start_time).total_seconds() // 60)
    last = min(length, 12 * 60)
    steps = dict.fromkeys(range(-BEFORE_START, last + 1, STEP), 0)
    joined = at_door = 0
    for at, count, by_stream in counted:
        joined, at_door = joined + by_stream, at_door + count - by_stream
        place = min(max(_minute(event, at), -BEFORE_START), last)
        steps[place - place % STEP] += count
    tickets = event.orders.using(database).filter(status=Order.Status.PAID)
    admitted = tickets.aggregate(n=Count("tickets", filter=Q(tickets__voided_at=None)))["n"]
    return Attendance(admitted, joined, at_door, sorted(steps.items()), _room(scope, event, database))


def _room(scope: Scope, event: Event, database: str) -> Room:
    rows = scope.rows(RoomMinute, database, Ability.SEE_MONEY, "event").order_by("minute")
    rows = rows.filter(minute__gte=event.start_time - timedelta(days=1), minute__lt=event.end_time)
    seen = dict(rows.values_list("minute", "viewers"))
    minutes = []
    if seen:
        first, last = min(seen), max(seen)
        for number in range(int((last - first).total_seconds() // 60) + 1):
            at = first + timedelta(minutes=number)
            minutes.append((_minute(event, at), seen.get(at, 0)))
    times = scope.rows(TimeInRoom, database, Ability.SEE_MONEY, "ticket__order__event")
    replay = times.aggregate(
        replayed=Count("pk", filter=Q(replay_minutes__gt=0)), replay_minutes=Sum("replay_minutes")
    )
    peak = max(seen.values(), default=0)
    peak_at = min((at for at, count in seen.items() if count == peak), default=None)
    return Room(
        minutes, peak, peak_at, stayed(times).count(), replay["replayed"], replay["replay_minutes"] or 0
    )


def _minute(event: Event, at: datetime) -> int:
    return int((at - event.start_time).total_seconds() // 60)
