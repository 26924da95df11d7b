"""Announcements to ticket holders: reminders and changes, sent by the worker."""

import uuid
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from events.models import Event
from tickets.announcement_models import TOLD
from tickets.models import Announcement, EventChange, Mail, Order

DAY_BEFORE = timedelta(hours=24)
HOUR_BEFORE = timedelta(hours=1)
# Staff may correct a slip of the pen before anybody hears of it.
SETTLES_AFTER = timedelta(seconds=60)
BATCH = 500
_NAMES = uuid.UUID("7a8f6f3e-2d0c-4b55-9a52-6f0c6d1f7b11")


def about_start(event: Event) -> uuid.UUID:
    """What a reminder is about: this start of this event; a moved event is reminded of anew."""
    return uuid.uuid5(_NAMES, f"{event.pk} starts {event.start_time.timestamp()}")


def queue_reminders() -> int:
    """Write the reminders that are due now, one per paid order, kind and start; how many.

    Who bought after a reminder's moment knows when it starts. Two at once write each reminder once.
    """
    now = timezone.now()
    coming = Event.objects.filter(canceled_at=None, start_time__gt=now, start_time__lte=now + DAY_BEFORE)
    count = 0
    for event in coming:
        is_near = event.start_time - now <= HOUR_BEFORE
        kind = Mail.Kind.REMINDER_HOUR if is_near else Mail.Kind.REMINDER_DAY
        moment = event.start_time - (HOUR_BEFORE if is_near else DAY_BEFORE)
        orders = _holders(event, paid_before=moment)
        count += _tell(orders, kind=kind, about=about_start(event))
    return count


def queue_changes() -> int:
    """Write one mail per paid order for each event of which holders were told something else; how many.

    The event and what was announced are compared and made equal in one transaction, under the
    announcement's lock: a crash between loses nothing, two at once tell it once. What was announced is
    written with the event, so a change while no worker was there is told as well.
    """
    now = timezone.now()
    coming = Event.objects.filter(canceled_at=None, end_time__gt=now)
    _announce_what_is_older()
    same = Q(**{name: F(f"announcement__{name}") for name in TOLD})
    changed = coming.exclude(same).filter(updated_at__lte=now - SETTLES_AFTER)
    return sum(_announce(event.pk) for event in changed)


def _announce_what_is_older() -> None:
    """Events and announcements of an earlier version of the shop are as they stand now."""
    unannounced = Event.objects.filter(announcement=None, end_time__gt=timezone.now())
    Announcement.objects.bulk_create(
        [Announcement(event_id=row.pop("pk"), **row) for row in unannounced.values("pk", *TOLD)],
        ignore_conflicts=True,
    )
    now = Event.objects.filter(pk=OuterRef("event"))
    Announcement.objects.filter(end_time=None).update(
        end_time=Subquery(now.values("end_time")), timezone=Subquery(now.values("timezone"))
    )


def _announce(event_id: int) -> int:
    with transaction.atomic():
        told = Announcement.objects.select_for_update().get(event=event_id)
        event = Event.objects.get(pk=event_id)
        before = {name: getattr(told, name) for name in TOLD}
        now = {name: getattr(event, name) for name in TOLD}
        if before == now:
            return 0
        is_move = (told.start_time, told.end_time) != (event.start_time, event.end_time)
        change = EventChange.objects.create(event=event, at=event.updated_at, is_move=is_move, **before)
        Announcement.objects.filter(pk=told.pk).update(**now)
        holders = _holders(event, paid_before=event.updated_at)
        return _tell(holders, kind=Mail.Kind.EVENT_CHANGED, about=change.pk)


def _holders(event: Event, *, paid_before: datetime) -> QuerySet[Order]:
    return event.orders.filter(status=Order.Status.PAID, paid_at__lt=paid_before).exclude(email="")


def _tell(orders: QuerySet[Order], *, kind: str, about: uuid.UUID) -> int:
    """Write a mail for each of `orders` that has none of this kind about this."""
    told = Mail.objects.filter(kind=kind, about=about).values("order")
    count = 0
    while batch := list(orders.exclude(pk__in=told).only("pk", "email")[:BATCH]):
        Mail.objects.bulk_create(
            [Mail(order=o, kind=kind, to=o.email, about=about, **Mail.scheduled()) for o in batch],
            ignore_conflicts=True,
        )
        count += len(batch)
    return count
