"""iCalendar objects of events (RFC 5545), to download or to send by mail (RFC 5546, iTIP)."""

from datetime import UTC, datetime
from email.utils import parseaddr

from django.conf import settings
from django.utils import timezone
from icalendar import Calendar, vCalAddress
from icalendar import Event as Entry

from .models import Event

PUBLISH, REQUEST, CANCEL = "PUBLISH", "REQUEST", "CANCEL"


def calendar_file(
    event: Event, url: str, *, method: str = PUBLISH, attendee: str = "", kind: str = ""
) -> bytes:
    """The event for a calendar, times in UTC so that every calendar shows its owner's zone.

    `url` is where its owner joins, `kind` the ticket type; the stream's own address is never in a calendar.
    PUBLISH is for whoever keeps the file; REQUEST tells the mail address `attendee` of the event or of its
    change, CANCEL that it is not theirs any more. An entry is replaced by one with the same UID and a higher
    SEQUENCE, or the same SEQUENCE and a later DTSTAMP (RFC 5546 2.1.5).
    """
    calendar, entry = Calendar(), Entry()
    calendar.add("prodid", "-//Tickets by UMA//EN")
    calendar.add("version", "2.0")
    calendar.add("method", method)
    entry.add("uid", event.uid)
    entry.add("sequence", event.version)
    entry.add("dtstamp", timezone.now())
    entry.add("created", event.created_at)
    entry.add("last-modified", event.updated_at)
    entry.add("dtstart", _in_utc(event.start_time))
    entry.add("dtend", _in_utc(event.end_time))
    entry.add("summary", event.title)
    entry.add("description", "\n\n".join(part for part in (event.summary, kind, url) if part))
    entry.add("url", url)
    entry.add("organizer", _organizer(event))
    if attendee:
        entry.add("attendee", _attendee(attendee))
    is_off = event.is_canceled or method == CANCEL
    entry.add("status", "CANCELLED" if is_off else "CONFIRMED")
    calendar.add_component(entry)
    return calendar.to_ical()


def _in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def _organizer(event: Event) -> vCalAddress:
    """Whom calendars answer: the organizer where it has an address, else the shop."""
    name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    organizer = vCalAddress(f"mailto:{event.contact_email or address}")
    organizer.params["CN"] = event.shown_organizer or name or settings.SITE_NAME
    return organizer


def _attendee(address: str) -> vCalAddress:
    """A holder: nobody needs to answer, whoever has a ticket comes."""
    attendee = vCalAddress(f"mailto:{address}")
    attendee.params |= {"PARTSTAT": "ACCEPTED", "ROLE": "REQ-PARTICIPANT", "RSVP": "FALSE"}
    return attendee
