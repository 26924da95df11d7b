"""Questions that an event asks of whoever buys, and of each ticket's holder."""

import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ticketsuma.api.fields import without_direction_marks
from ticketsuma.constraint_messages import Check

from .catalogue_models import TicketType

if TYPE_CHECKING:
    from .models import Event

MAX_QUESTIONS = 50  # of one event
MAX_CHOICES = 50
MAX_CHOICE = 120
MAX_ANSWER = 500
YES = "yes"  # what is kept of a consent that was given


class Question(models.Model):
    """What an event wants to know. One that is not active is asked no more; its answers stay.

    The event keeps a copy of all of its questions (`kept_questions`), from which pages and sales read them
    without a statement: save and delete single rows, never `update()`.
    """

    organizer_path = "event__organizer"

    class Asked(models.TextChoices):
        """Of whom, and when: the way to the payment has no more on it than it must."""

        BEFORE = "before", _("The buyer, before the payment")
        AFTER = "after", _("The buyer, after the payment")
        TICKET = "ticket", _("The holder of each ticket, after the payment")

    class Kind(models.TextChoices):
        TEXT = "text", _("Text")
        CHOICE = "choice", _("One of several choices")
        CHOICES = "choices", _("Any of several choices")
        CONSENT = "consent", _("Consent")

    event = models.ForeignKey(
        "events.Event", models.CASCADE, related_name="questions", verbose_name=_("event")
    )
    label = models.CharField(_("question"), max_length=200, help_text=_("As it is asked."))
    hint = models.CharField(
        _("hint"), max_length=300, blank=True, help_text=_("In small, below the question.")
    )
    asked = models.CharField(
        _("who is asked"),
        max_length=6,
        choices=Asked,
        default=Asked.BEFORE,
        help_text=_("Before the payment no more than the sale needs."),
    )
    kind = models.CharField(
        _("kind"), max_length=7, choices=Kind, default=Kind.TEXT, help_text=_("How it is answered.")
    )
    options = models.TextField(_("choices"), blank=True, max_length=8000, help_text=_("One a line."))
    link = models.CharField(
        _("link"), max_length=500, blank=True, validators=[URLValidator(schemes=["https", "http"])],
        help_text=_("What consent is given to."),
    )  # fmt: skip
    is_required = models.BooleanField(_("needed"), default=False, help_text=_("Not to be left empty."))
    ticket_type = models.ForeignKey(
        TicketType, models.RESTRICT, null=True, blank=True, related_name="questions",
        verbose_name=_("ticket type"), help_text=_("Asked for tickets of this type only; empty: for all."),
    )  # fmt: skip
    position = models.PositiveSmallIntegerField(
        _("position"), default=0, help_text=_("Lower ones are shown first.")
    )
    is_active = models.BooleanField(_("active"), default=True, help_text=_("Asked from now on."))

    class Meta:
        verbose_name, verbose_name_plural = _("question"), _("questions")
        ordering = ["position", "pk"]
        constraints = [
            Check(condition=~Q(label=""), name="events_question_asks_something", at="label",
                  says=_("A question has words.")),
            Check(
                condition=Q(kind__in=["choice", "choices"]) & ~Q(options="")
                | Q(kind__in=["text", "consent"], options=""),
                name="events_question_choices_fit", at="options",
                says=_("Choices are for questions that are answered by choosing, and these have some.")),
            Check(
                condition=Q(link="") | Q(kind="consent"), name="events_question_link_fits", at="link",
                says=_("A link is for what consent is given to.")),
            Check(
                condition=Q(ticket_type=None) | Q(asked="ticket"), name="events_question_type_fits",
                at="ticket_type", says=_("A ticket type is for questions about each ticket.")),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.label

    def save(self, *args, **kwargs):
        """The event's copy follows, and with it the event's `version`, under which its page is kept."""
        with transaction.atomic():
            lock_event(self.event_id)
            super().save(*args, **kwargs)
            keep_questions(self.event_id)

    def delete(self, *args, **kwargs):
        """Raises ProtectedError where it has answers; a sale that has the event's lock ends first."""
        with transaction.atomic():
            lock_event(self.event_id)
            gone = super().delete(*args, **kwargs)
            keep_questions(self.event_id)
        return gone

    def clean(self) -> None:
        self.options = "\n".join(filter(None, map(on_one_line, self.options.splitlines())))
        choices = self.choices
        if len(choices) > MAX_CHOICES or any(len(choice) > MAX_CHOICE for choice in choices):
            says = _("At most %(most)s choices, of %(length)s characters each.")
            raise ValidationError({"options": says % {"most": MAX_CHOICES, "length": MAX_CHOICE}})
        if len(set(choices)) < len(choices):
            raise ValidationError({"options": _("Two of the choices are the same.")})
        if self.ticket_type and self.ticket_type.event_id != self.event_id:
            raise ValidationError({"ticket_type": _("Choose a type of the event that asks.")})

    @property
    def choices(self) -> list[str]:
        return self.options.splitlines()

    @property
    def takes_several(self) -> bool:
        return self.kind == self.Kind.CHOICES

    def read(self, values: Sequence[str]) -> str:
        """What is kept of `values`, what somebody answered: a choice a line, YES of a consent, "" of nothing.

        Control characters and marks that turn the direction of writing are left out. Raises ValidationError.
        """
        said = list(dict.fromkeys(filter(None, map(on_one_line, values))))
        if len(said) > 1 and not self.takes_several:
            raise ValidationError(_("One answer is enough."))
        if any(len(each) > MAX_ANSWER for each in said):
            raise ValidationError(_("At most %(most)s characters.") % {"most": MAX_ANSWER})
        if self.kind == self.Kind.CONSENT and said not in ([], [YES]):
            raise ValidationError(_("Agree, or leave it open."))
        if self.options and not {*said} <= {*self.choices}:
            raise ValidationError(_("Choose from what is offered."))
        return "\n".join(sorted(said, key=self.choices.index) if self.options else said)

    @property
    def why_needed(self) -> str:
        if self.kind == self.Kind.CONSENT:
            return str(_("This needs your consent."))
        return str(_("Please answer this question."))


def on_one_line(text: str) -> str:
    words = " ".join(text.split())
    return without_direction_marks("".join(c for c in words if unicodedata.category(c) not in ("Cc", "Cs")))


# -- the event's copy -----------------------------------------------------------------------------
COPIED = (
    "id", "label", "hint", "asked", "kind", "options", "link", "is_required", "ticket_type_id", "is_active",
)  # fmt: skip


def lock_event(event_id: int) -> None:
    from .models import Event

    Event.objects.select_for_update(no_key=True).filter(pk=event_id).values("pk").first()


def keep_questions(event_id: int) -> None:
    """Copy an event's questions onto its row, which is locked: of two changes the second copies both."""
    from .models import Event

    copies: list[dict[str, Any]] = list(Question.objects.filter(event=event_id).values(*COPIED))
    Event.objects.filter(pk=event_id).update(kept_questions=copies or None, updated_at=timezone.now())


def questions_of(event: "Event") -> list[Question]:
    """All questions of `event` in their order, without a statement; they are for reading only."""
    return [Question(event_id=event.pk, **copy) for copy in event.kept_questions or []]


def asked_now(event: "Event", *asked: str) -> list[Question]:
    """Those that are asked now, of those who are `asked`; without that, all of them."""
    return [q for q in questions_of(event) if q.is_active and (not asked or q.asked in asked)]
