"""Buttons on messages to guests."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.history import actor
from accounts.roles import Ability
from tickets.mail_health.actions import Resend
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


class ResendCopies(Resend):
    def mails(self, row: Any):
        return services.copies_of(row)


MESSAGE_ACTIONS: list[StaffAction] = [Send(), Test(), Stop(), ResendCopies()]
