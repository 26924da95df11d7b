"""Relative time of a start, as text ("In an hour", "Tomorrow")."""

import math
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from events.models import Event
from ticketsuma.templatetags.display import day_in

AN_HOUR = range(51, 71)  # minutes


def soon(event: Event, now: datetime | None = None) -> str:
    """`In 20 minutes`, `In an hour`, `Today`, `Tomorrow`, or the day, by the clocks where it takes place."""
    now = now or timezone.now()
    minutes = math.ceil((event.start_time - now).total_seconds() / 60)
    if minutes < 1:
        return _("Now")
    if minutes in AN_HOUR:
        return _("In an hour")
    if minutes < AN_HOUR.start:
        return ngettext("In %(count)s minute", "In %(count)s minutes", minutes) % {"count": minutes}
    days = (event.start_time.astimezone(event.zone).date() - now.astimezone(event.zone).date()).days
    if days == 0:
        return _("Today")
    return _("Tomorrow") if days == 1 else day_in(event.start_time, event.zone)
