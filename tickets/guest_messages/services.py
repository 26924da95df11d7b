"""Messages to guests: sending and canceling them; what the worker does of it is in `delivery`."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.history import record
from accounts.rate_limits import hit
from tickets.models import Mail
from ticketsuma import clock
from ticketsuma.errors import DomainError
from ticketsuma.jobs.models import wake_workers

from .audience import guests
from .models import Message

LATE = timedelta(hours=24)  # after it, what should have followed the start is news no more
_BATCH = 500


class TooLate(DomainError):
    code = "message_too_late"
    message = _("Its time is over. Choose another one, or send it at once.")


class NoGuests(DomainError):
    code = "message_for_nobody"
    message = _("Nobody would get it: no guest is chosen by this.")


def send(message: Message) -> None:
    """Have a draft mailed at its time. Raises TooLate, NoGuests, RateLimited.

    An event has so many messages a day (LIMIT_MESSAGES_PER_EVENT). Of two at once the second gets
    InvalidTransition.
    """
    if is_missed(message, timezone.now()):
        raise TooLate
    if message.due_at is None and not guests(message):
        raise NoGuests
    hit("MESSAGES_PER_EVENT", str(message.event_id))
    with transaction.atomic():
        message.advance(Message.Status.DUE)
        record("send", message)
        wake_workers()


def cancel(message: Message) -> None:
    """Nobody gets it, unless the worker was faster: then InvalidTransition is raised, and everybody does."""
    with transaction.atomic():
        message.advance(Message.Status.CANCELED)
        record("cancel", message)


def is_missed(message: Message, now: datetime) -> bool:
    """Whether a message for a time around the start has become untrue, or its event was canceled."""
    due_at = message.due_at
    if due_at is None:
        return False
    start = message.event.start_time
    return message.event.is_canceled or now > (start if due_at < start else due_at + LATE)


def begin_due() -> int:
    """Write the copies of messages whose time has come; how many. A periodic task of every worker."""
    now = timezone.now()
    waiting = Message.objects.filter(status=Message.Status.DUE).select_related("event")
    due = [message.pk for message in waiting if message.due_at is None or message.due_at <= now]
    return sum(_begin(pk) for pk in due)


def _begin(pk) -> int:
    """All copies or, when killed on the way, none; of two workers one writes them, once for each guest.

    They are due one after the other, MESSAGES_PER_SECOND.
    """
    with transaction.atomic():
        message = Message.objects.select_for_update(of=("self",)).select_related("event").get(pk=pk)
        if message.status != Message.Status.DUE:
            return 0
        if is_missed(message, timezone.now()):
            message.advance(Message.Status.MISSED)
            return 0
        people, now = guests(message), clock.now()
        message.advance(Message.Status.BEGUN, begun_at=now, recipients=len(people))
        pause = min(timedelta(seconds=1 / settings.MESSAGES_PER_SECOND), _most_apart(len(people)))
        copies = (
            Mail(
                kind=Mail.Kind.MESSAGE, about=message.pk, order_id=guest.order_id, to=guest.address,
                next_attempt_at=now + number * pause,
            )
            for number, guest in enumerate(people)
        )  # fmt: skip
        Mail.objects.bulk_create(copies, batch_size=_BATCH)
        wake_workers()
    return len(people)


def _most_apart(count: int) -> timedelta:
    """What is due later than `furthest_due` would be taken for a mistake, and sent at once."""
    return Mail.furthest_due * 0.9 / max(count, 1)


def copies_of(message: Message) -> QuerySet[Mail]:
    return Mail.objects.filter(about=message.pk, kind=Mail.Kind.MESSAGE)
