"""Attendance of one event: who came, at the door or by joining the stream, minute by minute."""

from dataclasses import dataclass

from django.db.models import Count, Q
from django.db.models.functions import TruncMinute

from accounts.roles import Ability
from tickets.models import CheckIn, Order

from .scopes import Scope


@dataclass(frozen=True)
class Attendance:
    """Who came to one event: tickets that admit, used at the door or by joining, minute by minute."""

    admitted: int
    joined: int
    at_door: int
    minutes: list[tuple[int, int]]  # minutes after the start, how many came within it

    @property
    def came(self) -> int:
        return self.joined + self.at_door


BEFORE_START, STEP = 30, 5  # minutes


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
        minute = int((at - event.start_time).total_seconds() // 60)
        place = min(max(minute, -BEFORE_START), last)
        steps[place - place % STEP] += count
    tickets = event.orders.using(database).filter(status=Order.Status.PAID)
    admitted = tickets.aggregate(n=Count("tickets", filter=Q(tickets__voided_at=None)))["n"]
    return Attendance(admitted, joined, at_door, sorted(steps.items()))
