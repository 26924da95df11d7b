"""Devices that want pushes: told apart by their endpoints, added, changed and forgotten."""

from collections.abc import Iterable
from datetime import timedelta

from django.contrib.sessions.models import Session
from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from payments.uma import safe_http
from payments.uma.unreached import VaspForbidden
from tickets.models import Order
from ticketsuma.errors import DomainError

from .keys import are_keys
from .models import MAX_ENDPOINT, Device, Kind, Push, digest_of

MOST_DEVICES = 10  # of an order, and of a user
STAYS_AFTER = timedelta(days=1)  # a guest's device, after the last of its events


class DeviceRefused(DomainError):
    code = "device_refused"
    message = _("This push endpoint or its keys cannot be used.")
    status = 422


def add_device(
    *,
    endpoint: str,
    p256dh: str,
    auth: str,
    kinds: Iterable[str] | None,
    before: Iterable[str] | None = None,
    order: Order | None = None,
    user: User | None = None,
    session: Session | None = None,
) -> Device:
    """Have a device told of `order` and of all that is `user`'s; `kinds` None: as before, else all.

    `before` is what a browser remembers to have asked for: for one that is not known any more, as its session
    ended or its key was changed. A device that somebody else was signed in with begins anew. The oldest
    beyond MOST_DEVICES hear no more of it. Two at once write one row.

    Raises DeviceRefused for an endpoint that `safe_http` would not ask, for keys that are none, and for a
    known endpoint with other keys: only who has a device's keys may change it.
    """
    _check(endpoint, p256dh, auth)
    asked = [*kinds] if kinds is not None else [*(before or Kind.values)]
    wants = [kind for kind in Kind.values if kind in asked]
    epoch = user.token_epoch if user and session is None else None
    with transaction.atomic():
        device, is_new = Device.objects.select_for_update().get_or_create(
            digest=digest_of(endpoint),
            defaults={
                "endpoint": endpoint, "p256dh": p256dh, "auth": auth, "wants": wants, "user": user,
                "session": session, "token_epoch": epoch,
            },
        )  # fmt: skip
        if (device.p256dh, device.auth) != (p256dh, auth):
            raise DeviceRefused
        if device.user_id not in (None, user.pk if user else None):
            device.orders.clear()
        if not is_new:
            device.user, device.session = user, session
            device.token_epoch = epoch
            device.wants = device.wants if kinds is None else wants
            device.save(update_fields=["user", "session", "token_epoch", "wants"])
        if order:
            device.orders.add(order)
            order.devices.remove(*_oldest(order.devices.all()))  # they may be of other orders, too
        if user:
            Device.objects.filter(pk__in=_oldest(user.devices.all())).delete()
    return device


def _check(endpoint: str, p256dh: str, auth: str) -> None:
    if len(endpoint) > MAX_ENDPOINT or not are_keys(p256dh, auth):
        raise DeviceRefused
    try:
        safe_http.check_url(endpoint)
    except VaspForbidden as error:
        raise DeviceRefused from error


def move_device(former: Device, *, endpoint: str, p256dh: str, auth: str) -> Device:
    """Its browser was given another endpoint: it is told there, of what it was told of before.

    Raises DeviceRefused, also for an endpoint that another device has.
    """
    _check(endpoint, p256dh, auth)
    former.endpoint, former.digest = endpoint, digest_of(endpoint)
    former.p256dh, former.auth = p256dh, auth
    try:
        with transaction.atomic():
            former.save(update_fields=["endpoint", "digest", "p256dh", "auth"])
    except IntegrityError as error:
        raise DeviceRefused from error
    return former


def _oldest(devices: QuerySet[Device]) -> list[int]:
    """Those beyond MOST_DEVICES."""
    return list(devices.order_by("-created_at", "-pk").values_list("pk", flat=True)[MOST_DEVICES:])


def forget_device(*, endpoint: str, auth: str) -> bool:
    """No more pushes to it; whether it was known. Who does not know its secret changes nothing."""
    return bool(known_device(endpoint=endpoint, auth=auth).delete()[0])


def known_device(*, endpoint: str, auth: str) -> QuerySet[Device]:
    """The device, for who knows its secret."""
    return Device.objects.filter(digest=digest_of(endpoint), auth=auth)


def on_links_renewed(*, order: Order, **kwargs) -> None:
    """Receiver of `links_renewed`: a push leads to its order by the link of now, so those that came by an
    earlier one get none, also of what is queued. The buyer's own hear of it as before.
    """
    Device.orders.through.objects.filter(order=order).delete()
    queued = Push.objects.filter(order=order, sent_at=None)
    (queued.exclude(device__user=order.buyer_id) if order.buyer_id else queued).delete()


def forget_signed_out_apps() -> int:
    """Devices of apps go when the tokens of their user have ended (`end_tokens`)."""
    apps = Device.objects.filter(user__isnull=False, session=None)
    return apps.exclude(token_epoch=F("user__token_epoch")).delete()[0]


def forget_guests_devices() -> int:
    """Devices of guests go a day after the last of their events, or once their orders are forgotten."""
    waits = Order.objects.filter(is_forgotten=False, event__end_time__gt=timezone.now() - STAYS_AFTER)
    waits = waits.exclude(Q(status=Order.Status.EXPIRED) | Q(status=Order.Status.CANCELED, paid_at=None))
    return Device.objects.filter(user=None).exclude(orders__in=waits).delete()[0]
