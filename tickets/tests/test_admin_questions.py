"""Questions in the admin: written on the event's page; what was answered stays, and is read by few."""

import pytest

from events.models import Event
from events.question_models import Question
from tests.factories import AnswerFactory, EveningFactory, OrderFactory, QuestionFactory, TicketTypeFactory
from tickets.models import Answer
from tickets.tests.admin_client import change_url, list_url
from tickets.tests.test_admin_events import event_form

pytestmark = pytest.mark.django_db(transaction=True)


def first(row: str = "0", **fields) -> dict[str, str]:
    return {f"questions-{row}-{name}": value for name, value in fields.items()}


def errors(answer) -> str:
    formsets = [inline.formset for inline in answer.context["inline_admin_formsets"]]
    return str([formset.errors + formset.non_form_errors() for formset in formsets])


def added(staff, event: Event, **fields):
    said = {"label": "Shirt?", "asked": "before", "kind": "text", "position": "0", "is_active": "on"}
    form = event_form(staff, event, **{"questions-TOTAL_FORMS": "1"}, **first(**said | fields))
    return staff.post(change_url(event), form)


def test_a_question_is_added_and_changed_on_the_events_page(staff):
    event = EveningFactory()
    assert added(staff, event, kind="choice", options=" S \r\nM\r\n").status_code == 302
    question = Question.objects.get()
    assert (question.label, question.choices) == ("Shirt?", ["S", "M"])
    answer = staff.post(change_url(event), event_form(staff, event, **first(label="T-shirt?")))
    assert answer.status_code == 302
    assert Event.objects.get().kept_questions[0]["label"] == "T-shirt?"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"label": "", "hint": "Size"}, "This field is required"),
        ({"kind": "choice"}, "Choices are for questions that are answered by choosing"),
        ({"kind": "choice", "options": "S\r\nS"}, "Two of the choices are the same"),
        ({"options": "S"}, "Choices are for questions that are answered by choosing"),
        ({"link": "https://example.com"}, "A link is for what consent is given to"),
        ({"kind": "consent", "link": "javascript:alert(1)"}, "Enter a valid URL"),
        ({"ticket_type": "1"}, "Select a valid choice"),
        ({"asked": "nobody"}, "Select a valid choice"),
        ({"label": "x" * 201}, "at most 200 characters"),
    ],
)  # fmt: skip
def test_what_a_question_cannot_be_is_said(staff, fields, says):
    other, event = EveningFactory(), EveningFactory()
    if "ticket_type" in fields:
        fields = {"ticket_type": str(other.default_type_id)}
    answer = added(staff, event, **fields)
    assert (answer.status_code, says in errors(answer)) == (200, True), errors(answer)
    assert not Question.objects.exists()


def test_a_type_is_chosen_for_questions_about_tickets(staff):
    event = EveningFactory()
    mine = TicketTypeFactory(event=event, name="Supporter")
    first_type = event.ticket_types.exclude(pk=mine.pk).get()
    first_type.name = "Regular"
    first_type.save()
    refused = added(staff, event, ticket_type=str(mine.pk))
    assert "A ticket type is for questions about each ticket" in errors(refused)
    assert added(staff, event, ticket_type=str(mine.pk), asked="ticket").status_code == 302
    assert Question.objects.get().ticket_type == mine


def test_what_was_answered_is_ended_and_neither_deleted_nor_turned_into_another_question(staff):
    answer = AnswerFactory(order=OrderFactory(event=EveningFactory()))
    event = answer.order.event
    deleted = staff.post(change_url(event), event_form(staff, event, **first(DELETE="on")))
    assert (deleted.status_code, "cannot be deleted" in errors(deleted)) == (200, True), errors(deleted)
    for change in ({"kind": "consent"}, {"asked": "ticket"}):
        refused = staff.post(change_url(event), event_form(staff, event, **first(**change)))
        assert (refused.status_code, "It was answered" in errors(refused)) == (200, True)
    form = event_form(staff, event, **first(label="Other words?"))
    del form["questions-0-is_active"]
    assert staff.post(change_url(event), form).status_code == 302
    question = Question.objects.get()
    assert (question.label, question.kind, question.is_active) == ("Other words?", "text", False)


def test_what_was_agreed_to_keeps_its_words(staff):
    order = OrderFactory(event=EveningFactory())
    question = QuestionFactory(event=order.event, kind="consent", link="https://example.com/rules")
    AnswerFactory(order=order, question=question, text="yes")
    for change in ({"label": "I agree to all"}, {"link": "https://example.com/other"}):
        refused = staff.post(change_url(order.event), event_form(staff, order.event, **first(**change)))
        assert (refused.status_code, "It was answered" in errors(refused)) == (200, True)


def test_a_question_without_answers_is_deleted(staff):
    question = QuestionFactory(event=EveningFactory())
    form = event_form(staff, question.event, **first(DELETE="on"))
    assert staff.post(change_url(question.event), form).status_code == 302
    assert Event.objects.get().kept_questions is None


def test_an_event_asks_fifty_questions_at_most(staff):
    event = EveningFactory()
    rows = {}
    for row in range(51):
        rows |= first(str(row), label=f"Nr {row}?", asked="before", kind="text", position="0", is_active="on")
    answer = staff.post(change_url(event), event_form(staff, event, **{"questions-TOTAL_FORMS": "51"} | rows))
    assert (answer.status_code, "at most 50 questions" in errors(answer)) == (200, True)


def test_answers_are_read_on_orders_and_tickets_and_in_a_list(staff):
    order = OrderFactory(event=EveningFactory(title="Baking"))
    AnswerFactory(order=order, text="<b>No nuts</b>")
    AnswerFactory(order=order, text="Size M", ticket_number=1)
    words = "&lt;b&gt;No nuts&lt;/b&gt;"
    ticket = staff.get(change_url(order.tickets.get())).content.decode()
    assert ("Size M" in ticket, words in ticket) == (True, False)
    for url in (change_url(order), list_url(Answer)):
        page = staff.get(url).content.decode()
        assert ("Size M" in page, words in page) == (True, True)
    assert staff.get(list_url(Answer), {"q": "Baking"}).context["cl"].result_count == 2
