"""History on the admin's pages: each change by a form, of an event's parts too, from what to what."""

import pytest
from django.test import Client

from accounts.authentication import issue_token
from accounts.history import HistoryEntry
from accounts.models import User
from accounts.roles import Role
from events.models import Event
from tests.factories import (
    EveningFactory,
    MembershipFactory,
    OrganizerFactory,
    PromoCodeFactory,
    QuestionFactory,
    TicketTypeFactory,
)
from tickets.tests.admin_client import change_url
from tickets.tests.forms_in_pages import form_in

pytestmark = pytest.mark.django_db(transaction=True)


def history_of(client, row) -> str:
    return client.get(change_url(row).replace("/change/", "/history/")).content.decode()


def save(client, row, form_id: str, **changes):
    form = form_in(client.get(change_url(row)), form_id)
    if not form.get("types"):  # of which a browser sends nothing
        form.pop("types", None)
    answer = client.post(change_url(row), form | changes)
    assert answer.status_code == 302, answer.context["errors"]


@pytest.fixture
def event() -> Event:
    event = EveningFactory(price_sats=1000, timezone="Asia/Tokyo")
    TicketTypeFactory(event=event, name="Student", position=1, price=500)
    event.ticket_types.filter(position=0).update(name="Full")
    return event


def test_the_page_of_an_event_tells_what_was_changed_of_its_types(staff, event):
    save(staff, event, "event_form", **{"ticket_types-1-price": "432"})
    for page in (staff.get(change_url(event)).content.decode(), history_of(staff, event)):
        assert "Student</bdi>: changed: price 500 sats → 432 sats" in page
        assert "staff@example.com" in page
    assert HistoryEntry.objects.get(row="events.tickettype").details == {"price": ["500 SAT", "432 SAT"]}


def test_a_type_or_question_that_was_taken_away_is_still_told(staff, event):
    QuestionFactory(event=event, label="Vegan?")
    save(staff, event, "event_form", **{"ticket_types-1-DELETE": "on", "questions-0-DELETE": "on"})
    page = history_of(staff, event)
    assert "changed: ticket type Student → –" in page
    assert "changed: question Vegan? → –" in page


def test_the_same_is_told_of_changes_by_the_api(staff, event):
    client = Client()
    kind, token = event.ticket_types.get(name="Student"), issue_token(User.objects.get())
    path, headers = f"/api/events/{event.pk}/ticket-types/{kind.pk}", {"Authorization": f"Bearer {token}"}
    body = {"capacity": 7}
    assert client.patch(path, body, content_type="application/json", headers=headers).status_code == 200
    assert client.delete(path, headers=headers).status_code == 204
    assert "ticket type Student → –" in history_of(staff, event)
    entry = HistoryEntry.objects.get(row="events.tickettype", act="change")
    assert (entry.via, entry.details) == ("api", {"capacity": [None, 7]})


def test_moments_are_told_by_the_clocks_of_the_event(staff, event):
    save(staff, event, "event_form", start_time_0="2031-05-01", start_time_1="20:00", end_time_0="2031-05-02")
    page = history_of(staff, event)
    assert "→ 2031-05-01 20:00" in page
    assert "Tokyo" in page


def test_what_must_not_be_read_is_told_as_changed(staff, event):
    """A stream's address, the text of a code, and where an organizer lives are nobody's to read here."""
    save(staff, event, "event_form", stream_url="https://elsewhere.example/secret", description="New words")
    code = PromoCodeFactory(event=event, text="FRIENDS", kind="percent", value=10)
    save(staff, code, "promocode_form", text="BUDDIES", value="20")
    sala = OrganizerFactory(name="Sala Azul")
    save(staff, sala, "organizer_form", name="Sala", legal_name="Ann Other", tax_number="X123")
    told = str([entry.details for entry in HistoryEntry.objects.all()])
    secret = ("secret", "BUDDIES", "FRIENDS", "Ann Other", "X123", "words")
    assert not [word for word in secret if word in told]
    assert HistoryEntry.objects.about([code]).get().details == {"text": "…", "value": [10, 20]}
    assert HistoryEntry.objects.about([sala]).get().details["name"] == ["Sala Azul", "Sala"]


def test_which_types_a_code_is_for_is_told_by_name(staff, event):
    code = PromoCodeFactory(event=event, text="FRIENDS")
    save(staff, code, "promocode_form", types=[str(event.ticket_types.get(name="Student").pk)])
    assert HistoryEntry.objects.about([code]).get().details == {"types": [None, "Student"]}


def test_a_form_that_changed_nothing_leaves_no_entry(staff, event):
    save(staff, event, "event_form")
    assert not HistoryEntry.objects.exists()


def test_the_history_is_for_whoever_sees_the_row(staff, event):
    save(staff, event, "event_form", **{"ticket_types-1-price": "432"})
    stranger = Client()
    stranger.force_login(MembershipFactory(organizer=OrganizerFactory(), role=Role.MANAGER).user)
    assert "432" not in history_of(stranger, event)
