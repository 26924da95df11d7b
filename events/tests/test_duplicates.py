"""Duplicates: what comes along, what stays, and series over a change of clocks."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from events.duplicates import duplicate, starts_from
from events.models import Event
from events.question_models import Question
from tests.factories import EventFactory, PromoCodeFactory, StaffFactory, TicketTypeFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def event() -> Event:
    """Tuesday 20:00 in Lisbon, the week before clocks go forward."""
    start = datetime(2031, 3, 25, 20, tzinfo=UTC)
    event = EventFactory(
        title="Tuesdays", timezone="Europe/Lisbon", start_time=start, end_time=start + timedelta(hours=2),
        sales_end=start - timedelta(hours=2), replay_until=start + timedelta(days=3), price_sats=1000,
        cover="covers/a.webp", refund_hours=24, seats_taken=3,
    )  # fmt: skip
    event.default_type.name = "Regular"
    event.default_type.save()
    student = TicketTypeFactory(event=event, name="Student", price=500, position=1, capacity=5)
    Question(event=event, label="Shirt?", asked="ticket", ticket_type=student).save()
    code = PromoCodeFactory(event=event, text="HALF", uses=2, max_uses=5)
    code.types.add(student)
    return event


def test_texts_types_and_questions_come_along(event):
    [copy] = duplicate(event, [event.start_time + timedelta(days=1)])
    copy.refresh_from_db()
    assert (copy.title, copy.cover, copy.refund_hours) == ("Tuesdays", event.cover, 24)
    assert copy.slug != event.slug
    assert (copy.is_active, copy.seats_taken, copy.stream_url) == (False, 0, "")
    types = list(copy.ticket_types.order_by("position"))
    assert [(one.name, one.price, one.seats_taken) for one in types] == [
        ("Regular", 1000, 0), ("Student", 500, 0),
    ]  # fmt: skip
    assert copy.default_type == types[0]
    assert copy.price_sats == 500
    question = copy.questions.get()
    assert (question.label, question.ticket_type) == ("Shirt?", types[1])
    assert [one["label"] for one in copy.kept_questions] == ["Shirt?"]
    assert not copy.promo_codes.exists()


def test_codes_come_along_unused_when_asked(event):
    [copy] = duplicate(event, [event.start_time + timedelta(days=1)], with_codes=True)
    code = copy.promo_codes.get()
    assert (code.text, code.uses, code.max_uses) == ("HALF", 0, 5)
    assert [one.name for one in code.types.all()] == ["Student"]
    assert {one.event for one in code.types.all()} == {copy}


def test_a_series_keeps_to_the_clocks_of_its_zone(event):
    made = duplicate(event, starts_from(event, event.start_time, 3, 7)[1:])
    for copy in made:
        assert copy.start_time.astimezone(copy.zone).hour == 20
        assert copy.sales_end.astimezone(copy.zone).hour == 18
        assert copy.end_time - copy.start_time == timedelta(hours=2)
    assert [copy.start_time.hour for copy in made] == [19, 19]  # summer time in Lisbon
    assert len({copy.default_type_id for copy in made}) == 2


def press(client, event, **said):
    url = reverse("admin:events_event_act", args=[event.pk, "duplicate"])
    form = client.get(url).context["form"]
    shown = {"title": form["title"].value(), "seen": form["seen"].value()}
    start = form["start_time"].value().astimezone(event.zone)
    shown |= {
        "start_time_0": f"{start:%Y-%m-%d}",
        "start_time_1": f"{start:%H:%M}",
        "count": "1",
        "every": "7",
    }
    return url, shown | said


def test_the_button_makes_the_next_week(client, event):
    client.force_login(StaffFactory())
    url, said = press(client, event)
    answer = client.post(url, said)
    copy = Event.objects.exclude(pk=event.pk).get()
    assert answer["Location"] == reverse("admin:events_event_change", args=[copy.pk])
    assert copy.start_time.astimezone(copy.zone).strftime("%F %H:%M") == "2031-04-01 20:00"
    client.post(url, said)  # the same form once more
    assert Event.objects.count() == 2


@pytest.mark.parametrize("said", [{"count": "53"}, {"count": "0"}, {"every": "3"}, {"start_time_0": ""}])
def test_what_it_cannot_do_is_said_at_the_field(client, event, said):
    client.force_login(StaffFactory())
    url, shown = press(client, event, **said)
    assert client.post(url, shown).status_code == 200
    assert Event.objects.count() == 1
