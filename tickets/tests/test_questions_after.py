"""Questions after the payment: on the pages of orders and tickets, and in the mail with the tickets."""

from datetime import timedelta

import pytest
from django.core import mail as outbox
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from events.models import Event
from tests.acts import hold, pay
from tests.factories import AnswerFactory, EventFactory, OrderFactory, QuestionFactory, TicketTypeFactory
from tickets.mail.messages import send_mail
from tickets.models import Answer, Mail, Order, Ticket
from tickets.services.answers import AnswerRefused, AnswersClosed, Reply, save_answers

from .test_buying_types import text

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _in_english():
    """Whatever language the page of another test left active in this thread."""
    with translation.override("en"):
        yield


@pytest.fixture
def event() -> Event:
    return EventFactory(price_sats=0, capacity=50)


def bought(event: Event, quantity: int = 1) -> Order:
    return OrderFactory(
        event=Event.objects.select_related("default_type").get(pk=event.pk), quantity=quantity
    )


def kept() -> list[tuple[str, int, str]]:
    return [(each.question.label, each.ticket_number, each.text) for each in Answer.objects.all()]


def post(row, act: str, **said):
    return Client().post(row.get_absolute_url(), {"act": act} | said)


# -- the order's page --------------------------------------------------------------------------------
def test_the_orders_page_asks_and_keeps(event):
    arrive = QuestionFactory(event=event, label="When do you come?", asked="after", is_required=True)
    shirt = QuestionFactory(event=event, label="Shirt?", asked="ticket", kind="choice", options="S\nM")
    order = bought(event, 2)
    page = text(Client().get(order.get_absolute_url()))
    assert "The organizer asks When do you come? Ticket 1 of 2 Shirt?" in page
    missing = post(order, "order_answers")
    assert (missing.status_code, "Please answer this question." in text(missing)) == (422, True)
    said = {f"answer_{arrive.pk}": " late ", f"answer_{shirt.pk}_2": "M"}
    assert post(order, "order_answers", **said).status_code == 302
    assert kept() == [("When do you come?", 0, "late"), ("Shirt?", 2, "M")]
    page = Client().get(order.get_absolute_url()).content.decode()
    assert "Your answers to the organizer" in page
    assert 'value="late"' in page
    assert '<option value="M" selected>' in page
    assert post(order, "order_answers", **said | {f"answer_{shirt.pk}_2": ""}).status_code == 302
    assert kept() == [("When do you come?", 0, "late")]


def test_what_was_asked_before_the_payment_is_changed_there(event):
    rules = QuestionFactory(event=event, kind="consent", is_required=True)
    order = OrderFactory(event=Event.objects.get(pk=event.pk), answers=[Reply(rules.pk, ["yes"])])
    assert " checked" in Client().get(order.get_absolute_url()).content.decode()
    refused = post(order, "order_answers")
    assert (refused.status_code, "This needs your consent." in text(refused)) == (422, True)
    assert len(kept()) == 1


def test_guests_answer_for_themselves_what_the_buyer_left_empty(event):
    QuestionFactory(event=event, asked="ticket", is_required=True)
    order = bought(event, 2)
    assert post(order, "order_answers").status_code == 302
    assert kept() == []


@pytest.mark.parametrize("questions", [1, 20])
def test_a_page_takes_one_statement_more_where_something_is_asked(event, questions):
    def statements() -> list[int]:
        counts = []
        for row in (order, order.tickets.get()):
            with CaptureQueriesContext(connection) as asked:
                assert Client().get(row.get_absolute_url()).status_code == 200
            counts.append(len(asked))
        return counts

    order = bought(event)
    before = statements()
    for _number in range(questions):
        QuestionFactory(event=event, asked="ticket")
    assert statements() == [count + 1 for count in before]


def test_a_void_ticket_is_asked_nothing(event):
    shirt = QuestionFactory(event=event, label="Shirt?", asked="ticket")
    order = bought(event, 2)
    Ticket.objects.filter(number=2).update(voided_at=timezone.now())
    assert f"answer_{shirt.pk}_2" not in Client().get(order.get_absolute_url()).content.decode()
    with pytest.raises(AnswerRefused, match="This is not asked here"):
        save_answers(order, [Reply(shirt.pk, ["M"], 2)])


# -- the ticket's page -------------------------------------------------------------------------------
def test_a_holder_answers_for_their_own_ticket_alone(event):
    arrive = QuestionFactory(event=event, label="When do you come?", asked="after")
    shirt = QuestionFactory(event=event, label="Shirt?", asked="ticket", is_required=True)
    other = TicketTypeFactory(event=event)
    QuestionFactory(event=event, label="Of others?", asked="ticket", ticket_type=other)
    order = bought(event, 2)
    AnswerFactory(order=order, question=shirt, ticket_number=1, text="Buyers own")
    second = order.tickets.get(number=2)
    page = Client().get(second.get_absolute_url()).content.decode()
    assert "Shirt?" in page
    for words in ("When do you come?", "Of others?", "Buyers own"):
        assert words not in page
    missing = post(second, "ticket_answers")
    assert (missing.status_code, "Please answer this question." in text(missing)) == (422, True)
    said = {f"answer_{shirt.pk}_2": "M", f"answer_{shirt.pk}_1": "mine now", f"answer_{arrive.pk}": "x"}
    assert post(second, "ticket_answers", **said).status_code == 302
    assert kept() == [("Shirt?", 1, "Buyers own"), ("Shirt?", 2, "M")]
    with pytest.raises(AnswerRefused, match="This is not asked here"):
        save_answers(order, [Reply(arrive.pk, ["x"])], number=2)


# -- until when ----------------------------------------------------------------------------------------
def test_answers_stay_once_the_event_has_begun(event):
    arrive = QuestionFactory(event=event, asked="after", label="When?")
    order = bought(event)
    AnswerFactory(order=order, question=arrive, text="soon")
    Event.objects.update(start_time=timezone.now() - timedelta(minutes=1))
    assert "When?" not in text(Client().get(order.get_absolute_url()))
    assert post(order, "order_answers", **{f"answer_{arrive.pk}": "never"}).status_code == 302
    assert post(order.tickets.get(), "ticket_answers").status_code == 302
    with pytest.raises(AnswersClosed):
        save_answers(order, [Reply(arrive.pk, ["never"])])
    assert kept() == [("When?", 0, "soon")]


def test_an_order_that_ended_answers_nothing(event):
    arrive = QuestionFactory(event=event, asked="after")
    order = bought(event)
    Order.objects.update(status="canceled")
    with pytest.raises(AnswersClosed):
        save_answers(order, [Reply(arrive.pk, ["never"])])


# -- the mail ------------------------------------------------------------------------------------------
def mailed(order: Order, to: str = "") -> str:
    outbox.outbox = []
    for mail in Mail.objects.filter(order=order, kind="tickets", to=to or order.email):
        send_mail(mail)
    [message] = outbox.outbox
    assert ("question for you" in message.body) == ("question for you" in message.alternatives[0][0])
    return message.body


def test_the_mail_with_the_tickets_leads_to_the_questions_once():
    event = EventFactory()
    arrive = QuestionFactory(event=event, asked="after")
    order = hold(Event.objects.get(pk=event.pk))
    pay(order)
    order.refresh_from_db()
    body = mailed(order)
    assert (
        f"The organizer has a question for you: http://localhost:8080{order.get_absolute_url()}#questions"
        in body
    )
    assert Mail.objects.filter(order=order).count() == 1, "no mail of its own"
    AnswerFactory(order=order, question=arrive)
    Mail.objects.update(status="due")
    assert "question for you" not in mailed(order)


def test_a_holders_mail_leads_to_the_questions_of_their_ticket(event):
    QuestionFactory(event=event, asked="after")
    order = bought(event, 2)
    second = order.tickets.get(number=2)
    Ticket.objects.filter(pk=second.pk).update(holder_email="bea@example.com")
    Mail.objects.create(order=order, kind="tickets", to="bea@example.com", **Mail.scheduled())
    assert "question for you" not in mailed(order, "bea@example.com")
    QuestionFactory(event=event, asked="ticket")
    Mail.objects.update(status="due")
    assert f"{second.get_absolute_url()}#questions" in mailed(order, "bea@example.com")
