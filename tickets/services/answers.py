"""Answers: what buyers and holders say to the questions of an event."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from events.models import Event
from events.question_models import Question, asked_now, questions_of
from tickets.models import Answer, Order, Ticket
from ticketsuma.errors import DomainError

Place = tuple[int, int]  # a question's id, and the number of the ticket it is asked about; 0: of the order
Seats = Mapping[int, int | None]  # the id of each ticket's type, by the ticket's number


@dataclass(frozen=True)
class Reply:
    """What somebody says to a question: of several choices some, else one text or none; of consent "yes"."""

    question_id: int
    values: Sequence[str]
    ticket_number: int = 0

    @property
    def place(self) -> Place:
        return self.question_id, self.ticket_number


class AnswerRefused(DomainError):
    """One answer or several: `problems` says why for each; the API names the first one's question."""

    code = "answer_refused"
    status = 400
    field = "answers"

    def __init__(self, problems: Mapping[Place, str]):
        self.problems = problems
        (question_id, number), message = next(iter(problems.items()))
        super().__init__(message)
        self.members = {"question_id": question_id, "ticket_number": number}


class AnswersClosed(DomainError):
    code = "answers_closed"
    message = _("The event has begun, or the order has ended: answers stay as they are.")


class QuestionsChanged(DomainError):
    code = "questions_changed"
    message = _("The questions of this event have just changed. Please look again.")


def places_of(event: Event, seats: Seats, *asked: str) -> dict[Place, Question]:
    """Where answers are wanted now, of the order and then of each ticket; without a statement."""
    questions = asked_now(event, *asked)
    places = {(each.pk, 0): each for each in questions if each.asked != Question.Asked.TICKET}
    for number, type_id in seats.items():
        for each in questions:
            if each.asked == Question.Asked.TICKET and each.ticket_type_id in (None, type_id):
                places[each.pk, number] = each
    return places


def read_answers(
    event: Event, places: Mapping[Place, Question], replies: Iterable[Reply], needed: Collection[str]
) -> dict[Place, str]:
    """What is kept of `replies`: for each place its text, "" where nothing is said.

    Needed are answers where somebody replies, and those of questions that are asked of one of `needed`. What
    is no longer asked is left out: nobody has to answer it. Raises AnswerRefused, with all that is wrong.
    """
    known = {each.pk: each for each in questions_of(event)}
    said: dict[Place, str] = {place: "" for place, each in places.items() if each.asked in needed}
    problems: dict[Place, str] = {}
    replied: set[Place] = set()
    for reply in replies:
        question = known.get(reply.question_id)
        if question and not question.is_active:
            continue
        if question is None or reply.place not in places:
            problems[reply.place] = str(_("This is not asked here."))
        elif reply.place in replied:
            problems[reply.place] = str(_("One answer is enough."))
        else:
            try:
                said[reply.place] = question.read(reply.values)
            except ValidationError as error:
                problems[reply.place] = error.messages[0]
        replied.add(reply.place)
    for place, text in said.items():
        if not text and places[place].is_required:
            problems.setdefault(place, places[place].why_needed)
    if problems:
        raise AnswerRefused(problems)
    return said


def take_answers(order: Order, replies: Sequence[Reply]) -> AnswerRefused | None:
    """Give an order that is about to be written, with its lines in hand, its answers; or say why not."""
    types = [line.type_id for line in order.lines_in_hand or [] for _seat in range(line.quantity)]
    try:
        places = places_of(order.event, dict(enumerate(types, 1)))
        said = read_answers(order.event, places, replies, [Question.Asked.BEFORE])
    except AnswerRefused as refusal:
        return refusal
    order.answers_in_hand = _rows(order, said)
    return None


def save_answers(order: Order, replies: Sequence[Reply], *, number: int | None = None) -> None:
    """Keep what is said of `order`, or of its ticket `number` alone, until the event starts.

    An empty answer takes one away that is not needed; what nobody replies to stays. Of two at once the later
    one stands. Raises AnswerRefused, AnswersClosed.
    """
    with transaction.atomic():
        locked = Order.objects.select_for_update(of=("self",)).select_related("event").get(pk=order.pk)
        if not may_answer(locked):
            raise AnswersClosed
        tickets = locked.tickets.filter(voided_at=None).order_by("number")
        seats = dict(tickets.values_list("number", "line__type"))
        places = places_of(locked.event, seats)
        if number is not None:
            places = {place: each for place, each in places.items() if place[1] == number}
        said = read_answers(locked.event, places, replies, [])
        for question_id, ticket_number in (place for place, text in said.items() if not text):
            locked.answers.filter(question=question_id, ticket_number=ticket_number).delete()
        Answer.objects.bulk_create(
            _rows(locked, said), update_conflicts=True, update_fields=["text", "updated_at"],
            unique_fields=["order", "question", "ticket_number"],
        )  # fmt: skip


def seats_of(tickets: Iterable[Ticket]) -> dict[int, int | None]:
    """Those of `tickets`, loaded with their lines, that are not void."""
    return {
        each.number: each.line.type_id if each.line else None for each in tickets if each.voided_at is None
    }


def has_questions(order: Order, tickets: Iterable[Ticket], *, of_order: bool = True) -> bool:
    """Whether something is left to be answered about `tickets`, and about the order if the buyer is asked."""
    if order.event.kept_questions is None or not may_answer(order):
        return False
    places = places_of(order.event, seats_of(tickets), Question.Asked.AFTER, Question.Asked.TICKET)
    answered = {(each.question_id, each.ticket_number) for each in known_answers(order)}
    return any(place not in answered for place in places if of_order or place[1])


def may_answer(order: Order) -> bool:
    """Whether answers may still be given or changed."""
    event = order.event
    return (order.is_pending or order.is_paid) and not event.is_canceled and event.start_time > timezone.now()


def known_answers(order: Order) -> list[Answer]:
    """The order's answers with their questions, those in hand or, where the event ever asked, the stored."""
    if order.answers_in_hand is not None:
        return order.answers_in_hand
    if order.event.kept_questions is None:
        return []
    return list(order.answers.select_related("question"))


def questions_are_gone(answers: Sequence[Answer]) -> bool:
    """Whether a question was deleted after it was answered and before the answer was stored."""
    asked = {each.question_id for each in answers}
    return Question.objects.filter(pk__in=asked).count() < len(asked)


def _rows(order: Order, said: Mapping[Place, str]) -> list[Answer]:
    questions = {each.pk: each for each in questions_of(order.event)}
    return [
        Answer(order=order, question=questions[question_id], ticket_number=number, text=text)
        for (question_id, number), text in said.items()
        if text
    ]
