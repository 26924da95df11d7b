"""Answers to the questions of an event, one of an order or of one of its tickets."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from events.question_models import MAX_CHOICE, MAX_CHOICES, YES, Question
from ticketsuma.constraint_messages import Check, Unique
from ticketsuma.querysets import DatedQuerySet


class Answer(models.Model):
    """What somebody answered: `text` as `Question.read` keeps it. What is not answered has no row."""

    organizer_path = "order__event__organizer"

    order = models.ForeignKey(
        "tickets.Order", models.PROTECT, related_name="answers", db_index=False, verbose_name=_("order")
    )
    question = models.ForeignKey(Question, models.PROTECT, related_name="answers", verbose_name=_("question"))
    ticket_number = models.PositiveSmallIntegerField(_("ticket"), default=0, help_text=_("0: of the order."))
    text = models.CharField(_("answer"), max_length=MAX_CHOICES * (MAX_CHOICE + 1))
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    objects = DatedQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("answer"), _("answers")
        ordering = ["ticket_number", "question__position", "question"]
        constraints = [
            Unique(
                fields=["order", "question", "ticket_number"], name="tickets_answer_once",
                says=_("This question is answered already.")),
            Check(
                condition=~models.Q(text=""), name="tickets_answer_says_something", at="text",
                says=_("An answer has words.")),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.order} #{self.ticket_number}" if self.ticket_number else str(self.order)

    @property
    def values(self) -> list[str]:
        return self.text.split("\n")

    @property
    def shown(self) -> str:
        """For people to read."""
        if self.question.kind == Question.Kind.CONSENT:
            return str(_("Yes")) if self.text == YES else self.text
        return ", ".join(self.values)
