"""Counts that no other row holds: views of event pages, and time in the stream's room."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from events.models import Event
from tickets.models import Ticket


class PageViews(models.Model):
    """How often the page of an event was shown in a quarter of an hour: of nobody in particular.

    Days of every time zone are made of whole quarters (Kathmandu is 5:45 ahead).
    """

    organizer_path = "event__organizer"

    event = models.ForeignKey(Event, models.CASCADE, related_name="page_views", verbose_name=_("event"))
    quarter = models.DateTimeField(_("quarter of an hour"), help_text=_("Its beginning."))
    views = models.PositiveBigIntegerField(_("views"))

    class Meta:
        verbose_name, verbose_name_plural = _("page views"), _("page views")
        constraints = [models.UniqueConstraint(fields=["event", "quarter"], name="reports_views_once")]
        indexes = [models.Index(fields=["quarter"], name="reports_views_by_time")]

    def __str__(self) -> str:
        return f"{self.views}, {self.quarter:%F %R} UTC"


class RoomMinute(models.Model):
    """In how many browsers the room of a live stream was open within a minute."""

    organizer_path = "event__organizer"

    event = models.ForeignKey(Event, models.CASCADE, related_name="room_minutes", verbose_name=_("event"))
    minute = models.DateTimeField(_("minute"), help_text=_("Its beginning."))
    viewers = models.PositiveBigIntegerField(_("viewers"))

    class Meta:
        verbose_name, verbose_name_plural = _("minute in the room"), _("minutes in the room")
        constraints = [models.UniqueConstraint(fields=["event", "minute"], name="reports_minute_once")]

    def __str__(self) -> str:
        return f"{self.viewers}, {self.minute:%F %R} UTC"


class TimeInRoom(models.Model):
    """In how many different minutes the room was open with a ticket; it stays when viewers move or leave."""

    organizer_path = "ticket__order__event__organizer"

    ticket = models.OneToOneField(
        Ticket, models.CASCADE, primary_key=True, related_name="time_in_room", verbose_name=_("ticket")
    )
    last_minute = models.DateTimeField(_("last minute"))
    live_minutes = models.PositiveIntegerField(_("minutes of the live stream"))
    replay_minutes = models.PositiveIntegerField(_("minutes of the replay"))

    class Meta:
        verbose_name, verbose_name_plural = _("time in the room"), _("times in the room")

    def __str__(self) -> str:
        return f"{self.ticket}, {self.minutes} min"

    @property
    def minutes(self) -> int:
        return self.live_minutes + self.replay_minutes
