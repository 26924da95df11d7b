"""Today's sales, for the admin's index."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.db.models import Count, Max, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import User
from accounts.roles import Ability, may, visible
from payments.models import Sweep
from tickets.models import Order
from ticketsuma.money import MSATS_PER_SAT
from ticketsuma.replica import for_reports


@dataclass(frozen=True)
class EventSales:
    event_id: int
    title: str
    orders: int
    seats: int
    sats: int
    last_paid_at: datetime


@dataclass(frozen=True)
class Sales:
    """Orders paid since midnight (UTC) that are still paid; `balance_sats` as the worker last heard it."""

    events: list[EventSales]
    balance_sats: int | None

    @property
    def orders(self) -> int:
        return sum(line.orders for line in self.events)

    @property
    def seats(self) -> int:
        return sum(line.seats for line in self.events)

    @property
    def sats(self) -> int:
        return sum(line.sats for line in self.events)


def sales_today(user: User) -> Sales:
    """What `user` may see of it; the node's balance is the operators'."""
    events = for_reports(partial(_sold_today, user))
    if not may(user, Ability.OPERATE):
        return Sales(events, None)
    balance = Sweep.objects.filter(name=Sweep.INCOMING).values_list("available_msats", flat=True).first()
    return Sales(events, None if balance is None else balance // MSATS_PER_SAT)


def _sold_today(user: User, database: str) -> list[EventSales]:
    midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    mine = visible(user, Order.objects.using(database), Ability.SEE_MONEY)
    paid = mine.filter(status=Order.Status.PAID, paid_at__gte=midnight)
    rows = paid.values("event_id", "event__title").annotate(
        orders=Count("pk"),
        seats=Sum("quantity"),
        sats=Coalesce(Sum("payment__amount_sats"), 0),
        last=Max("paid_at"),
    )
    return [
        EventSales(
            row["event_id"], row["event__title"], row["orders"], row["seats"], row["sats"], row["last"]
        )
        for row in rows.order_by("-last")
    ]
