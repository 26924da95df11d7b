"""Sending a push: encrypted for its device (RFC 8291), signed for its push service (RFC 8292)."""

import base64
import json
import time
from datetime import timedelta
from email.utils import parseaddr
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from py_vapid import Vapid02
from pywebpush import WebPusher

from accounts.rate_limits import RateLimited, hit
from events.catalogue_models import Admits
from payments.models import Refund
from payments.uma import safe_http
from payments.uma.unreached import VaspForbidden
from tickets.models import EventChange
from ticketsuma import clock
from ticketsuma.money import MSATS_PER_SAT
from ticketsuma.templatetags.display import clock_in, day_in, sats

from .keys import private_key
from .models import Device, Kind, Push
from .news import about_cancelation

GONE = (403, 404, 410)  # the subscription ended, or is another key's (RFC 8030 7.3, RFC 8292 4.2)
BUSY = (408, 425, 429)
MAX_WORDS = 160  # characters of a title or a text; all of a push fits in 4,096 bytes (RFC 8030 7.2)
# Seconds for which a push service may hold it, and how soon a phone is woken for it (RFC 8030 5.2, 5.3).
LIVES = {Kind.DOORS: 600, Kind.CHANGES: 86_400, Kind.REFUNDS: 86_400, Kind.HOLDS: 120}
URGENT = {Kind.DOORS, Kind.HOLDS}


def send_push(push: Push) -> None:
    """Send a due push; the worker's handler. At least once: its tag has a device show it once.

    What is no longer true, or an hour old, or more than a device may get (PUSH_PER_DEVICE), is dropped. A
    device whose subscription ended is deleted.
    """
    order = push.order
    if clock.now() - push.created_at > Push.is_worth_telling or not _still_true(push):
        return _drop(push, "no longer true")
    try:
        hit("PUSH_PER_DEVICE", push.device.digest)
    except RateLimited:
        return _drop(push, "too many")
    with translation.override(order.language):
        message = json.dumps(_words(push), ensure_ascii=False).encode()
    try:
        answer = _post(push, message)
    except VaspForbidden:
        push.device.delete()
        return None
    if answer.status in GONE:
        push.device.delete()
    elif answer.is_success:
        push.own_row().update(sent_at=clock.now(), last_error="", **push.finished())
    elif answer.status in BUSY or answer.status >= 500:
        push.retry(f"status {answer.status}", at_least=timedelta(seconds=60))
    else:
        _drop(push, f"status {answer.status}")
    return None


def _drop(push: Push, why: str) -> None:
    push.own_row().update(last_error=why, **push.finished())


def _post(push: Push, message: bytes) -> safe_http.Answer:
    device = push.device
    keys = {"endpoint": device.endpoint, "keys": {"p256dh": device.p256dh, "auth": device.auth}}
    headers = _authorization(device) | {
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "TTL": str(LIVES[Kind(push.kind)]),
        "Urgency": "high" if push.kind in URGENT else "normal",
        "Topic": base64.urlsafe_b64encode(push.about.bytes).decode().rstrip("="),
    }
    body = WebPusher(keys).encode(message)["body"]
    return safe_http.fetch(device.endpoint, payload=body, headers=headers)


def _authorization(device: Device) -> dict[str, str]:
    parts = urlsplit(device.endpoint)
    claims = {
        "aud": f"{parts.scheme}://{parts.netloc}",
        "exp": int(time.time()) + 3600,
        "sub": f"mailto:{parseaddr(settings.DEFAULT_FROM_EMAIL)[1]}",
    }
    return Vapid02(private_key()).sign(claims)


# -- what it says -----------------------------------------------------------------------------
def _still_true(push: Push) -> bool:
    order, event, now = push.order, push.order.event, timezone.now()
    if push.kind == Kind.HOLDS:
        return order.is_pending and order.expires_at > now
    if push.kind == Kind.REFUNDS:
        return True
    if push.kind == Kind.DOORS:
        goes = order.tickets.filter(voided_at=None).exclude(line__admits=Admits.REPLAY).exists()
        return order.is_paid and not event.is_canceled and now < event.start_time and goes
    if push.about == about_cancelation(event):
        return event.is_canceled
    change = EventChange.objects.filter(pk=push.about).select_related("event").first()
    return order.is_paid and not event.is_canceled and change is not None and change.differs


def _words(push: Push) -> dict[str, str]:
    """What the service worker shows: title, text, where it leads, and the tag by which it is shown once."""
    title, text = _title_and_text(push)
    return {
        "title": _short(title), "body": _short(text), "url": push.order.get_absolute_url(),
        "tag": f"{push.kind}-{push.about.hex}", "lang": push.order.language,
    }  # fmt: skip


def _title_and_text(push: Push) -> tuple[str, str]:
    order, event = push.order, push.order.event
    if push.kind == Kind.HOLDS:
        seconds = (order.expires_at - timezone.now()).total_seconds()
        minutes = max(1, round(seconds / 60))
        return event.title, ngettext(
            "Your seat is held for one more minute.",
            "Your seat is held for %(minutes)s more minutes.",
            minutes,
        ) % {"minutes": minutes}
    if push.kind == Kind.REFUNDS:
        refund = Refund.objects.get(pk=push.about)
        amount = sats(refund.amount_msats // MSATS_PER_SAT)
        return event.title, _("%(amount)s went back to you.") % {"amount": amount}
    if push.kind == Kind.DOORS:
        seconds = (event.start_time - timezone.now()).total_seconds()
        minutes = max(1, round(seconds / 60) - settings.STREAM_OPENS_MINUTES)
        return event.title, ngettext(
            "Doors open in one minute.", "Doors open in %(minutes)s minutes.", minutes
        ) % {"minutes": minutes}
    if event.is_canceled:
        return event.title, _("This event will not take place.")
    when = f"{day_in(event.start_time, event.zone)}, {clock_in(event.start_time, event.zone)}"
    return event.title, _("Something changed. It starts on %(when)s.") % {"when": when}


def _short(text: str) -> str:
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return line if len(line) <= MAX_WORDS else line[: MAX_WORDS - 1].rstrip() + "…"
