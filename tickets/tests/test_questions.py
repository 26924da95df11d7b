"""Questions before the payment: answers that are kept with an order, or that it is refused for."""

import pytest
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.test import Client
from django.utils import translation

from events.models import Event
from events.question_models import Question
from tests.acts import together
from tests.factories import AnswerFactory, EventFactory, QuestionFactory, TicketTypeFactory
from tickets.models import Answer, Order
from tickets.services.answers import AnswerRefused, QuestionsChanged, Reply
from tickets.services.orders import place_order

from .test_buying_types import fields, text

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _in_english():
    """Whatever language the page of another test left active in this thread."""
    with translation.override("en"):
        yield


def buy(event: Event, *replies: Reply, **more) -> Order:
    return place_order(event=event, email="ann@example.com", answers=replies, **more)


def fresh(event: Event) -> Event:
    return Event.objects.select_related("default_type").get(pk=event.pk)


def kept() -> list[tuple[str, int, str]]:
    return [(each.question.label, each.ticket_number, each.text) for each in Answer.objects.all()]


def send(event: Event, **said):
    client = Client()
    shown = fields(client.get(event.get_absolute_url()))
    form = {name: value for name, value in shown.items() if not name.startswith("answer")}
    return client.post(event.get_absolute_url(), form | {"email": "ann@example.com"} | said)


# -- the service ---------------------------------------------------------------------------------
def test_answers_are_kept_with_the_order(settings):
    event = EventFactory(price_sats=0)
    nuts = QuestionFactory(event=event, label="Nuts?", is_required=True)
    shirt = QuestionFactory(event=event, label="Shirt?", asked="ticket", kind="choice", options="S\nM")
    order = buy(fresh(event), Reply(nuts.pk, ["none"]), Reply(shirt.pk, ["M"], 2), quantity=2)
    assert kept() == [("Nuts?", 0, "none"), ("Shirt?", 2, "M")]
    assert [each.text for each in order.answers_in_hand] == ["none", "M"]


@pytest.mark.parametrize(
    ("asked", "values", "says"),
    [
        ({}, ["x" * 501], "At most 500 characters."),
        ({"is_required": True}, [" "], "Please answer this question."),
        ({"kind": "choice", "options": "S\nM"}, ["XL"], "Choose from what is offered."),
        ({"kind": "consent", "is_required": True}, [], "This needs your consent."),
    ],
    ids=["too long", "missing", "not offered", "no consent"],
)
def test_an_answer_that_does_not_fit_holds_no_seat(asked, values, says):
    event = EventFactory()
    question = QuestionFactory(event=event, **asked)
    with pytest.raises(AnswerRefused) as refused:
        buy(fresh(event), Reply(question.pk, values))
    assert (refused.value.message, refused.value.members["question_id"]) == (says, question.pk)
    assert (Order.objects.count(), fresh(event).seats_taken) == (0, 0)


def test_what_is_needed_is_needed_though_nothing_is_sent():
    event = EventFactory()
    QuestionFactory(event=event, is_required=True, asked="after")
    QuestionFactory(event=event, is_required=True, asked="ticket")
    assert buy(fresh(event)).is_pending  # those are asked later
    QuestionFactory(event=event, is_required=True)
    with pytest.raises(AnswerRefused, match="Please answer this question"):
        buy(fresh(event))


def test_a_question_of_another_event_or_ticket_is_not_asked_here():
    event, other = EventFactory(), EventFactory()
    foreign = QuestionFactory(event=other)
    mine = QuestionFactory(event=event)
    special = TicketTypeFactory(event=event)
    of_ticket = QuestionFactory(event=event, asked="ticket", ticket_type=special)
    wrong = [
        Reply(foreign.pk, ["x"]), Reply(10**17, ["x"]), Reply(mine.pk, ["x"], 1), Reply(of_ticket.pk, ["x"]),
        Reply(of_ticket.pk, ["x"], 1), Reply(of_ticket.pk, ["x"], 2),
    ]  # fmt: skip
    for reply in wrong:
        with pytest.raises(AnswerRefused, match="This is not asked here"):
            buy(fresh(event), reply)
    with pytest.raises(AnswerRefused, match="One answer is enough"):
        buy(fresh(event), Reply(mine.pk, ["x"]), Reply(mine.pk, ["y"]))
    assert kept() == []


def test_all_that_is_wrong_is_said_at_once():
    event = EventFactory()
    first, second = (QuestionFactory(event=event, is_required=True) for _ in range(2))
    with pytest.raises(AnswerRefused) as refused:
        buy(fresh(event))
    assert {*refused.value.problems} == {(first.pk, 0), (second.pk, 0)}


def test_nobody_has_to_answer_what_is_no_longer_asked():
    event = EventFactory()
    question = QuestionFactory(event=event, is_required=True)
    question.is_active = False
    question.save()
    assert buy(fresh(event), Reply(question.pk, ["x" * 600])).is_pending
    assert kept() == []


def test_a_question_deleted_between_form_and_hold_is_said_so():
    event = EventFactory()
    question = QuestionFactory(event=event)
    stale = fresh(event)
    Question.objects.get(pk=question.pk).delete()
    with pytest.raises(QuestionsChanged):
        buy(stale, Reply(question.pk, ["x"]))
    assert (Order.objects.count(), fresh(event).seats_taken) == (0, 0)


@pytest.mark.parametrize("_again", range(3))
def test_of_an_answer_and_the_deletion_of_its_question_one_wins(_again):
    event = EventFactory(price_sats=0)
    question = QuestionFactory(event=event)
    seen = fresh(event)

    def answer() -> str:
        try:
            buy(seen, Reply(question.pk, ["x"]))
        except QuestionsChanged:
            return "asked anew"
        return "bought"

    def delete() -> str:
        try:
            Question.objects.get(pk=question.pk).delete()
        except ProtectedError:
            return "kept"
        return "deleted"

    assert together(answer, delete) in (["bought", "kept"], ["asked anew", "deleted"])
    assert fresh(event).seats_taken == Answer.objects.count() == Order.objects.count()


def test_the_same_key_with_other_answers_is_another_purchase():
    from tickets.services.idempotency import KeyReused

    event = EventFactory()
    question = QuestionFactory(event=event)
    first = buy(fresh(event), Reply(question.pk, ["x"]), key="k" * 30)
    assert buy(fresh(event), Reply(question.pk, ["x"]), key="k" * 30).pk == first.pk
    with pytest.raises(KeyReused):
        buy(fresh(event), Reply(question.pk, ["y"]), key="k" * 30)
    assert [each.text for each in Answer.objects.all()] == ["x"]


def test_the_database_keeps_one_answer_of_each():
    answer = AnswerFactory()
    with pytest.raises(IntegrityError), transaction.atomic():
        AnswerFactory(order=answer.order, question=answer.question)
    with pytest.raises(IntegrityError, match="tickets_answer_says_something"), transaction.atomic():
        AnswerFactory(order=answer.order, question=answer.question, ticket_number=1, text="")


# -- the page --------------------------------------------------------------------------------------
def test_the_page_asks_what_is_asked_before_the_payment():
    event = EventFactory()
    QuestionFactory(event=event, label="Nuts?", hint="Or other allergies", is_required=True)
    QuestionFactory(event=event, label="Which\u202e day?", kind="choice", options="Fri\nSat")
    QuestionFactory(event=event, label="Workshops?", kind="choices", options="Baking\nBrewing")
    QuestionFactory(event=event, label="I agree", kind="consent", link="https://example.com/rules")
    QuestionFactory(event=event, label="Later?", asked="after")
    QuestionFactory(event=event, label="Shirt?", asked="ticket")
    page = Client().get(event.get_absolute_url())
    says = text(page)
    for part in ("Nuts? Or other", "Fri Sat", "Workshops? (optional) Baking Brewing", "Read it (opens"):
        assert part in says
    assert 'href="https://example.com/rules" target="_blank" rel="noopener"' in page.content.decode()
    assert "Later?" not in says
    assert "Shirt?" not in says


def test_a_form_is_kept_when_an_answer_is_wrong_and_then_bought():
    event = EventFactory()
    nuts = QuestionFactory(event=event, label="Nuts?", is_required=True)
    shops = QuestionFactory(event=event, kind="choices", options="Baking\nBrewing\nBoth")
    rules = QuestionFactory(event=event, kind="consent", is_required=True)
    chosen = {f"answers_{shops.pk}": ["Brewing", "Both"]}
    refused = send(event, **chosen)
    page = refused.content.decode()
    assert refused.status_code == 400
    assert "Please answer this question." in page
    assert "This needs your consent." in page
    assert page.count(" checked") == 2
    assert fields(refused)["email"] == "ann@example.com"
    assert not Order.objects.exists()
    bought = send(event, **chosen, **{f"answer_{nuts.pk}": " none ", f"answer_{rules.pk}": "yes"})
    assert bought.status_code == 302
    assert {each[2] for each in kept()} == {"none", "Brewing\nBoth", "yes"}


def test_all_that_is_wrong_with_a_form_is_said_at_once():
    event = EventFactory()
    QuestionFactory(event=event, is_required=True)
    says = text(send(event, email="nonsense"))
    assert "Enter a valid email address." in says
    assert "Please answer this question." in says


def test_a_form_sent_twice_is_one_order_though_the_questions_changed():
    event = EventFactory()
    question = QuestionFactory(event=event)
    client = Client()
    form = fields(client.get(event.get_absolute_url()))
    form |= {"quantity": "1", "email": "ann@example.com", f"answer_{question.pk}": "x"}
    first = client.post(event.get_absolute_url(), form)["Location"]
    QuestionFactory(event=event, is_required=True)
    question.is_active = False
    question.save()
    assert client.post(event.get_absolute_url(), form)["Location"] == first


def test_a_code_is_applied_without_losing_answers():
    from tests.factories import PromoCodeFactory

    event = EventFactory()
    PromoCodeFactory(event=event, text="HALF", value=50)
    shops = QuestionFactory(event=event, kind="choices", options="Baking\nBrewing")
    rules = QuestionFactory(event=event, kind="consent")
    said = {f"answers_{shops.pk}": ["Brewing"], f"answer_{rules.pk}": "yes"}
    page = send(event, promo_code="half", apply_code="1", quantity="1", **said).content.decode()
    assert page.count(" checked") == 2


def test_a_kept_page_follows_every_question():
    event = EventFactory()
    assert "Nuts?" not in text(Client().get(event.get_absolute_url()))
    question = QuestionFactory(event=event, label="Nuts?")
    assert "Nuts?" in text(Client().get(event.get_absolute_url()))
    question.label = "Peanuts?"
    question.save()
    assert "Peanuts?" in text(Client().get(event.get_absolute_url()))


def test_fifty_questions_are_asked_and_answered():
    event = EventFactory(price_sats=0)
    asked = [QuestionFactory(event=event, is_required=True) for _ in range(50)]
    assert send(event, **{f"answer_{each.pk}": "x" * 500 for each in asked}).status_code == 302
    assert Answer.objects.count() == 50
