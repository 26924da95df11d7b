"""Calendars: updates replace the entry of the same event, and UIDs differ between shops (RFC 5545, 5546)."""

from datetime import timedelta

import pytest
from django.test import override_settings
from django.utils import timezone
from icalendar import Calendar

from events.ical import CANCEL, REQUEST, calendar_file
from events.models import Event, new_ical_uid
from tests.factories import EventFactory, OrderFactory

pytestmark = pytest.mark.django_db(transaction=True)


def entry_of(event: Event, **how):
    calendar = Calendar.from_ical(calendar_file(event, "https://tickets.example/x", **how))
    [entry] = calendar.walk("VEVENT")
    return calendar, entry


def test_a_published_entry_has_what_calendars_need_to_follow_changes():
    event = EventFactory(
        organizer_name="Ópera, SA", contact_email="desk@example.com", title="A night; with, commas"
    )
    calendar, entry = entry_of(event)
    assert (calendar["METHOD"], entry["STATUS"], entry["SEQUENCE"]) == ("PUBLISH", "CONFIRMED", 0)
    assert entry["UID"] == event.ical_uid
    assert entry["UID"].endswith("@localhost")
    assert entry["ORGANIZER"] == "mailto:desk@example.com"
    assert entry["ORGANIZER"].params["CN"] == "Ópera, SA"
    assert "ATTENDEE" not in entry  # RFC 5546 3.2.1
    assert entry["LAST-MODIFIED"].dt == event.updated_at.replace(microsecond=0)
    assert abs(entry["DTSTAMP"].dt - timezone.now()) < timedelta(seconds=5)
    assert entry["DTSTART"].dt == event.start_time.replace(microsecond=0)


def test_an_invitation_and_its_end_name_the_holder():
    event = EventFactory()
    for method, status in ((REQUEST, "CONFIRMED"), (CANCEL, "CANCELLED")):
        calendar, entry = entry_of(event, method=method, attendee="ann@example.com")
        assert (calendar["METHOD"], entry["STATUS"]) == (method, status)
        assert entry["ATTENDEE"] == "mailto:ann@example.com"
        assert entry["ORGANIZER"] == "mailto:tickets@localhost"


def test_every_change_raises_the_version_however_it_is_written():
    event = EventFactory()
    before = event.updated_at
    event.title = "Another"
    event.save()
    assert event.version == 1
    event.save(update_fields=["title"])
    Event.objects.filter(pk=event.pk).update(title="A third")
    event.refresh_from_db()
    assert event.version == 3
    assert event.updated_at > before
    Event.objects.bulk_update([event], ["title"])
    Event.objects.filter(pk=event.pk).update(canceled_at=timezone.now())
    event.refresh_from_db()
    assert event.version == 5
    assert entry_of(event)[1]["STATUS"] == "CANCELLED"


def test_a_stale_copy_raises_the_version_too():
    event = EventFactory()
    stale = Event.objects.get(pk=event.pk)
    Event.objects.filter(pk=event.pk).update(summary="Changed meanwhile")
    stale.title = "Also changed"
    stale.save(update_fields=["title"])
    assert stale.version == 2


def test_a_sale_is_no_change_of_the_event():
    event = EventFactory()
    OrderFactory(event=event)
    now = Event.objects.get(pk=event.pk)
    assert (now.seats_taken, now.version, now.updated_at) == (1, 0, event.updated_at)


def test_two_installations_never_name_an_event_alike():
    assert new_ical_uid() != new_ical_uid()
    with override_settings(SITE_HOST="tickets.example:8443"):
        assert new_ical_uid().endswith("@tickets.example")


def test_events_from_before_keep_the_name_their_holders_have():
    """Else the entry in a holder's calendar would be doubled by the next mail, not moved."""
    event = EventFactory(
        ical_uid=Event._meta.get_field("ical_uid").db_default
    )  # as of an older version's INSERT
    event.refresh_from_db()
    assert (event.ical_uid, event.version) == ("", 0)
    assert entry_of(event)[1]["UID"] == f"event-{event.pk}@tickets-by-uma"


def test_an_address_that_was_given_up_leads_on_for_ever(client):
    event = EventFactory(slug="first")
    for slug in ("second", "third"):
        event.slug = slug
        event.save()
    for former in ("first", "second"):
        answer = client.get(f"/events/{former}")
        assert (answer.status_code, answer["Location"]) == (301, "/events/third")
        answer = client.get(f"/events/{former}/calendar.ics")
        assert (answer.status_code, answer["Location"]) == (301, "/events/third/calendar.ics")
    event.slug = "first"  # back again
    event.save()
    assert client.get("/events/first").status_code == 200
    assert client.get("/events/third")["Location"] == "/events/first"
    Event.objects.update(is_active=False)
    assert client.get("/events/third").status_code == 404
