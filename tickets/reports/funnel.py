"""Funnel: from a look at an event's page to the stream's end."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import (
    Count,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Sum,
    Value,
)
from django.db.models.functions import Cast

from accounts.roles import Ability
from payments.models import Invoice
from tickets.models import CheckIn, Order

from .models import PageViews, TimeInRoom
from .periods import Period
from .scopes import Scope


@dataclass(frozen=True)
class Funnel:
    """Page views within a period, and orders placed in it: how many of them got how far by now."""

    viewed: int
    held: int
    invoiced: int
    paid: int
    joined: int
    stayed: int


def views(scope: Scope, period: Period, database: str) -> int:
    rows = scope.rows(PageViews, database, Ability.SEE_MONEY, "event")
    rows = rows.filter(quarter__gte=period.start, quarter__lt=period.end)
    return rows.aggregate(n=Sum("views"))["n"] or 0


def funnel(scope: Scope, period: Period, database: str) -> Funnel:
    """`invoiced` had a BOLT11, or nothing to pay; `joined` used a ticket, at the door or the stream."""
    orders = scope.rows(Order, database, Ability.SEE_MONEY, "event")
    orders = orders.filter(created_at__gte=period.start, created_at__lt=period.end).order_by()
    opened = Invoice.objects.using(database).filter(payment=OuterRef("payment"), invoice_id__isnull=False)
    used = CheckIn.objects.using(database).filter(ticket__order=OuterRef("pk"))
    watched = stayed(TimeInRoom.objects.using(database).filter(ticket__order=OuterRef("pk")))
    told = orders.aggregate(
        held=Count("pk"), free=Count("pk", filter=Q(payment=None)),
        paid=Count("pk", filter=Q(paid_at__isnull=False)),
    )  # fmt: skip
    # Asked one by one they are joins; all in one they would be looked up for each order.
    invoiced, joined, remained = (orders.filter(Exists(each)).count() for each in (opened, used, watched))
    return Funnel(
        views(scope, period, database), told["held"], told["free"] + invoiced, told["paid"], joined, remained
    )


def stayed(times: QuerySet[TimeInRoom]) -> QuerySet[TimeInRoom]:
    """Those of tickets with which the live stream was open for half of the event's length, or longer."""
    event = "ticket__order__event__"
    length = ExpressionWrapper(F(f"{event}end_time") - F(f"{event}start_time"), output_field=DurationField())
    minutes = Cast("live_minutes", IntegerField())  # SQLite multiplies no other ones by durations
    watched = ExpressionWrapper(minutes * Value(timedelta(minutes=2)), output_field=DurationField())
    return times.annotate(length=length, watched=watched).filter(watched__gte=F("length"))
