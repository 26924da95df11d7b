"""Periods of reports and exports: whole days by the clocks of a time zone, and the period before."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ticketsuma.zoned_fields import zone_choices, zone_or_utc

LONGEST_DAYS = 3660
SHOWN_BY_DAY = 92  # longer periods are told by month
EARLIEST = date(2009, 1, 3)


def is_possible(first: date, last: date) -> bool:
    """Whether a period may be from `first` to `last`: in their order, and in the times of bitcoin."""
    return EARLIEST <= first <= last < first + timedelta(days=LONGEST_DAYS) and last.year < 2200


@dataclass(frozen=True)
class Period:
    """From the first moment of `first` until the last one of `last`, by the clocks of `zone`."""

    first: date
    last: date
    zone: ZoneInfo

    @classmethod
    def of_days(cls, days: int, zone: ZoneInfo) -> "Period":
        """The last `days`, today with them."""
        today = timezone.now().astimezone(zone).date()
        return cls(today - timedelta(days=days - 1), today, zone)

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def start(self) -> datetime:
        return self._midnight(self.first)

    @property
    def end(self) -> datetime:
        """The moment after it, which is not in it."""
        return self._midnight(self.last + timedelta(days=1))

    def _midnight(self, day: date) -> datetime:
        """Where clocks skip midnight, the moment at which the day begins."""
        return datetime.combine(day, time(), self.zone).astimezone(UTC)

    @property
    def before(self) -> "Period":
        """As many days right before it."""
        length = timedelta(days=self.days)
        return Period(self.first - length, self.last - length, self.zone)

    @property
    def is_by_day(self) -> bool:
        return self.days <= SHOWN_BY_DAY

    @property
    def steps(self) -> list[date]:
        """Its days, or of a long one the first days of its months."""
        days = [self.first + timedelta(days=number) for number in range(self.days)]
        return days if self.is_by_day else sorted({day.replace(day=1) for day in days})


class PeriodForm(forms.Form):
    """`first`, `last` and `zone`; what is missing is the last 30 days by the clocks of `default_zone`."""

    first = forms.DateField(
        label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    last = forms.DateField(
        label=_("Until"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    zone = forms.ChoiceField(
        label=_("Time zone"), required=False,
        choices=zone_choices,
    )  # fmt: skip

    def __init__(self, data, *, default_zone: str, **kwargs):
        self.default = Period.of_days(30, zone_or_utc(default_zone))
        shown = {"first": self.default.first, "last": self.default.last, "zone": default_zone}
        sent = {name: data.get(name) or f"{value}" for name, value in shown.items()}
        super().__init__({**data.dict(), **sent} if hasattr(data, "dict") else {**data, **sent}, **kwargs)

    def clean(self):
        data = super().clean() or self.cleaned_data
        first, last = data.get("first"), data.get("last")
        if first and last and not is_possible(first, last):
            raise ValidationError(_("The first day comes before the last, by ten years at most."))
        return data

    @property
    def period(self) -> Period:
        """What was asked for; of a form that is wrong the last 30 days."""
        if not self.is_valid():
            return self.default
        data = self.cleaned_data
        return Period(data["first"], data["last"], zone_or_utc(data["zone"]))
