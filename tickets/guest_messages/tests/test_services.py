"""Messages to guests: who gets one, once each, at which time, in which words."""

from datetime import timedelta
from email.header import decode_header, make_header

import pytest
import time_machine
from django.core import mail as outbox
from django.utils import timezone

from accounts.rate_limits import RateLimited
from events.models import Event
from tests.acts import together
from tests.factories import (
    CheckInFactory,
    EveningFactory,
    OrganizerFactory,
)
from tickets.guest_messages import services
from tickets.guest_messages.delivery import LEFT_OUT, deliver, send_test
from tickets.guest_messages.models import Message
from tickets.guest_messages.tests.factories import (
    MessageFactory,
    TranslationFactory,
    addresses,
    paid,
    work_off,
)
from tickets.guest_messages.unsubscribing import key_of, unsubscribe
from tickets.models import Mail, Order
from tickets.services.email_corrections import correct
from tickets.services.personal_data import forget_email
from tickets.services.refunds import cancel_event
from tickets.services.voiding import void_ticket
from ticketsuma.state_machine import InvalidTransition

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_forgotten_get_nothing():
    """Neither those forgotten before it begins, nor those between the beginning and their copy."""
    event = EveningFactory()
    paid(event, "ann@example.com"), paid(event, "bo@example.com"), paid(event, "cy@example.com")
    forget_email("ann@example.com")
    message = MessageFactory(event=event)
    services.send(message)
    assert services.begin_due() == 2
    Order.objects.filter(email="cy@example.com").update(is_forgotten=True)  # money of it still moves
    work_off()
    assert [mail.to for mail in messages_out()] == [["bo@example.com"]]
    forget_email("bo@example.com")
    assert not Mail.objects.filter(to="bo@example.com").exists()


def messages_out() -> list:
    return [mail for mail in outbox.outbox if "message-" in mail.extra_headers.get("Message-ID", "")]


# -- once each --------------------------------------------------------------------------------
def test_two_workers_write_a_message_once():
    event = EveningFactory(price_sats=0, capacity=50)
    for number in range(12):
        paid(event, f"guest{number}@example.com")
    message = MessageFactory(event=event)
    services.send(message)
    assert sorted(map(str, together(*[services.begin_due] * 4))) == ["0", "0", "0", "12"]
    assert Mail.objects.filter(about=message.pk).values("to").distinct().count() == 12
    assert Mail.objects.filter(about=message.pk).count() == 12
    message.refresh_from_db()
    assert (message.status, message.recipients) == ("begun", 12)


def test_a_copy_sent_twice_has_one_message_id():
    event = EveningFactory(price_sats=0)
    paid(event, "ann@example.com")
    message = MessageFactory(event=event)
    services.send(message)
    services.begin_due()
    copy = Mail.objects.select_related("order__event").get(about=message.pk)
    deliver(copy)
    Mail.objects.filter(pk=copy.pk).update(status="due")  # the crash was before this was written
    deliver(Mail.objects.select_related("order__event").get(pk=copy.pk))
    first, second = messages_out()
    assert first.extra_headers["Message-ID"] == second.extra_headers["Message-ID"]


def test_a_corrected_address_gets_it_once():
    event = EveningFactory(price_sats=0)
    first, second = paid(event, "an@example.com"), paid(event, "ann@example.com")
    message = MessageFactory(event=event)
    services.send(message)
    services.begin_due()
    correct(first, email="ann@example.com")
    correct(second, email="anna@example.com")
    work_off()
    assert sorted(mail.to[0] for mail in messages_out()) == ["anna@example.com"]


# -- when -------------------------------------------------------------------------------------
def test_a_time_before_the_start_moves_with_the_event():
    with time_machine.travel("2030-05-01T12:00:00Z", tick=False) as clock:
        event = EveningFactory(price_sats=0)
        paid(event, "ann@example.com")
        message = MessageFactory(event=event, minutes_from_start=-120)
        services.send(message)
        clock.move_to(event.start_time - timedelta(minutes=121))
        assert services.begin_due() == 0
        later = {name: getattr(event, name) + timedelta(hours=5) for name in ("start_time", "end_time")}
        Event.objects.filter(pk=event.pk).update(**later)
        clock.move_to(event.start_time - timedelta(minutes=119))
        assert services.begin_due() == 0
        clock.shift(timedelta(hours=5))
        assert services.begin_due() == 1


@pytest.mark.parametrize("minutes", [-120, 60])
def test_what_has_become_untrue_is_missed(minutes):
    """The worker was away for too long, or the event was canceled."""
    late, canceled = EveningFactory(price_sats=0), EveningFactory(price_sats=0)
    for event in (late, canceled):
        paid(event, "ann@example.com")
        services.send(MessageFactory(event=event, minutes_from_start=minutes))
    cancel_event(canceled)
    Event.objects.filter(pk=canceled.pk).update(start_time=timezone.now())
    start = timezone.now() - timedelta(days=2)
    Event.objects.filter(pk=late.pk).update(start_time=start, end_time=start + timedelta(hours=1))
    if minutes > 0:
        Event.objects.filter(pk=canceled.pk).update(start_time=start, end_time=start + timedelta(hours=1))
    assert services.begin_due() == 0
    assert {message.status for message in Message.objects.all()} == {"missed"}
    late.refresh_from_db()
    with pytest.raises(services.TooLate):
        services.send(MessageFactory(event=late, minutes_from_start=minutes))


def test_it_is_canceled_while_it_is_not_begun():
    event = EveningFactory(price_sats=0)
    paid(event, "ann@example.com")
    message, late = MessageFactory(event=event), MessageFactory(event=event)
    services.send(message)
    services.send(late)
    services.cancel(message)
    assert services.begin_due() == 1
    with pytest.raises(InvalidTransition):
        services.cancel(late)
    assert not Mail.objects.filter(about=message.pk).exists()


def test_whoever_is_no_guest_any_more_when_their_copy_goes_out_gets_none():
    """Checked in meanwhile, given back meanwhile: the copy says so, and is no failure."""
    event = EveningFactory(price_sats=0)
    here, gone, _absent = (paid(event, f"{name}@example.com") for name in ("here", "gone", "absent"))
    services.send(MessageFactory(event=event, guests="absent"))
    services.begin_due()
    CheckInFactory(ticket=here.tickets.get())
    void_ticket(gone.tickets.get())
    work_off()
    assert [mail.to for mail in messages_out()] == [["absent@example.com"]]
    left_out = Mail.objects.filter(kind="message", last_error=LEFT_OUT)
    assert set(left_out.values_list("status", flat=True)) == {"failed"}
    assert left_out.count() == 2


def test_copies_are_due_one_after_the_other(settings):
    settings.MESSAGES_PER_SECOND = 2
    event = EveningFactory(price_sats=0)
    for number in range(4):
        paid(event, f"guest{number}@example.com")
    message = MessageFactory(event=event)
    services.send(message)
    services.begin_due()
    due = Mail.objects.filter(about=message.pk).order_by("next_attempt_at")
    moments = list(due.values_list("next_attempt_at", flat=True))
    assert [(one - moments[0]).total_seconds() for one in moments] == [0, 0.5, 1, 1.5]


# -- limits -----------------------------------------------------------------------------------
def test_an_event_has_so_many_messages_a_day(settings):
    settings.LIMITS = settings.LIMITS | {"MESSAGES_PER_EVENT": (2, 86400)}
    event, other = EveningFactory(price_sats=0), EveningFactory(price_sats=0)
    for each in (event, other):
        paid(each, "ann@example.com")
    for _time in range(2):
        services.send(MessageFactory(event=event))
    last = MessageFactory(event=event)
    with pytest.raises(RateLimited):
        services.send(last)
    last.refresh_from_db()
    assert last.is_draft
    services.send(MessageFactory(event=other))


def test_nobody_is_no_audience():
    with pytest.raises(services.NoGuests):
        services.send(MessageFactory(event=EveningFactory()))


# -- words ------------------------------------------------------------------------------------
def test_a_guest_reads_it_in_their_language_where_there_is_a_text():
    event = EveningFactory(price_sats=0)
    for language in ("en", "es"):
        order = paid(event, f"{language}@example.com")
        Order.objects.filter(pk=order.pk).update(language=language)
    message = MessageFactory(event=event, subject="Doors open", text="Come **early**.")
    TranslationFactory(message=message, language="es", subject="Abrimos", text="Venid **pronto**.")
    services.send(message)
    services.begin_due()
    work_off()
    english, spanish = sorted(messages_out(), key=lambda mail: mail.to)
    assert (english.subject, spanish.subject) == ("Doors open", "Abrimos")
    assert "<strong>pronto</strong>" in spanish.alternatives[0].content
    assert "Tu pedido" in spanish.alternatives[0].content
    assert "Your order" in english.alternatives[0].content


def test_text_is_cleaned_and_a_subject_stays_one_line():
    event = EveningFactory(price_sats=0)
    paid(event, "ann@example.com")
    text = "<script>alert(1)</script> ![x](https://a.example/x.png) [a](javascript:alert(1)) **b**"
    message = MessageFactory(event=event, subject="Hello\r\nBcc: thief@example.com", text=text)
    services.send(message)
    services.begin_due()
    work_off()
    [mail] = messages_out()
    sent = mail.message()
    assert str(make_header(decode_header(sent["Subject"]))) == "Hello Bcc: thief@example.com"
    assert sent["Bcc"] is None
    html = mail.alternatives[0].content
    assert "<script>alert" not in html
    assert "javascript:" not in html.partition("</a>")[0]
    assert "<img" not in html
    assert "<strong>b</strong>" in html


def test_a_test_goes_to_oneself_in_all_its_texts():
    message = MessageFactory(event=EveningFactory(), subject="Doors open")
    TranslationFactory(message=message, language="es", subject="Abrimos")
    assert send_test(message, to="staff@example.com") == 2
    assert [mail.to for mail in outbox.outbox] == [["staff@example.com"]] * 2
    assert [mail.subject for mail in outbox.outbox] == ["Test: Doors open", "Test: Abrimos"]
    assert not Mail.objects.exists()


# -- news -------------------------------------------------------------------------------------
def test_news_goes_to_nobody_who_unsubscribed_from_this_organizer():
    ours, others = OrganizerFactory(), OrganizerFactory()
    event, other = (EveningFactory(price_sats=0, organizer=one) for one in (ours, others))
    for each in (event, other):
        paid(each, "ann@example.com"), paid(each, "bo@example.com")
    unsubscribe(ours, key_of(ours.pk, "Ann@Example.com"))
    assert addresses(MessageFactory(event=event, kind="news")) == ["bo@example.com"]
    assert addresses(MessageFactory(event=event, kind="ticket")) == ["ann@example.com", "bo@example.com"]
    assert addresses(MessageFactory(event=other, kind="news")) == ["ann@example.com", "bo@example.com"]


def test_whoever_unsubscribes_between_the_beginning_and_their_copy_gets_none():
    event = EveningFactory(price_sats=0)
    paid(event, "ann@example.com"), paid(event, "bo@example.com")
    services.send(MessageFactory(event=event, kind="news"))
    services.begin_due()
    unsubscribe(None, key_of(None, "ann@example.com"))
    work_off()
    [mail] = messages_out()
    assert mail.to == ["bo@example.com"]
    assert mail.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail.extra_headers["List-Unsubscribe"].strip("<>") in mail.body
    assert "bo@" not in mail.extra_headers["List-Unsubscribe"]


def test_what_is_about_the_ticket_cannot_be_unsubscribed():
    event = EveningFactory(price_sats=0)
    paid(event, "ann@example.com")
    services.send(MessageFactory(event=event))
    services.begin_due()
    work_off()
    [mail] = messages_out()
    assert "List-Unsubscribe" not in mail.extra_headers
    assert "unsubscribe" not in mail.body
