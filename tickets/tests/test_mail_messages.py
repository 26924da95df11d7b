"""Mails: sent once, in the reader's language, and without a secret."""

import uuid
from datetime import timedelta

import pytest
from django.core import mail as outbox
from django.utils import timezone, translation

from events.models import Event
from payments.models import Refund
from tests.acts import OUR_MAILS, hold, pay
from tests.factories import EveningFactory, EventFactory
from tickets.mail.messages import MAX_SUBJECT, send_mail, send_tickets_again, write_mail
from tickets.mail.notifications import queue_changes, queue_reminders
from tickets.models import Mail, Order
from tickets.services.orders import cancel_order, place_order
from tickets.services.refunds import cancel_event, end_canceled_order, queue_refund_mails

pytestmark = pytest.mark.django_db(transaction=True)

LAST_WEEK = timedelta(days=7)


def paid_order(event: Event, *, quantity: int = 1, ago: timedelta = LAST_WEEK, **buyer) -> Order:
    order = place_order(event=event, quantity=quantity, **{"email": "ann@example.com", "name": "Ann"} | buyer)
    Order.objects.filter(pk=order.pk).update(paid_at=timezone.now() - ago)
    order.refresh_from_db()
    return order


def free_event(**fields) -> Event:
    return EventFactory(price_sats=0, **fields)


def starting_in(**time) -> Event:
    start = timezone.now() + timedelta(**time)
    return free_event(start_time=start, end_time=start + timedelta(hours=2))


def change(event: Event, *, minutes_ago: float = 5, **fields) -> None:
    """Staff saved other words or times, a while ago."""
    at = timezone.now() - timedelta(minutes=minutes_ago)
    Event.objects.filter(pk=event.pk).update(updated_at=at, **fields)


def a_refund() -> Refund:
    order = hold(EveningFactory())
    pay(order)
    pay(order)  # once more: that goes back
    return Refund.objects.get()


def written(kind: str):
    return write_mail(Mail.objects.get(kind=kind))


def every_text(message) -> str:
    parts = [text for text, _kind in message.alternatives] + [
        body for _name, body, _kind in message.attachments
    ]
    return "\n".join([message.subject, message.body, *parts, str(message.extra_headers)])


# -- what is in them --------------------------------------------------------------------------
@pytest.mark.parametrize("kind", OUR_MAILS)
@pytest.mark.parametrize("language", ["en", "es"])
def test_no_mail_holds_a_ticket_code_or_the_stream(kind, language):
    event = free_event(summary="Nice", contact_email="desk@example.com")
    order = paid_order(event, quantity=3)
    with translation.override(language):
        message = write_mail(Mail(order=order, kind=kind, to=order.email))
    text = every_text(message).replace(" ", "")
    assert event.stream_url not in text
    assert "stream.example" not in text
    for ticket in order.tickets.all():
        assert ticket.ticket_code not in text
    assert "{%" not in text
    assert "{{" not in text
    for said in (message.body, message.alternatives[0][0]):
        assert event.title in said
        assert order.get_absolute_url() in said
        assert "src=" not in said  # nothing is fetched when it is opened


def test_the_tickets_mail_has_a_link_for_each_seat_and_a_calendar_entry():
    event = free_event(timezone="Asia/Tokyo", start_time="2031-05-01T20:00Z", end_time="2031-05-01T22:00Z")
    order = paid_order(Event.objects.get(pk=event.pk), quantity=3)
    message = written("tickets")
    for ticket in order.tickets.all():
        assert message.body.count(ticket.get_absolute_url()) == 1
        assert message.alternatives[0][0].count(ticket.get_absolute_url()) == 1
    assert "Friday 2 May 2031, 05:00" in message.body
    assert "Tokyo time" in message.body
    [(name, body, kind)] = message.attachments
    assert (name, kind) == ("event.ics", "text/calendar")
    assert "DTSTART:20310501T200000Z" in body
    assert message.alternatives[1] == (body, "text/calendar; method=REQUEST")
    message.message().as_bytes()


def test_a_title_breaks_out_of_no_subject_and_no_page():
    title = "A\r\nBcc: eve@example.com\u2028<b>x</b> & " + "y" * 120
    paid_order(free_event(title=title))
    message = written("tickets")
    assert message.subject.startswith("Your tickets: A Bcc: eve@example.com <b>x</b> & y")
    assert len(message.subject) <= MAX_SUBJECT
    assert message.message()["Bcc"] is None
    assert "<b>x" not in message.alternatives[0][0]


def test_mails_are_in_the_language_in_which_was_bought():
    with translation.override("es"):
        order = paid_order(free_event())
    assert order.language == "es"
    send_mail(order.mails.get())
    assert outbox.outbox[-1].subject.startswith("Tus entradas")
    assert translation.get_language() == "en"


def test_refund_mails_name_the_amount():
    refund = a_refund()
    words = {
        "needs_address": "1,000\xa0sats go back to you",
        "sent": "We sent 1,000\xa0sats to $ann@wallet.example.",
    }
    for status, said in words.items():
        Refund.objects.filter(pk=refund.pk).update(
            status=status, to="$ann@wallet.example", sent_at=timezone.now()
        )
        assert (queue_refund_mails(), queue_refund_mails()) == (1, 0)
        kind = "refund_address" if status == "needs_address" else "refund_sent"
        message = written(kind)
        for body in (message.body, message.alternatives[0][0]):
            assert said in body
            assert "This order had been paid already." in body
            assert "Your tickets stay good." in body
            assert "We have money" not in body


# -- when they are written --------------------------------------------------------------------
def test_each_holder_is_reminded_once_a_day_and_once_an_hour_before():
    event = starting_in(hours=23)
    paid_order(event)
    paid_order(event, email="bob@example.com", ago=timedelta(hours=1))  # bought it today
    canceled = paid_order(event, email="cat@example.com")
    cancel_order(Order.objects.select_related("event", "payment").get(pk=canceled.pk))
    assert (queue_reminders(), queue_reminders()) == (1, 0)
    Event.objects.update(start_time=timezone.now() + timedelta(minutes=50))
    assert (queue_reminders(), queue_reminders()) == (2, 0)
    assert list(Mail.objects.filter(kind="reminder_day").values_list("to", flat=True)) == ["ann@example.com"]
    assert Mail.objects.filter(kind="reminder_hour").count() == 2


@pytest.mark.parametrize("time", [{"hours": 25}, {"minutes": -1}])
def test_nobody_is_reminded_too_early_or_too_late(time):
    paid_order(starting_in(**time))
    assert queue_reminders() == 0


def test_a_reminder_that_is_overtaken_is_not_sent():
    order = paid_order(starting_in(minutes=50))
    queue_reminders()
    Event.objects.update(start_time=timezone.now() + timedelta(days=3), end_time=timezone.now() + LAST_WEEK)
    reminder = Mail.objects.select_related("order__event").get(order=order, kind="reminder_hour")
    send_mail(reminder)
    assert outbox.outbox == []
    assert (reminder.status, reminder.last_error) == ("failed", "no longer true")


def test_a_change_is_told_once_and_the_next_one_again():
    event = free_event()
    order = paid_order(event)
    hold(EveningFactory(price_sats=5))  # somebody else's event
    assert queue_changes() == 0
    change(event, title="A better talk")
    assert (queue_changes(), queue_changes()) == (1, 0)
    change(event, start_time=event.start_time + timedelta(minutes=30), minutes_ago=4)
    assert (queue_changes(), queue_changes()) == (1, 0)
    assert order.mails.filter(kind="event_changed").count() == 2
    for mail in order.mails.filter(kind="event_changed").select_related("order__event"):
        send_mail(mail)
    assert [message.subject for message in outbox.outbox] == ["Changed: A better talk"] * 2


def test_a_slip_corrected_at_once_and_a_new_price_tell_nobody():
    event = free_event()
    paid_order(event)
    queue_changes()
    change(event, title="A tlak", minutes_ago=0)
    assert queue_changes() == 0
    change(event, title="A talk")
    assert queue_changes() == 0
    change(event, price_sats=9, summary="Other words", capacity=50)
    assert queue_changes() == 0


def test_who_bought_after_the_change_is_not_told():
    event = free_event()
    queue_changes()
    change(event, title="A better talk", minutes_ago=10)
    paid_order(Event.objects.get(), ago=timedelta(minutes=1))
    assert queue_changes() == 0


def test_the_end_of_a_canceled_order_and_its_mail_are_one_transaction():
    event = EveningFactory()
    pay(hold(event))
    cancel_event(event)
    order = Order.objects.select_related("event", "payment").get()
    end_canceled_order(order)
    mail = Mail.objects.get(kind="event_canceled")
    assert (mail.order, mail.to, mail.about) == (order, "ann@example.com", uuid.UUID(int=0))


def test_who_gives_a_free_seat_back_is_told_that_and_not_of_a_canceled_event():
    order = paid_order(free_event(contact_email="desk@example.com"))
    cancel_order(Order.objects.select_related("event", "payment").get(pk=order.pk))
    assert not Mail.objects.filter(kind="event_canceled").exists()
    message = written("order_canceled")
    assert message.subject == "Your tickets are given back: A talk"
    for body in (message.body, message.alternatives[0][0]):
        assert "The tickets of this order are void" in body
        assert "somebody else can come" in body


def test_tickets_that_are_asked_for_again_are_sent_again():
    order = paid_order(free_event())
    send_mail(order.mails.get())
    Mail.objects.update(sent_at=timezone.now() - timedelta(hours=1))
    assert send_tickets_again("ann@example.com") == 1
    send_mail(order.mails.get())
    assert [message.subject for message in outbox.outbox] == ["Your tickets: A talk"] * 2
