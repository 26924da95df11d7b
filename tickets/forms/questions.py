"""Form fields of an event's questions, on the page that sells and on those of orders and tickets."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _

from events.models import Event
from events.question_models import MAX_ANSWER, YES, Question
from tickets.models import Answer
from tickets.services.answers import AnswerRefused, Place, Reply, Seats, places_of, read_answers
from ticketsuma.errors import DomainError

from .orders import DescribedForm

if TYPE_CHECKING:
    _AnyForm = forms.Form
else:
    _AnyForm = object  # a mixin; mypy wants its base

# `answer_7` of question 7 about the order, `answer_7_2` about ticket 2; `answers_…` has several values.
_NAME = re.compile(r"(answers?)_([0-9]{1,18})(?:_([0-9]{1,3}))?")


def field_name(question: Question, number: int) -> str:
    name = f"{'answers' if question.takes_several else 'answer'}_{question.pk}"
    return f"{name}_{number}" if number else name


def with_several(data: Mapping) -> dict[str, Any]:
    """What was sent, as a dict: names that begin with `answers_` have lists, all others one value."""
    lists = data.getlist if hasattr(data, "getlist") else lambda name: data[name]
    return {name: lists(name) if name.startswith("answers_") else value for name, value in data.items()}


def replies_in(sent: Mapping[str, Any]) -> list[Reply]:
    """Answers as they were sent, to questions that are asked no more, too."""
    replies = []
    for name, said in sent.items():
        if found := _NAME.fullmatch(name):
            values = said if found[1] == "answers" else [said]
            replies.append(Reply(int(found[2]), [str(value) for value in values], int(found[3] or 0)))
    return replies


@dataclass(frozen=True)
class Asked:
    """A question in a form."""

    question: Question
    field: forms.BoundField


class AsksQuestions(_AnyForm):
    """For a form: fields of questions. What they take is for the services to say; `refuse` shows it."""

    places: dict[Place, Question]

    def ask(self, places: dict[Place, Question], said: Mapping[Place, Answer] | None = None) -> None:
        self.places = places
        for (pk, number), question in places.items():
            name, answer = field_name(question, number), (said or {}).get((pk, number))
            self.fields[name] = field = _field(question)
            field.initial = answer and (answer.values if question.takes_several else answer.text)
            if question.kind == Question.Kind.CONSENT:
                field.initial = bool(answer)
                if name in self.initial:
                    self.initial[name] = True

    def asked(self, number: int = 0) -> list[Asked]:
        """The questions about one ticket, or about the order."""
        return [
            Asked(question, self[field_name(question, about)])
            for (_pk, about), question in self.places.items()
            if about == number
        ]

    @property
    def questions(self) -> list[Asked]:
        return self.asked()

    def check_answers(self, event: Event, replies: Sequence[Reply]) -> None:
        """Show what the service would refuse of `replies`, beside what is wrong with other fields."""
        try:
            read_answers(event, self.places, replies, [Question.Asked.BEFORE])
        except AnswerRefused as refusal:
            self.refuse(refusal)

    def refuse(self, error: DomainError) -> None:
        if not isinstance(error, AnswerRefused):
            super().refuse(error)  # type: ignore[misc]
            return
        for (pk, number), says in error.problems.items():
            question = self.places.get((pk, number))
            name = field_name(question, number) if question else None
            if name and not self.errors:
                self.fields[name].widget.attrs["autofocus"] = True
            self.add_error(name, says)


class AnswersForm(AsksQuestions, DescribedForm):
    """The questions of an order and its tickets, or those of one ticket, with what was answered so far."""

    def __init__(
        self, data=None, *, event: Event, seats: Seats, answers: Sequence[Answer], of_order: bool = True
    ):
        super().__init__(None if data is None else with_several(data))
        self.of_order = of_order
        self.answered: dict[Place, Answer] = {
            (each.question_id, each.ticket_number): each for each in answers
        }
        places = places_of(event, seats)
        self.ask({place: q for place, q in places.items() if place[1] or of_order}, self.answered)

    @property
    def rows(self) -> list[tuple[int, list[Asked]]]:
        """Numbers of tickets, each with what it is asked."""
        return [
            (number, self.asked(number))
            for number in dict.fromkeys(about for _pk, about in self.places)
            if number
        ]

    @property
    def is_complete(self) -> bool:
        """Whether nothing that is needed is missing."""
        return all(place in self.answered for place, each in self.places.items() if each.is_required)

    @property
    def replies(self) -> list[Reply]:
        """Something for each question; nothing about tickets whose fields were left empty, as before."""
        sent = {reply.place: reply for reply in replies_in(self.data)}
        return [
            sent.get(place) or Reply(place[0], [], place[1])
            for place in self.places
            if not (place[1] and self.of_order) or self._is_told_of(place[1], sent)
        ]

    def _is_told_of(self, number: int, sent: Mapping[Place, Reply]) -> bool:
        said = any(any(reply.values) for (_pk, about), reply in sent.items() if about == number)
        return said or any(about == number for _pk, about in self.answered)


def _field(question: Question) -> forms.Field:
    """It takes whatever is sent: the same answers are refused, or kept, by the service."""
    common: dict[str, Any] = {"label": question.label, "help_text": question.hint, "required": False}
    match question.kind:
        case Question.Kind.CONSENT:
            return forms.BooleanField(widget=forms.CheckboxInput(attrs={"value": YES, "class": ""}), **common)
        case Question.Kind.CHOICES:
            boxes = forms.CheckboxSelectMultiple(
                choices=[(choice, choice) for choice in question.choices], attrs={"class": ""}
            )
            return _AnyChoice(widget=boxes, **common)
        case Question.Kind.CHOICE:
            offered = [("", _("Please choose")), *((choice, choice) for choice in question.choices)]
            return _AnyChoice(widget=forms.Select(choices=offered, attrs={"class": "select"}), **common)
    attrs = {"class": "input", "maxlength": MAX_ANSWER, "dir": "auto"}
    return forms.CharField(widget=forms.TextInput(attrs=attrs), **common)


class _AnyChoice(forms.Field):
    pass
