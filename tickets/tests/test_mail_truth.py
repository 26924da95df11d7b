"""Truth of mails: what they say holds when they are sent, to people and to their calendars."""

from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.header import decode_header, make_header

import pytest
import time_machine
from allauth.core.context import request_context
from django.core import mail as outbox
from django.test import RequestFactory
from django.utils import timezone
from icalendar import Calendar

from accounts.adapter import AccountAdapter
from events.models import Event
from tests.acts import OUR_MAILS, hold, pay
from tests.factories import EveningFactory, EventFactory
from tickets.mail.messages import send_mail, write_mail
from tickets.mail.notifications import queue_changes, queue_reminders
from tickets.mail.relative_time import soon
from tickets.models import EventChange, Mail, Order
from tickets.services.orders import cancel_order, place_order
from tickets.services.refunds import cancel_event, end_canceled_order, refund_order
from ticketsuma.bidi import isolate

pytestmark = pytest.mark.django_db(transaction=True)


def paid(event: Event, **buyer) -> Order:
    """A paid order of yesterday."""
    order = hold(event, **buyer)
    if order.payment:
        pay(order)
    Order.objects.update(paid_at=timezone.now() - timedelta(days=1))
    return Order.objects.select_related("event", "payment").get(pk=order.pk)


def save(event: Event, **fields) -> None:
    """Staff saved the event five minutes ago."""
    for name, value in fields.items():
        setattr(event, name, value)
    event.save()
    Event.objects.filter(pk=event.pk).update(updated_at=timezone.now() - timedelta(minutes=5))


def mail_of(kind: str) -> Mail:
    return Mail.objects.select_related("order__event").filter(kind=kind).latest("pk")


def calendar_in(message) -> tuple[str, dict]:
    [(body, kind)] = [one for one in message.alternatives if one[1].startswith("text/calendar")]
    calendar = Calendar.from_ical(body)
    assert kind == f"text/calendar; method={calendar['METHOD']}"
    return str(calendar["METHOD"]), calendar.walk("VEVENT")[0]


# -- relative words ---------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("zone", "now", "said"),
    [
        ("UTC", "2031-05-01T19:59:40", "Now"), ("UTC", "2031-05-01T19:35", "In 25 minutes"),
        ("UTC", "2031-05-01T19:00", "In an hour"), ("UTC", "2031-05-01T02:00", "Today"),
        ("UTC", "2031-04-30T20:00", "Tomorrow"), ("UTC", "2031-04-29T20:00", "Thu 1 May 2031"),
        # 05:00 on Friday in Tokyo, where it is already Friday, and not yet
        ("Asia/Tokyo", "2031-05-01T15:30", "Today"), ("Asia/Tokyo", "2031-05-01T14:30", "Tomorrow"),
    ],
)  # fmt: skip
def test_relative_words_go_by_the_clocks_of_the_event(zone, now, said):
    start = datetime(2031, 5, 1, 20, tzinfo=UTC)
    event = Event(start_time=start - timedelta(seconds=20 * (said == "Now")), timezone=zone)
    assert soon(event, datetime.fromisoformat(now).replace(tzinfo=UTC)) == said


def test_a_late_worker_says_what_is_true_then():
    """The mail server was away all night: "Tomorrow" would be mailed on the day."""
    with time_machine.travel(datetime(2031, 5, 1, 9, tzinfo=UTC)) as clock:
        start = timezone.now() + timedelta(hours=23)
        paid(EveningFactory(price_sats=0, start_time=start, end_time=start + timedelta(hours=2)))
        assert queue_reminders() == 1
        assert write_mail(mail_of("reminder_day")).subject.startswith("Tomorrow: ")
        clock.shift(timedelta(hours=20))
        assert write_mail(mail_of("reminder_day")).subject.startswith("Today: ")
        clock.shift(timedelta(hours=2, minutes=20))
        assert queue_reminders() == 1
        send_mail(mail_of("reminder_day"))  # overtaken by the one of the last hour
        send_mail(mail_of("reminder_hour"))
        assert [message.subject.split(":")[0] for message in outbox.outbox] == ["In 40 minutes"]
        assert mail_of("reminder_day").last_error == "no longer true"
        clock.shift(timedelta(minutes=30))
        assert "The stream is open" in write_mail(mail_of("reminder_hour")).body


# -- changes ----------------------------------------------------------------------------------
def test_what_was_announced_is_written_with_the_event():
    event = EveningFactory(timezone="Asia/Tokyo")
    told = event.announcement
    assert (told.title, told.start_time, told.end_time, told.timezone) == (
        event.title, event.start_time, event.end_time, "Asia/Tokyo",
    )  # fmt: skip


@pytest.mark.parametrize("what", ["start_time", "end_time", "timezone", "title"])
def test_a_change_while_no_worker_was_there_is_told_with_old_and_new(what):
    event = EveningFactory(
        title="The old name", start_time="2031-05-01T20:00Z", end_time="2031-05-01T22:00Z", timezone="UTC",
        price_sats=0,
    )  # fmt: skip
    event.refresh_from_db()
    paid(event)
    news = {
        "start_time": (event.start_time + timedelta(minutes=30), "20:00 – 22:00", "20:30 – 22:00"),
        "end_time": (event.end_time + timedelta(minutes=30), "20:00 – 22:00", "20:00 – 22:30"),
        "timezone": ("Asia/Tokyo", "Thursday 1 May 2031, 20:00", "Friday 2 May 2031, 05:00"),
        "title": ("The new name", "The old name", "The new name"),
    }
    value, before, now = news[what]
    save(event, **{what: value})
    assert (queue_changes(), queue_changes()) == (1, 0)
    message = write_mail(mail_of("event_changed"))
    body = message.body
    assert body.index(now) < body.index("It was:") < body.rindex(before)
    for part in before, now:
        assert all(word in message.alternatives[0][0] for word in part.split(", "))
    method, entry = calendar_in(message)
    assert (method, entry["SEQUENCE"], entry["UID"]) == ("REQUEST", 2, event.ical_uid)


def test_a_change_that_is_undone_before_its_mail_goes_out_is_not_told():
    event = EveningFactory(price_sats=0)
    paid(event)
    title = event.title
    save(event, title="A slip")
    assert queue_changes() == 1
    save(event, title=title)
    send_mail(mail_of("event_changed"))
    assert mail_of("event_changed").last_error == "no longer true"
    assert EventChange.objects.get().is_move is False


# -- what ends --------------------------------------------------------------------------------
def test_a_canceled_event_leaves_calendars_under_the_name_it_had():
    event = EveningFactory()
    order = paid(event)
    _method, invited = calendar_in(write_mail(mail_of("tickets")))
    cancel_event(event)
    end_canceled_order(Order.objects.select_related("event", "payment").get(pk=order.pk))
    method, entry = calendar_in(write_mail(mail_of("event_canceled")))
    assert (method, entry["STATUS"], entry["UID"]) == ("CANCEL", "CANCELLED", invited["UID"])
    assert entry["SEQUENCE"] > invited["SEQUENCE"]


def test_a_refunded_order_is_told_and_leaves_calendars():
    order = paid(EveningFactory())
    refund_order(order)
    message = write_mail(mail_of("order_canceled"))
    assert "its money goes back to you" in message.body
    assert "void" in message.body
    assert calendar_in(message)[0] == "CANCEL"


def test_nobody_is_told_that_they_are_in_after_a_refund():
    order = paid(EveningFactory())
    refund_order(order)
    tickets = mail_of("tickets")
    send_mail(tickets)
    assert outbox.outbox == []
    assert (tickets.status, tickets.last_error) == (Mail.Status.FAILED, "no longer true")


def test_nobody_is_told_that_they_are_in_once_they_are_not():
    order = place_order(event=EventFactory(price_sats=0), quantity=1, email="ann@example.com")
    cancel_order(order)
    tickets = mail_of("tickets")
    send_mail(tickets)
    assert outbox.outbox == []
    assert tickets.last_error == "no longer true"


# -- how a mail looks to programs -------------------------------------------------------------
@pytest.mark.parametrize(
    "title", ["x" * 120, "long words " * 12, "Ópera " * 20, "ひ" * 100, "שלום עולם " * 9]
)
def test_a_long_subject_begins_on_its_own_line(title):
    paid(EveningFactory(title=title.strip(), price_sats=0))
    raw = write_mail(mail_of("tickets")).message().as_bytes()
    [first] = [line for line in raw.decode().splitlines() if line.startswith("Subject:")]
    assert len(first) > len("Subject: ") + 5
    head = raw.decode().split("\n\n")[0].splitlines()
    assert all(len(line) <= 78 or " " not in line.strip() for line in head)
    said = str(make_header(decode_header(message_from_bytes(raw)["Subject"])))
    assert said.replace("\n", "").startswith("Your tickets: " + isolate(title.strip())[:30])


def test_every_mail_says_that_a_program_wrote_it_and_who_answers():
    paid(EveningFactory(price_sats=0, organizer_name="Ópera, SA", contact_email="desk@example.com"))
    message = write_mail(mail_of("tickets")).message()
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Reply-To"].endswith("<desk@example.com>")
    with request_context(RequestFactory().get("/")):
        AccountAdapter().send_mail("account/email/login_code", "ann@example.com", {"code": "ABCD"})
    [ours] = outbox.outbox
    assert ours.message()["Auto-Submitted"] == "auto-generated"
    assert f"<title>{ours.subject}</title>" in ours.alternatives[0][0]


@pytest.mark.parametrize("kind", OUR_MAILS)
def test_html_has_a_title_a_language_and_a_direction(kind):
    order = paid(EveningFactory(price_sats=0))
    message = write_mail(Mail(order=order, kind=kind, to=order.email))
    html = message.alternatives[0][0]
    assert '<html lang="en" dir="ltr">' in html
    assert f"<title>{message.subject}</title>" in html
