"""Scheduled exports, and the mail that each recipient gets of each period."""

import uuid
from datetime import date, datetime, time, timedelta

from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from events.models import Event
from events.organizer_models import Organizer
from tickets.reports.tables import TABLES, Table
from ticketsuma.constraint_messages import Unique
from ticketsuma.jobs.models import Job
from ticketsuma.state_machine import StateMachine
from ticketsuma.zoned_fields import zone_or_utc


class ScheduledExport(models.Model):
    """A table of an organizer's, mailed at `hour` by the clocks of `timezone`; `next_on` is the next day.

    What it tells of are the whole days before that day: one, seven, or the month before. `table` is a name
    in `tables.TABLES`, which the form asks for: the schema knows nothing of tables, columns and files.
    """

    organizer_path = "organizer"

    class Every(models.TextChoices):
        DAY = "day", _("Every day, about the day before")
        WEEK = "week", _("Every Monday, about the seven days before")
        MONTH = "month", _("On the first of every month, about the month before")

    organizer = models.ForeignKey(
        Organizer, models.CASCADE, related_name="+", verbose_name=_("organizer"),
        help_text=_("Whose rows they are."),
    )  # fmt: skip
    table = models.CharField(_("table"), max_length=20)
    event = models.ForeignKey(
        Event, models.CASCADE, null=True, blank=True, related_name="+",
        verbose_name=_("event"), help_text=_("Empty: all of the organizer's."),
    )  # fmt: skip
    columns = models.JSONField(
        _("columns"), default=list, blank=True, help_text=_("None ticked: all of them.")
    )
    format = models.CharField(_("file"), max_length=4, default="csv")
    every = models.CharField(_("how often"), max_length=5, choices=Every, default=Every.WEEK)
    hour = models.PositiveSmallIntegerField(_("hour"), default=7, validators=[MaxValueValidator(23)])
    timezone = models.CharField(_("time zone"), max_length=64, default="UTC")
    recipients = models.ManyToManyField(
        settings.AUTH_USER_MODEL, related_name="scheduled_exports", blank=True, verbose_name=_("recipients"),
        help_text=_("Whoever loses the right to see it gets it no more."),
    )  # fmt: skip
    is_active = models.BooleanField(
        _("is mailed"), default=False, help_text=_("Nothing is mailed until it is ticked.")
    )
    next_on = models.DateField(_("next"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name, verbose_name_plural = _("scheduled export"), _("scheduled exports")
        indexes = [
            models.Index(fields=["next_on"], name="scheduled_exports_next", condition=Q(is_active=True)),
        ]

    def __str__(self) -> str:
        return f"{self.of.label} · {self.organizer}"

    @property
    def of(self) -> Table:
        return TABLES[self.table]

    def due_at(self, on: date) -> datetime:
        """The moment of day `on`: of an hour that clocks skip the next, of one that comes twice the first."""
        return datetime.combine(on, time(self.hour), zone_or_utc(self.timezone))

    def first_on(self, now: datetime) -> date:
        """The first day, from `now` on, on which it is due."""
        day = now.astimezone(zone_or_utc(self.timezone)).date()
        day = day if self.due_at(day) > now else day + timedelta(days=1)
        if self.every == self.Every.WEEK:
            return day + timedelta(days=-day.weekday() % 7)
        if self.every == self.Every.MONTH and day.day > 1:
            return _month_after(day)
        return day

    def after(self, on: date) -> date:
        """The next day after `on` on which it is due."""
        if self.every == self.Every.MONTH:
            return _month_after(on)
        return on + timedelta(days=7 if self.every == self.Every.WEEK else 1)

    def days_before(self, on: date) -> tuple[date, date]:
        """The first and the last day that the mail of day `on` tells of."""
        last = on - timedelta(days=1)
        if self.every == self.Every.MONTH:
            return last.replace(day=1), last
        return on - timedelta(days=7 if self.every == self.Every.WEEK else 1), last


def _month_after(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


class ExportMail(StateMachine, Job):
    """What one recipient gets of the days `first` to `last`: one mail, whatever workers do."""

    organizer_path = "schedule__organizer"

    class Status(models.TextChoices):
        DUE = "due", pgettext_lazy("export", "Due")
        SENT = "sent", pgettext_lazy("export", "Sent")
        LEFT_OUT = "left_out", pgettext_lazy("export", "Not sent")

    class Why(models.TextChoices):
        OFF = "off", _("it was switched off")
        SHUT_OUT = "shut_out", _("the account is shut out")
        NO_RIGHT = "no_right", _("may not see it any more")
        MOVED = "moved", _("the event is another organizer's now")
        STOPPED = "stopped", _("nothing is mailed to the address")

    transitions = {Status.DUE: {Status.SENT, Status.LEFT_OUT}}
    max_attempts = 16
    longest_delay_seconds = timedelta(hours=6).total_seconds()
    furthest_due = timedelta(hours=12)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    schedule = models.ForeignKey(
        ScheduledExport, models.CASCADE, related_name="mails", db_index=False, verbose_name=_("export")
    )
    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("recipient")
    )
    first = models.DateField(_("from"))
    last = models.DateField(_("until"))
    status = models.CharField(_("state"), max_length=8, choices=Status, default=Status.DUE)
    why = models.CharField(_("why it was not sent"), max_length=8, choices=Why, blank=True, default="")
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)

    class Meta:
        verbose_name, verbose_name_plural = _("mail of an export"), _("mails of exports")
        constraints = [
            Unique(
                fields=["schedule", "recipient", "first", "last"], name="scheduled_exports_once",
                says=_("They have a mail of these days already.")),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["next_attempt_at"], name="scheduled_exports_due", condition=Q(status="due")),
            models.Index(fields=["last"], name="scheduled_exports_last"),
        ]

    def __str__(self) -> str:
        return f"{self.schedule} · {self.first} – {self.last}"

    @property
    def says(self) -> str:
        """Its state, and why it was not sent."""
        return ": ".join(filter(None, (self.get_status_display(), self.get_why_display())))
