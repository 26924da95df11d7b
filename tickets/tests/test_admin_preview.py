"""The preview of an event's public page: what is typed, and nothing of it kept."""

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from accounts.history import HistoryEntry
from events.models import Event, TicketType
from tests.factories import EveningFactory, TicketTypeFactory
from tickets.tests.admin_client import change_url
from tickets.tests.forms_in_pages import form_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def event() -> Event:
    event = EveningFactory(title="Before", capacity=10, price_sats=1000)
    event.default_type.name = "Regular"
    event.default_type.save()
    TicketTypeFactory(event=event, name="Student", price=500, position=1)
    return event


def typed(client, event: Event, **changes) -> dict[str, str]:
    return form_in(client.get(change_url(event)), "event_form") | {"_preview": "x"} | changes


def is_public_page(answer) -> bool:
    return "events/event.html" in [template.name for template in answer.templates]


def counts() -> list[int]:
    return [model.objects.count() for model in (Event, TicketType, LogEntry, HistoryEntry)]


def test_the_page_shows_what_was_typed_and_nothing_is_saved(staff, event):
    before = counts()
    changes = {"title": "After", "ticket_types-1-name": "Pupil", "ticket_types-1-price": "432"}
    page = staff.post(change_url(event), typed(staff, event, **changes))
    said = page.content.decode()
    assert is_public_page(page)
    assert all(word in said for word in ("After", "Pupil", "432"))
    event.refresh_from_db()
    assert (event.title, event.ticket_types.get(position=1).name) == ("Before", "Student")
    assert counts() == before
    assert "After" not in Client().get(event.get_absolute_url()).content.decode()


def test_a_hidden_event_can_be_previewed_and_stays_hidden(staff, event):
    form = typed(staff, event)
    form.pop("is_active", None)
    assert is_public_page(staff.post(change_url(event), form))
    Event.objects.filter(pk=event.pk).update(is_active=False)
    assert is_public_page(staff.post(change_url(event), typed(staff, event)))
    assert Client().get(event.get_absolute_url()).status_code == 404


def test_what_is_wrong_is_said_in_place_of_the_page(staff, event):
    answer = staff.post(change_url(event), typed(staff, event, title=""))
    assert answer.context["adminform"].form.errors["title"]
    assert not is_public_page(answer)


def test_saving_saves(staff, event):
    form = typed(staff, event, title="After")
    del form["_preview"]
    assert staff.post(change_url(event), form).status_code == 302
    event.refresh_from_db()
    assert event.title == "After"
