"""Template tags of messages to guests. `{% load guest_messages %}`"""

from typing import Any
from urllib.parse import urlencode

from django import template
from django.contrib.auth.base_user import AbstractBaseUser
from django.urls import reverse

from accounts.roles import Ability, may
from events.models import Event
from tickets.mail_health.states import STATE_WORDS, states_of
from tickets.models import Mail

register = template.Library()


def mails_url(state: str, **which: Any) -> str:
    """The admin's list of mails in a state."""
    return f"{reverse('admin:tickets_mail_changelist')}?{urlencode(which | {'state': state})}"


@register.simple_tag
def may_write_to_guests(user: AbstractBaseUser, event: Event | None) -> bool:
    return event is not None and event.pk is not None and may(user, Ability.MESSAGES, event)


@register.simple_tag
def mail_health(event: Event) -> list[dict[str, Any]]:
    """The states of an event's mails, with how many there are and where they are listed."""
    counts = states_of(Mail.objects.filter(order__event=event))
    return [
        {"says": STATE_WORDS[name], "count": count, "url": mails_url(name, event=event.pk)}
        for name, count in counts.items()
        if count
    ]
