"""Template tags of the admin's pages. `{% load staff %}`"""

from datetime import datetime, timedelta
from typing import Any

from django import template
from django.db.models import Model
from django.urls import reverse

from accounts.history import HistoryEntry
from accounts.models import User
from accounts.roles import Ability, may, visible
from events.models import Event
from payments.models import Refund
from tickets.mail_health.states import STATE_WORDS, state_of
from tickets.models import Mail
from tickets.staff.alerts import (
    Attention,
    mails_that_came_back,
    needs_attention,
    refunds_that_wait,
    second_person_waits,
)
from tickets.staff.sales import Sales, sales_today
from ticketsuma.admin.event_times import words
from ticketsuma.money import format_msats

register = template.Library()
COMING = 8  # events on the start page
register.filter("msats", format_msats)


@register.filter
def mail_state(mail: Mail) -> str:
    return str(STATE_WORDS[state_of(mail)])


@register.simple_tag
def attention(user: User) -> list[Attention]:
    """What needs somebody; of an organizer's, the refunds that wait and the mails that came back."""
    if may(user, Ability.OPERATE):
        return needs_attention()
    refunds = refunds_that_wait(visible(user, Refund.objects.all(), Ability.SEE_MONEY))
    mails = mails_that_came_back(visible(user, Mail.objects.all(), Ability.MESSAGES))
    return [*second_person_waits(user), *refunds, *mails]


@register.simple_tag
def coming(user: User) -> list[Event]:
    """The next events that `user` works for, drafts too, each with what `user` may do there."""
    events = visible(user, Event.objects.all(), Ability.MANAGE_EVENTS, Ability.SEE_GUESTS)
    found: list[Any] = list(events.upcoming().defer("description", "search_key")[:COMING])
    for event in found:
        event.manages = may(user, Ability.MANAGE_EVENTS, event)
        event.counts_money = may(user, Ability.SEE_MONEY, event)
    return found


@register.simple_tag
def sees_guests(user: User) -> bool:
    return may(user, Ability.SEE_GUESTS)


@register.simple_tag
def has_doors(user: User) -> bool:
    return may(user, Ability.DOOR)


@register.simple_tag
def today(user: User) -> Sales | None:
    return sales_today(user) if may(user, Ability.SEE_MONEY) else None


@register.simple_tag
def my_acts(user: User) -> list[HistoryEntry]:
    """The latest acts of `user`."""
    return list(HistoryEntry.objects.filter(actor=user).order_by("-at", "-pk")[:10])


@register.simple_tag
def staff_moment(moment: datetime | None, zone_name: str) -> str:
    """A moment to the second by an event's clocks, with the reader's own beside it."""
    return words(moment, zone_name, seconds=zone_name != "UTC")


@register.simple_tag
def staff_day(moment: datetime, zone_name: str) -> str:
    """The same to the minute."""
    return words(moment, zone_name)


@register.simple_tag
def history_says(entry: HistoryEntry, zone_name: str) -> str:
    """What was done, moments by the clocks of `zone_name`."""
    return entry.told(zone_name)


@register.filter
def model_label(row: Model) -> str:
    return row._meta.label_lower


@register.filter
def took(length: timedelta | None) -> str:
    """`4 s`, `2:05 min`, `1:02:03 h`; a dash of nothing."""
    if length is None:
        return "–"
    seconds = round(length.total_seconds())
    if seconds < 60:
        return f"{seconds} s"
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02} h" if hours else f"{minutes}:{seconds:02} min"


@register.simple_tag
def sees_money(user: User) -> bool:
    return may(user, Ability.SEE_MONEY)


@register.filter
def list_url(line: Attention) -> str:
    """Where the rows of this line are listed."""
    if not line.model:
        return line.url
    url = reverse(f"admin:{line.model.replace('.', '_')}_changelist")
    return f"{url}?{line.query}" if line.query else url
