"""Questions: what the database and the forms of staff refuse, and the event's copy of them."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError, RestrictedError
from django.utils import translation

from events.models import Event
from events.question_models import MAX_ANSWER, MAX_CHOICES, Question, asked_now, questions_of
from tests.factories import AnswerFactory, EventFactory, QuestionFactory, TicketTypeFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _in_english():
    """Whatever language the page of another test left active in this thread."""
    with translation.override("en"):
        yield


def labels(event: Event) -> list[str]:
    return [each.label for each in asked_now(Event.objects.get(pk=event.pk))]


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"label": ""}, "events_question_asks_something"),
        ({"kind": "choice"}, "events_question_choices_fit"),
        ({"kind": "choices"}, "events_question_choices_fit"),
        ({"kind": "text", "options": "A"}, "events_question_choices_fit"),
        ({"kind": "consent", "options": "A"}, "events_question_choices_fit"),
        ({"kind": "text", "link": "https://example.com/rules"}, "events_question_link_fits"),
        ({"kind": "shouted"}, "events_question_choices_fit"),
    ],
)
def test_the_database_refuses_what_no_form_could_show(fields, name):
    event = EventFactory()
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        QuestionFactory(event=event, **fields)
    assert Event.objects.get(pk=event.pk).kept_questions is None


def test_a_ticket_type_is_for_questions_about_tickets():
    event = EventFactory()
    with pytest.raises(IntegrityError, match="events_question_type_fits"), transaction.atomic():
        QuestionFactory(event=event, ticket_type=event.default_type)
    QuestionFactory(event=event, ticket_type=event.default_type, asked="ticket")
    with pytest.raises(RestrictedError):
        TicketTypeFactory._meta.model.objects.get(pk=event.default_type_id).delete()
    foreign = QuestionFactory.build(event=EventFactory(), ticket_type=event.default_type, asked="ticket")
    with pytest.raises(ValidationError, match="Choose a type of the event that asks"):
        foreign.full_clean()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("Yes\n Yes ", "Two of the choices are the same"),
        ("\n".join(map(str, range(MAX_CHOICES + 1))), "At most 50 choices"),
        ("x" * 121, "of 120 characters each"),
    ],
)
def test_staff_are_told_what_is_wrong_with_choices(options, says):
    question = QuestionFactory.build(event=EventFactory(), kind="choice", options=options)
    with pytest.raises(ValidationError, match=says):
        question.full_clean()


def test_choices_are_kept_as_they_are_compared():
    question = QuestionFactory.build(
        event=EventFactory(), kind="choice", options=" a  b \r\n\r\n\u202ec\x00\n"
    )
    question.full_clean()
    assert question.choices == ["a b", "c"]


@pytest.mark.parametrize("link", ["javascript:alert(1)", "ftp://example.com/x", "example"])
def test_a_link_is_one_of_the_web(link):
    question = QuestionFactory.build(event=EventFactory(), kind="consent", link=link)
    with pytest.raises(ValidationError, match="valid URL"):
        question.full_clean()


def test_the_event_has_a_copy_that_follows_every_change():
    event = EventFactory()
    version = Event.objects.get(pk=event.pk).version
    second = QuestionFactory(event=event, label="Second?", position=2)
    first = QuestionFactory(event=event, label="First?", position=1)
    assert labels(event) == ["First?", "Second?"]
    assert Event.objects.get(pk=event.pk).version > version
    second.position = 0
    second.save()
    assert labels(event) == ["Second?", "First?"]
    second.is_active = False
    second.save()
    assert labels(event) == ["First?"]
    assert [each.pk for each in questions_of(Event.objects.get(pk=event.pk))] == [second.pk, first.pk]
    first.delete()
    second.delete()
    assert Event.objects.get(pk=event.pk).kept_questions is None


def test_a_stale_copy_of_an_event_takes_no_question_away():
    stale = EventFactory()
    QuestionFactory(event=stale, label="Asked?")
    stale.title = "Another title"
    stale.save()
    assert labels(stale) == ["Asked?"]


def test_a_question_with_answers_stays():
    answer = AnswerFactory()
    with pytest.raises(ProtectedError):
        answer.question.delete()
    assert Question.objects.filter(pk=answer.question_id).exists()


@pytest.mark.parametrize(
    ("fields", "values", "kept"),
    [
        ({}, ["  No   nuts \n please "], "No nuts please"),
        ({}, ["\u202eevil\x00 \u2066text"], "evil text"),
        ({}, [], ""),
        ({}, ["  "], ""),
        ({}, ["x" * MAX_ANSWER], "x" * MAX_ANSWER),
        ({"kind": "choice", "options": "S\nM"}, ["M"], "M"),
        ({"kind": "choices", "options": "S\nM\nL"}, ["L", "S", "L"], "S\nL"),
        ({"kind": "consent"}, ["yes"], "yes"),
    ],
)
def test_an_answer_is_cleaned(fields, values, kept):
    assert QuestionFactory.build(**fields, event=None).read(values) == kept


@pytest.mark.parametrize(
    ("fields", "values", "says"),
    [
        ({}, ["x" * (MAX_ANSWER + 1)], "At most 500 characters"),
        ({}, ["one", "two"], "One answer is enough"),
        ({"kind": "choice", "options": "S\nM"}, ["XL"], "Choose from what is offered"),
        ({"kind": "choice", "options": "S\nM"}, ["S", "M"], "One answer is enough"),
        ({"kind": "choices", "options": "S\nM"}, ["S", "XL"], "Choose from what is offered"),
        ({"kind": "consent"}, ["no"], "Agree, or leave it open"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused(fields, values, says):
    with pytest.raises(ValidationError, match=says):
        QuestionFactory.build(**fields, event=None).read(values)
