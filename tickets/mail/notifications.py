"""Announcements to ticket holders: reminders and changes, sent by the worker."""

import uuid
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from events.models import Event
from tickets.announcement_models import TOLD
from tickets.models import Announcement, EventChange, Mail, Order, Ticket

DAY_BEFORE = timedelta(hours=24)
HOUR_BEFORE = timedelta(hours=1)
# Staff may correct a slip of the pen before anybody hears of it.
SETTLES_AFTER = timedelta(seconds=60)
RECENT = timedelta(
    minutes=20
)  # how far back the frequent look goes; the one at everything comes now and then
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
    events = list(coming.only("pk", "start_time"))
    near = [event for event in events if event.start_time - now <= HOUR_BEFORE]
    later = [event for event in events if event.start_time - now > HOUR_BEFORE]
    return _remind(near, Mail.Kind.REMINDER_HOUR, HOUR_BEFORE) + _remind(
        later, Mail.Kind.REMINDER_DAY, DAY_BEFORE
    )


def _remind(events: list[Event], kind: str, before: timedelta) -> int:
    """Write the reminders of all these events, found in one query."""
    about = {event.pk: about_start(event) for event in events}
    orders = Order.objects.filter(event__in=about, paid_at__lt=F("event__start_time") - before)
    return _tell(orders, kind=kind, about=about) if about else 0


def queue_recent_changes() -> int:
    """`queue_changes` of what was changed lately, often; all of it is looked at now and then."""
    return queue_changes(since=timezone.now() - RECENT)


def queue_changes(since: datetime | None = None) -> int:
    """Write one mail per paid order for each event of which holders were told something else; how many.

    The event and what was announced are compared and made equal in one transaction, under the
    announcement's lock: a crash between loses nothing, two at once tell it once. What was announced is
    written with the event, so a change while no worker was there is told as well. With `since` only
    events written since then are looked at.
    """
    now = timezone.now()
    written = Event.objects.filter(end_time__gt=now)
    if since:
        written = written.filter(updated_at__gte=since)
    _announce_what_is_older(written)
    same = Q(**{name: F(f"announcement__{name}") for name in TOLD})
    changed = written.filter(canceled_at=None, updated_at__lte=now - SETTLES_AFTER).exclude(same)
    return sum(_announce(pk) for pk in list(changed.values_list("pk", flat=True)))


def _announce_what_is_older(written: QuerySet[Event]) -> None:
    """Events and announcements of an earlier version of the shop are as they stand now."""
    unannounced = written.filter(announcement=None)
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
        holders = event.orders.filter(paid_at__lt=event.updated_at)
        return _tell(holders, kind=Mail.Kind.EVENT_CHANGED, about={event.pk: change.pk})


def holders_of(order: Order) -> set[str]:
    """Addresses of holders who are not the buyer, of good tickets."""
    held = order.tickets.filter(voided_at=None).exclude(holder_email__in=["", order.email])
    return set(held.values_list("holder_email", flat=True))


def _tell(orders: QuerySet[Order], *, kind: str, about: dict[int, uuid.UUID]) -> int:
    """Write a mail for each of `orders` that is paid and has none of this kind; `about` what, by event."""
    told = Mail.objects.filter(order=OuterRef("pk"), kind=kind, about__in=list(about.values()))
    due = orders.filter(~Exists(told), status=Order.Status.PAID).exclude(email="")
    count = 0
    while batch := list(due.only("pk", "email", "event_id")[:BATCH]):
        mails = [
            Mail(order=o, kind=kind, to=o.email, about=about[o.event_id], **Mail.scheduled()) for o in batch
        ]
        Mail.objects.bulk_create(mails, ignore_conflicts=True)
        count += len(batch)
    return count + _tell_holders(orders, kind=kind, about=about)


def _tell_holders(orders: QuerySet[Order], *, kind: str, about: dict[int, uuid.UUID]) -> int:
    """The same for everybody else who holds a ticket of them."""
    held = Ticket.objects.filter(order__in=orders.filter(status=Order.Status.PAID), voided_at=None)
    held = held.exclude(holder_email="").exclude(holder_email=F("order__email"))
    told = Mail.objects.filter(
        order=OuterRef("order"), to=OuterRef("holder_email"), kind=kind, about__in=list(about.values())
    )
    rows = (
        held.filter(~Exists(told)).order_by().values_list("order", "holder_email", "order__event").distinct()
    )
    count = 0
    while batch := list(rows[:BATCH]):
        mails = [
            Mail(order_id=order, kind=kind, to=to, about=about[event], **Mail.scheduled())
            for order, to, event in batch
        ]
        Mail.objects.bulk_create(mails, ignore_conflicts=True)
        count += len(batch)
    return count
