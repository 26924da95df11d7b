"""Form fields for times in the time zone of an event."""

import functools
import zoneinfo
from collections.abc import Iterable
from datetime import UTC, datetime, time
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

# Of moments that somebody types. Those at the ends of the calendar clocks of some zones cannot show, and one
# such event would break every list that it is on.
YEARS = range(1970, 2200)
YEAR_OUT_OF_RANGE = _("The year is from 1970 to 2199.")


@functools.cache
def time_zones() -> frozenset[str]:
    """The names of all zones. zoneinfo opens six hundred files for it, each time it is asked."""
    return frozenset(zoneinfo.available_timezones())


def zone_choices() -> list[tuple[str, str]]:
    return [(name, name.replace("_", " ")) for name in sorted(time_zones())]


def zone_or_utc(name: str | None) -> zoneinfo.ZoneInfo:
    return zoneinfo.ZoneInfo(name if name and name in time_zones() else "UTC")


class _TimeInput(forms.TimeInput):
    """Seconds only where there are some, as browsers write times."""

    input_type = "time"

    def format_value(self, value):
        has_seconds = not isinstance(value, time) or value.second
        return super().format_value(value) if has_seconds else f"{value:%H:%M}"


class ZonedWidget(forms.SplitDateTimeWidget):
    """A date and a time by the clocks of `zone`, in the browser's own pickers.

    `static/js/staff.js` writes the reader's own time beside them.
    """

    zone = zoneinfo.ZoneInfo("UTC")

    def __init__(self, attrs=None):
        day = {"type": "date", "data-zoned": "", "data-text": _("= {time} your time")}
        super().__init__(attrs, date_format="%Y-%m-%d", date_attrs=day)
        self.widgets[1] = _TimeInput(format="%H:%M:%S")

    def decompress(self, value):
        with timezone.override(self.zone):
            return super().decompress(value)


class ZonedDateTimeField(forms.SplitDateTimeField):
    """A moment by the clocks of `widget.zone`; in an hour that comes twice, the first time (`fold=0`)."""

    widget = ZonedWidget

    def compress(self, data_list) -> datetime | None:
        if not data_list or not any(data_list):
            return None
        zone = self.widget.zone
        with timezone.override(UTC):  # the checks of both parts, and no zone yet
            typed: Any = super().compress(data_list)
        if typed.year not in YEARS:
            raise ValidationError(YEAR_OUT_OF_RANGE, code="year")
        moment = typed.replace(tzinfo=zone)
        if moment.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != typed.replace(tzinfo=None):
            says = _("Clocks are set forward then: that day has no such time.")
            raise ValidationError(says, code="no_such_time")
        return moment


def tell_zone(fields: Iterable[forms.Field], zone: str) -> None:
    """Have the moments among `fields` typed by the clocks of `zone`, each part with its name."""
    for field in fields:
        if isinstance(field, ZonedDateTimeField):
            field.widget.zone = zone_or_utc(zone)
            for part, word in zip(field.widget.widgets, (_("Date"), _("Time")), strict=True):
                part.attrs["aria-label"] = f"{field.label}: {word}"


def other_moment(moment: datetime) -> datetime:
    """The second time at which clocks show this, in the night in which they are set back; else the same."""
    return moment.replace(fold=1)
