"""Details of an event as its holders were last told, and what of them has changed."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from events.models import Event
from events.schedule import Schedule

# What holders are told of when it changes.
TOLD = ("title", "start_time", "end_time", "timezone")


class Announcement(models.Model):
    """Details of an event as its holders were last told; where they differ by now, a mail is due.

    Written with the event, in one transaction (`on_event_saved`).
    """

    organizer_path = "event__organizer"

    event = models.OneToOneField(
        Event, models.CASCADE, primary_key=True, related_name="announcement", verbose_name=_("event")
    )
    title = models.CharField(_("title"), max_length=160)
    start_time = models.DateTimeField(_("start"))
    end_time = models.DateTimeField(_("end"), null=True)  # null: written before ends were told
    timezone = models.CharField(_("time zone"), max_length=64, blank=True, db_default="")

    class Meta:
        verbose_name, verbose_name_plural = _("announcement"), _("announcements")
        indexes = [
            models.Index(fields=["start_time"], name="tickets_announcement_newest"),
            models.Index(fields=["event"], name="tickets_announcement_older", condition=Q(end_time=None)),
        ]

    def __str__(self) -> str:
        return self.title


class EventChange(Schedule, models.Model):
    """One change of an event that its holders are mailed about: how it was before."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organizer_path = "event__organizer"

    event = models.ForeignKey(Event, models.CASCADE, related_name="changes", verbose_name=_("event"))
    at = models.DateTimeField(_("changed"), default=timezone.now)
    title = models.CharField(_("title before"), max_length=160)
    start_time = models.DateTimeField(_("start before"))
    end_time = models.DateTimeField(_("end before"))
    timezone = models.CharField(_("time zone before"), max_length=64)
    is_move = models.BooleanField(_("rescheduled"))

    class Meta:
        verbose_name, verbose_name_plural = _("event change"), _("event changes")
        indexes = [
            models.Index(fields=["event", "at"], name="tickets_change_of_event"),
            models.Index(fields=["at"], name="tickets_change_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.title}, {self.at:%F %T} UTC"

    @property
    def differs(self) -> bool:
        """Whether the event is not (again) as it was before this change."""
        return any(getattr(self, name) != getattr(self.event, name) for name in TOLD)

    @property
    def is_elsewhere_in_time(self) -> bool:
        """Whether the event starts or ends at another moment now."""
        return (self.start_time, self.end_time) != (self.event.start_time, self.event.end_time)
