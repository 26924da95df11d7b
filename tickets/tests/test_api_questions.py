"""Questions and answers in the API: with a purchase, and after it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from events.models import Event
from tests.factories import EventFactory, QuestionFactory
from tickets.models import Answer, Order

from .test_api import bearer, buy, fields, post  # noqa: F401, fixtures

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def event():
    return EventFactory(price_sats=2100)


@pytest.fixture
def answer(post):  # noqa: F811
    def send(bought: dict, *answers: dict):
        path = f"/orders/{bought['order']['id']}/answers"
        return post(path, {"answers": [*answers]}, **{"Order-Token": bought["order"]["token"]})

    return send


def said(question, *values, **more) -> dict:
    return {"question_id": question.pk, "values": [*values]} | more


def test_an_event_says_what_it_asks(client, event):
    assert client.get(f"/api/events/{event.pk}").json()["questions"] == []
    shirt = QuestionFactory(
        event=event, label="Shirt?", kind="choice", options="S\nM", asked="ticket",
        ticket_type=event.default_type, is_required=True,
    )  # fmt: skip
    QuestionFactory(event=event, is_active=False)
    assert client.get(f"/api/events/{event.pk}").json()["questions"] == [
        {
            "id": shirt.pk, "label": "Shirt?", "hint": "", "asked": "ticket", "kind": "choice",
            "choices": ["S", "M"], "link": "", "is_required": True, "ticket_type_id": event.default_type_id,
        }
    ]  # fmt: skip


def test_a_purchase_keeps_its_answers_and_says_them(client, buy, event):  # noqa: F811
    nuts, shops = QuestionFactory(event=event), QuestionFactory(event=event, kind="choices", options="A\nB")
    bought = buy(event, answers=[said(nuts, " none  "), said(shops, "B", "A")]).json()
    kept = [
        {"question_id": nuts.pk, "question": nuts.label, "ticket_number": 0, "values": ["none"]},
        {"question_id": shops.pk, "question": shops.label, "ticket_number": 0, "values": ["A", "B"]},
    ]
    assert bought["answers"] == kept
    headers = {"Order-Token": bought["order"]["token"]}
    assert client.get(f"/api/orders/{bought['order']['id']}", headers=headers).json()["answers"] == kept


@pytest.mark.parametrize(
    "wrong",
    [
        [{"question_id": 10**9, "values": ["x"]}],
        [{"values": ["x"]}],
        [{"question_id": 1, "values": "x"}],
        [{"question_id": 1, "values": [1]}],
        [{"question_id": 1, "values": ["x" * 501]}],
        [{"question_id": 1, "values": ["\x01"]}],
        [{"question_id": 1, "values": ["x"], "ticket_number": -1}],
        [{"question_id": 1, "values": ["x"], "ticket_number": 51}],
        [{"question_id": True, "values": ["x"]}],
        [{"question_id": 1, "values": ["x"], "more": 1}],
        [{"question_id": 1, "values": []}] * 501,
        {"question_id": 1},
    ],
)
def test_answers_that_cannot_be_are_400(buy, event, wrong):  # noqa: F811
    QuestionFactory(event=event)
    answer = buy(event, answers=wrong)
    assert answer.status_code == 400
    assert answer.json()["code"] in ("invalid", "answer_refused")
    assert not Order.objects.exists()


def test_a_missing_answer_names_its_question(buy, event):  # noqa: F811
    question = QuestionFactory(event=event, is_required=True)
    answer = buy(event)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (400, "answer_refused")
    assert (problem["question_id"], problem["ticket_number"]) == (question.pk, 0)
    assert problem["errors"][0]["field"] == "answers"


def test_answers_are_given_and_changed_until_the_event_starts(buy, answer, event):  # noqa: F811
    later = QuestionFactory(event=event, asked="after", is_required=True)
    shirt = QuestionFactory(event=event, asked="ticket")
    bought = buy(event, quantity=2).json()
    now = answer(bought, said(later, "x"), said(shirt, "S", ticket_number=2))
    assert [(each["ticket_number"], each["values"]) for each in now.json()["answers"]] == [
        (0, ["x"]),
        (2, ["S"]),
    ]
    now = answer(bought, said(shirt, ticket_number=2), said(later, "y"))
    assert [each["values"] for each in now.json()["answers"]] == [["y"]]
    refused = answer(bought, said(later))
    assert (refused.status_code, refused.json()["code"]) == (400, "answer_refused")
    refused = answer(bought, said(shirt, "S", ticket_number=3))
    assert refused.json()["ticket_number"] == 3
    start = timezone.now() - timedelta(minutes=1)
    Event.objects.update(start_time=start)
    refused = answer(bought, said(later, "z"))
    assert (refused.status_code, refused.json()["code"]) == (409, "answers_closed")
    assert [each.text for each in Answer.objects.all()] == ["y"]


def test_answers_of_others_are_nobodys(buy, post, event):  # noqa: F811
    question = QuestionFactory(event=event)
    bought = buy(event).json()
    path = f"/orders/{bought['order']['id']}/answers"
    assert post(path, {"answers": [said(question, "x")]}).status_code == 404
    assert not Answer.objects.exists()
