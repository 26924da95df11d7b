"""News for devices: found in the rows that say so, now and then, and written once for each device."""

import uuid
from collections.abc import Iterable, Mapping
from datetime import timedelta

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from events.models import Event
from payments.models import Refund
from tickets.mail.notifications import about_start
from tickets.models import EventChange, Order

from .devices import forget_signed_out_apps
from .models import Device, Kind, Push

DOORS_BEFORE = timedelta(minutes=settings.STREAM_OPENS_MINUTES + 10)
HOLD_BEFORE = timedelta(minutes=2)
LATELY = timedelta(minutes=20)  # how far back is looked: a worker that was away for longer has old news
KEPT = timedelta(days=2)
_NAMES = uuid.UUID("0f5f6f0e-9d8f-4a3b-8f27-4a54d4f2f2b1")
_Links = Device.orders.through


def queue_pushes() -> int:
    """Write what is news now, once for each device, kind and subject; how many devices were looked at.

    Two workers at once write each once.
    """
    if not Device.objects.exists():
        return 0
    forget_signed_out_apps()
    return sum((_doors(), _changes(), _cancelations(), _refunds(), _holds()))


def forget_pushes() -> int:
    """Those long told go; that they were is remembered for longer than anything is news."""
    return Push.objects.filter(created_at__lt=timezone.now() - KEPT).delete()[0]


def about_cancelation(event: Event) -> uuid.UUID:
    return uuid.uuid5(_NAMES, f"{event.pk} canceled")


def _doors() -> int:
    now = timezone.now()
    opens = timedelta(minutes=settings.STREAM_OPENS_MINUTES)
    coming = Event.objects.filter(
        canceled_at=None, start_time__gt=now + opens, start_time__lte=now + DOORS_BEFORE
    )
    about = {event.pk: about_start(event) for event in coming.only("pk", "start_time")}
    return _tell_holders(Kind.DOORS, about)


def _changes() -> int:
    changes = EventChange.objects.filter(at__gt=timezone.now() - LATELY).order_by("at")
    return _tell_holders(
        Kind.CHANGES, {change.event_id: change.pk for change in changes.only("pk", "event_id")}
    )


def _cancelations() -> int:
    canceled = Event.objects.filter(canceled_at__gt=timezone.now() - LATELY).only("pk")
    about = {event.pk: about_cancelation(event) for event in canceled}
    orders = Order.objects.filter(event__in=about, paid_at__isnull=False)
    return _tell(Kind.CHANGES, orders, {}, about) if about else 0


def _refunds() -> int:
    since = timezone.now() - LATELY
    sent = Refund.objects.filter(status=Refund.Status.SENT, sent_at__gt=since, updated_at__gt=since)
    rows = sent.exclude(incoming_payment__payment__order=None)
    about = dict(rows.values_list("incoming_payment__payment__order", "pk"))
    return _tell(Kind.REFUNDS, Order.objects.filter(pk__in=about), about, {}) if about else 0


def _holds() -> int:
    now = timezone.now()
    ending = Order.objects.filter(
        status=Order.Status.PENDING, expires_at__gt=now, expires_at__lte=now + HOLD_BEFORE
    )
    about = {pk: pk for pk in ending.values_list("pk", flat=True)[:1000]}
    return _tell(Kind.HOLDS, Order.objects.filter(pk__in=about), about, {}) if about else 0


def _tell_holders(kind: str, about: Mapping[int, uuid.UUID]) -> int:
    orders = Order.objects.filter(event__in=about, status=Order.Status.PAID)
    return _tell(kind, orders, {}, about) if about else 0


def _tell(
    kind: str,
    orders: QuerySet[Order],
    of_order: Mapping[uuid.UUID, uuid.UUID],
    of_event: Mapping[int, uuid.UUID],
) -> int:
    """Write it for the devices of `orders`, about what is named for the order or its event."""
    by_link = _Links.objects.filter(order__in=orders).values_list("device", "order", "order__event")
    by_user = Device.objects.filter(user__orders__in=orders)
    found = {*by_link, *by_user.values_list("pk", "user__orders", "user__orders__event")}
    news = ((device, order, of_order.get(order) or of_event.get(event)) for device, order, event in found)
    return _write(kind, [each for each in news if each[2]])


def _write(kind: str, news: Iterable[tuple]) -> int:
    wanting = dict(Device.objects.filter(pk__in={each[0] for each in news}).values_list("pk", "wants"))
    rows = {(device, about): order for device, order, about in news if kind in wanting.get(device, ())}
    told = set(Push.objects.filter(kind=kind, device__in=wanting).values_list("device", "about"))
    new = [
        Push(device_id=device, order_id=order, kind=kind, about=about, **Push.scheduled())
        for (device, about), order in rows.items()
        if (device, about) not in told
    ]
    Push.objects.bulk_create(new, ignore_conflicts=True)
    return len(new)
