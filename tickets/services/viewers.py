"""Stream room: one viewer for each ticket, and the check-in that comes with joining."""

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from events.catalogue_models import Admits
from tickets.models import CheckIn, Order, Ticket, Viewer
from ticketsuma.errors import DomainError
from ticketsuma.web.sse import version_of, version_of_row

ROOM_FIELDS = (
    "viewer__key",
    "voided_at",
    "order__status",
    "order__event__canceled_at",
    "order__event__stream_url",
    "order__event__start_time",
    "order__event__end_time",
    "order__event__replay_until",
)


PASS_GOOD_FOR = timedelta(minutes=2)
SALT = "tickets.services.viewers"


class NoRoom(DomainError):
    """The ticket does not open this stream now."""

    code = "room_closed"
    message = _("The stream is not open to this ticket now.")


class WatchedElsewhere(DomainError):
    code = "watched_elsewhere"
    message = _("This ticket is open on another device. One ticket is for one viewer.")


class PassUsed(Exception):
    """This address of the room let a browser in already, or is too old."""


def join(ticket: Ticket, *, key: str, take_over: bool = False) -> Viewer:
    """Let the browser `key` watch with `ticket`, when nobody else does or when it may `take_over`.

    The row that holds then: another `key` in it means that somebody else watches. Of two at once one
    is first, and the other is told so; of two that take over the later wins. The first to join the live
    stream checks the ticket in, unless the door did. Raises NoRoom.
    """
    event = ticket.order.event
    if not event.shows_stream:
        raise NoRoom
    part = Admits.LIVE if event.stream_is_open else Admits.REPLAY
    with transaction.atomic():
        Order.objects.select_for_update().get(pk=ticket.order_id)  # a refund waits, or came first
        if not Ticket.objects.admitting(part).filter(pk=ticket.pk).exists():
            raise NoRoom
        viewer = Viewer.objects.get_or_create(ticket=ticket, defaults={"key": key})[0]
        if viewer.key != key and take_over:
            viewer.key, viewer.since = key, timezone.now()
            viewer.save()
        if not event.is_past:
            CheckIn.objects.get_or_create(ticket=ticket)
    return viewer


# -- joining by a program ---------------------------------------------------------------------
def join_for_pass(ticket: Ticket, *, take_over: bool = False) -> tuple[str, datetime]:
    """`join` for a program, which is no browser: the room's own address, and until when it may be opened.

    The place is held for the one browser that then uses the pass. Raises NoRoom; WatchedElsewhere when
    somebody watches and `take_over` was not asked for.
    """
    key = uuid.uuid4().hex
    if join(ticket, key=key, take_over=take_over).key != key:
        raise WatchedElsewhere
    text = signing.dumps([ticket.pk.hex, key], salt=SALT)
    return f"{settings.SITE_URL}/room/{text}", timezone.now() + PASS_GOOD_FOR


def ticket_of_pass(text: str) -> Ticket:
    """The ticket whose place `text` still holds; nothing changes. Raises PassUsed."""
    ticket_id, key = _read(text)
    viewer = (
        Viewer.objects.select_related("ticket__order__event").filter(ticket_id=ticket_id, key=key).first()
    )
    if viewer is None:
        raise PassUsed
    return viewer.ticket


def use_pass(text: str, *, key: str) -> Ticket:
    """The browser `key` takes the place that the pass holds. Of two at once the second gets PassUsed."""
    ticket = ticket_of_pass(text)
    held = Viewer.objects.filter(ticket=ticket, key=_read(text)[1])
    if not held.update(key=key, since=timezone.now()):
        raise PassUsed
    return ticket


def _read(text: str) -> list[str]:
    try:
        return signing.loads(text, salt=SALT, max_age=PASS_GOOD_FOR)
    except signing.BadSignature:
        raise PassUsed from None


def release(order: Order) -> int:
    """Forget who watches with this order's tickets, so that any browser may join; how many did."""
    return Viewer.objects.filter(ticket__order=order).delete()[0]


def shown_version(ticket: Ticket, viewer: Viewer) -> str:
    """The `room_version` of a page made from these two; whatever changes later makes another."""
    ticket.viewer = viewer
    event = ticket.order.event
    return version_of_row(ticket, ROOM_FIELDS) + _act(event.end_time, event.replay_until)


def room_version(ticket_id: uuid.UUID) -> str:
    """One query: a short name for everything by which an open room would look different."""
    row = Ticket.objects.filter(pk=ticket_id).values_list(*ROOM_FIELDS).first()
    return version_of(row) + (_act(*row[-2:]) if row else "")


def _act(end: datetime, replay_until: datetime | None) -> str:
    """Phase by the clock: the event, its replay, or nothing any more."""
    now = timezone.now()
    if now < end:
        return "-on"
    return "-replay" if replay_until and now < replay_until else "-over"
