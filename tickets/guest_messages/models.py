"""Messages of organizers to the guests of an event, and who wants no news."""

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from events.catalogue_models import TicketType
from events.models import Event
from events.organizer_models import Organizer
from events.question_models import MAX_ANSWER, Question
from ticketsuma.constraint_messages import Check, Unique
from ticketsuma.state_machine import StateMachine

MAX_SUBJECT = 150
MAX_TEXT = 20_000


class Message(StateMachine):
    """What staff write to guests of an event. Each guest's copy is a `Mail`; its `about` is this row's id."""

    organizer_path = "event__organizer"

    class Status(models.TextChoices):
        DRAFT = "draft", pgettext_lazy("message", "Draft")
        DUE = "due", pgettext_lazy("message", "Waiting for its time")
        BEGUN = "begun", pgettext_lazy("message", "Sent")
        CANCELED = "canceled", pgettext_lazy("message", "Canceled")
        MISSED = "missed", pgettext_lazy("message", "Missed its time")

    class Kind(models.TextChoices):
        TICKET = "ticket", _("About the ticket: everybody chosen gets it")
        NEWS = "news", _("News: with a link to unsubscribe, and not to whoever did")

    class Guests(models.TextChoices):
        GOING = "going", _("Have a ticket")
        CAME = "came", _("Have a ticket and were checked in, or joined the stream")
        ABSENT = "absent", _("Have a ticket and were not checked in yet")
        UNPAID = "unpaid", _("Hold seats that are not paid yet")
        GAVE_BACK = "gave_back", _("Gave their ticket back, or had it refunded")

    transitions = {
        Status.DRAFT: {Status.DUE},
        Status.DUE: {Status.BEGUN, Status.CANCELED, Status.MISSED},
    }

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    event = models.ForeignKey(Event, models.CASCADE, related_name="guest_messages", verbose_name=_("event"))
    kind = models.CharField(
        _("kind"), max_length=6, choices=Kind, default=Kind.TICKET, help_text=_("Who gets it.")
    )
    subject = models.CharField(_("subject"), max_length=MAX_SUBJECT)
    text = models.TextField(
        _("text"), max_length=MAX_TEXT,
        help_text=_("Markdown. Guests get a text of their language where you add one, and this one if not."),
    )  # fmt: skip
    guests = models.CharField(_("guests who"), max_length=9, choices=Guests, default=Guests.GOING)
    ticket_type = models.ForeignKey(
        TicketType, models.RESTRICT, null=True, blank=True, related_name="+",
        verbose_name=_("ticket type"), help_text=_("Empty: of any type."),
    )  # fmt: skip
    question = models.ForeignKey(
        Question, models.RESTRICT, null=True, blank=True, related_name="+",
        verbose_name=_("who answered"), help_text=_("Empty: whatever they answered."),
    )  # fmt: skip
    answer = models.CharField(
        _("with"), max_length=MAX_ANSWER, blank=True,
        help_text=_("One of the choices, or the words; empty: with anything."),
    )  # fmt: skip
    minutes_from_start = models.IntegerField(
        _("when"), null=True, blank=True,
        help_text=_("Before (below 0) or after the start; none: as soon as it is sent."),
    )  # fmt: skip
    status = models.CharField(_("state"), max_length=8, choices=Status, default=Status.DRAFT)
    recipients = models.PositiveIntegerField(_("guests written to"), null=True, blank=True)
    begun_at = models.DateTimeField(_("sent"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name, verbose_name_plural = _("message to guests"), _("messages to guests")
        constraints = [
            Check(
                condition=Q(answer="") | Q(question__isnull=False),
                name="guest_messages_answer_has_question", at="answer",
                says=_("Say to which question.")),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["id"], name="guest_messages_message_due", condition=Q(status="due")),
            models.Index(fields=["created_at"], name="guest_messages_newest"),
        ]

    def __str__(self) -> str:
        return self.subject

    def clean(self) -> None:
        if self.ticket_type and self.ticket_type.event_id != self.event_id:
            raise ValidationError({"ticket_type": _("Choose a type of this event.")})
        if self.question and self.question.event_id != self.event_id:
            raise ValidationError({"question": _("Choose a question of this event.")})

    @property
    def is_news(self) -> bool:
        return self.kind == self.Kind.NEWS

    @property
    def is_draft(self) -> bool:
        return self.status == self.Status.DRAFT

    @property
    def due_at(self) -> datetime | None:
        """When it goes out, by the event's start as it is now; None: at once."""
        if self.minutes_from_start is None:
            return None
        return self.event.start_time + timedelta(minutes=self.minutes_from_start)

    def words(self, language: str) -> tuple[str, str]:
        """Subject and text in `language`; the ones for everybody where there are no others."""
        for translation in self.translations.all():
            if translation.language == language:
                return translation.subject, translation.text
        return self.subject, self.text


class Translation(models.Model):
    """A message in another language of the shop's."""

    organizer_path = "message__event__organizer"

    message = models.ForeignKey(
        Message, models.CASCADE, related_name="translations", db_index=False, verbose_name=_("message")
    )
    language = models.CharField(_("language"), max_length=10, choices=settings.LANGUAGES)
    subject = models.CharField(_("subject"), max_length=MAX_SUBJECT)
    text = models.TextField(_("text"), max_length=MAX_TEXT)

    class Meta:
        verbose_name, verbose_name_plural = _("text in another language"), _("texts in other languages")
        constraints = [
            Unique(
                fields=["message", "language"], name="guest_messages_text_once",
                says=_("There is a text in this language.")),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.get_language_display()


class Unsubscribed(models.Model):
    """Somebody wants no news of an organizer (none: of the shop's own events).

    `key` is a digest of both; no address is kept, so that the wish can outlive the orders that named it.
    """

    organizer_path = "organizer"

    key = models.CharField(_("digest"), max_length=64, primary_key=True)
    organizer = models.ForeignKey(
        Organizer, models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("organizer")
    )
    at = models.DateTimeField(_("since"), auto_now_add=True)

    class Meta:
        verbose_name, verbose_name_plural = _("who wants no news"), _("who want no news")

    def __str__(self) -> str:
        return self.key[:12]
