"""Guests of a message: by the state of their tickets, their type and their answers."""

import pytest

from tests.acts import hold
from tests.factories import AnswerFactory, CheckInFactory, EveningFactory, QuestionFactory, TicketTypeFactory
from tickets.guest_messages.models import Message
from tickets.guest_messages.tests.factories import MessageFactory, addresses, paid
from tickets.services.voiding import void_ticket

pytestmark = pytest.mark.django_db(transaction=True)


def test_guests_are_chosen_by_the_state_of_their_tickets():
    event = EveningFactory()
    came, _absent = paid(event, "came@example.com"), paid(event, "absent@example.com")
    CheckInFactory(ticket=came.tickets.get())
    hold(event, email="unpaid@example.com")
    gone = paid(event, "gone@example.com")
    void_ticket(gone.tickets.get())
    paid(EveningFactory(), "elsewhere@example.com")
    found = {state: addresses(MessageFactory(event=event, guests=state)) for state in Message.Guests}
    assert found == {
        "going": ["absent@example.com", "came@example.com"],
        "came": ["came@example.com"],
        "absent": ["absent@example.com"],
        "unpaid": ["unpaid@example.com"],
        "gave_back": ["gone@example.com"],
    }


def test_a_guest_is_the_holder_of_a_ticket_and_else_its_buyer_once_for_all_orders():
    event = EveningFactory()
    order = paid(event, "ann@example.com", 3)
    order.tickets.filter(number=2).update(holder_email="bo@example.com")
    paid(event, "ann@example.com")
    paid(event, "bo@example.com")
    assert addresses(MessageFactory(event=event)) == ["ann@example.com", "bo@example.com"]


def test_guests_are_chosen_by_ticket_type_and_answer():
    event = EveningFactory(price_sats=0)
    vip = TicketTypeFactory(event=event, price=0)
    question = QuestionFactory(event=event, kind="choices", options="Vegan\nNo nuts\nNuts")
    both, nuts, _none = (paid(event, f"{name}@example.com") for name in ("both", "nuts", "none"))
    AnswerFactory(order=both, question=question, text="Vegan\nNo nuts")
    AnswerFactory(order=nuts, question=question, text="Nuts")
    both.lines.update(type=vip)

    def chosen(**by):
        return addresses(MessageFactory(event=event, **by))

    assert chosen(ticket_type=vip) == ["both@example.com"]
    assert chosen(question=question) == ["both@example.com", "nuts@example.com"]
    assert chosen(question=question, answer="No nuts") == ["both@example.com"]
    assert chosen(question=question, answer="Nuts") == ["nuts@example.com"]
    assert chosen(question=question, answer="uts") == []


def test_an_answer_about_a_ticket_chooses_its_holder_alone():
    event = EveningFactory(price_sats=0)
    question = QuestionFactory(event=event, asked="ticket")
    order = paid(event, "ann@example.com", 2)
    order.tickets.filter(number=2).update(holder_email="bo@example.com")
    AnswerFactory(order=order, question=question, ticket_number=2, text="Size M")
    assert addresses(MessageFactory(event=event, question=question, answer="size m")) == ["bo@example.com"]
