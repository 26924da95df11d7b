"""Buttons on messages to guests, and on an event for the mails that did not arrive."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.history import actor
from accounts.roles import Ability
from events.models import Event
from tickets.models import Mail
from ticketsuma.admin.actions import StaffAction
from ticketsuma.bidi import isolate

from . import services
from .audience import guests
from .delivery import send_test
from .forms import moment_words
from .models import Message


def concerns(message: Message) -> str:
    """How many guests get it as things stand."""
    count = len(guests(message))
    return ngettext("%(count)s guest gets it.", "%(count)s guests get it.", count) % {"count": count}


class _MessageAction(StaffAction):
    needs = (Ability.MESSAGES,)
    asks_again = False

    def seen(self, message: Message) -> object:
        return f"{message.status} {message.updated_at.timestamp()}"


class Send(_MessageAction):
    name = "send"
    label = gettext_lazy("Send to the guests")
    asks_again = True  # a stolen session writes to nobody

    def is_possible(self, message: Message) -> bool:
        return message.is_draft

    def preview(self, message: Message) -> list[str]:
        return [
            isolate(message.subject),
            _("Guests: %(who)s.") % {"who": message.get_guests_display()},
            concerns(message),
            _("When: %(moment)s.") % {"moment": moment_words(message.minutes_from_start)},
            _("Until it begins it can be canceled; afterwards nothing takes it back."),
        ]

    def run(self, message: Message, data: dict) -> str:
        services.send(message)
        if message.due_at is None:
            return _("It goes out now; this page shows how far it is.")
        return _("It waits for its time, and can be canceled until then.")


class Test(_MessageAction):
    name = "test"
    label = gettext_lazy("Mail it to me as a test")

    def preview(self, message: Message) -> list[str]:
        return [isolate(message.subject), _("All of its texts are mailed to you, and to nobody else.")]

    def run(self, message: Message, data: dict) -> str:
        me = actor()
        send_test(message, to=me.email)
        return _("It was mailed to %(address)s.") % {"address": me.email}


class Stop(_MessageAction):
    name = "stop"
    label = gettext_lazy("Cancel it")

    def is_possible(self, message: Message) -> bool:
        return message.status == Message.Status.DUE

    def preview(self, message: Message) -> list[str]:
        return [isolate(message.subject), _("Nobody gets it.")]

    def run(self, message: Message, data: dict) -> str:
        services.cancel(message)
        return _("It is canceled; nobody gets it.")


class Resend(_MessageAction):
    """On a message, and on an event for all of its mails."""

    name = "resend"
    label = gettext_lazy("Mail again what did not arrive")

    def _mails(self, row: Message | Event):
        if isinstance(row, Message):
            return services.copies_of(row)
        return Mail.objects.filter(order__event=row)

    def is_possible(self, row: Any) -> bool:
        return services.undelivered(self._mails(row)).exists()

    def seen(self, row: Any) -> object:
        return services.undelivered(self._mails(row)).count()

    def preview(self, row: Message | Event) -> list[str]:
        count = services.undelivered(self._mails(row)).count()
        says = ngettext(
            "%(count)s mail did not arrive and is tried again.",
            "%(count)s mails did not arrive and are tried again.",
            count,
        )
        return [isolate(str(row)), says % {"count": count}]

    def run(self, row: Message | Event, data: dict) -> str:
        count = services.resend(self._mails(row))
        return ngettext(
            "%(count)s mail is tried again.", "%(count)s mails are tried again.", count
        ) % {"count": count}  # fmt: skip


MESSAGE_ACTIONS: list[StaffAction] = [Send(), Test(), Stop(), Resend()]
