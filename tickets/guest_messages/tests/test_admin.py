"""Messages in the admin: written, looked at, tried, sent and followed by staff."""

import re
from html import unescape

import pytest
from django.core import mail as outbox
from django.urls import reverse
from django.utils import timezone

from accounts.history import HistoryEntry
from tests.acts import hold
from tests.factories import (
    EveningFactory,
    MembershipFactory,
    OrganizerFactory,
    QuestionFactory,
    TicketTypeFactory,
    UserFactory,
)
from tickets.guest_messages import services
from tickets.guest_messages.models import Message
from tickets.guest_messages.tests.factories import MessageFactory, work_off
from tickets.models import Mail
from tickets.tests.admin_client import act, act_url, change_url, told
from tickets.tests.forms_in_pages import form_in

pytestmark = pytest.mark.django_db(transaction=True)
ADD = "/admin/guest_messages/message/add/"


@pytest.fixture
def event():
    event = EveningFactory(price_sats=0)
    for name in ("ann", "bo"):
        hold(event, email=f"{name}@example.com")
    return event


def test_a_message_from_its_first_word_to_its_last_copy(staff, event):
    """Begun on the event's page, chosen, looked at, tried, sent, followed."""
    assert f"{ADD}?event={event.pk}" in staff.get(change_url(event)).content.decode()
    page = staff.get(f"{ADD}?event={event.pk}")
    data = form_in(page, "message_form") | {"subject": "Doors open", "text": "Come **early**."}
    page = staff.post(f"{ADD}?event={event.pk}", data, follow=True)
    assert "saved as a draft" in told(page)[0]
    message = Message.objects.get()
    data = form_in(page, "message_form") | {"guests": "absent", "minutes_from_start": "-120"}
    page = staff.post(change_url(message), data, follow=True)
    assert "2 guests get it." in page.content.decode()
    message.refresh_from_db()
    assert (message.guests, message.minutes_from_start) == ("absent", -120)
    data = form_in(page, "message_form") | {"minutes_from_start": ""}
    staff.post(change_url(message), data)
    assert "<strong>early</strong>" in staff.get(f"{change_url(message)[:-7]}preview").content.decode()
    assert "staff@example.com" in told(act(staff, message, "test"))[0]
    assert [mail.to for mail in outbox.outbox] == [["staff@example.com"]]
    asked = staff.get(act_url(message, "send")).content.decode()
    assert "2 guests get it." in asked
    act(staff, message, "send")
    services.begin_due()
    page = staff.get(change_url(message)).content.decode()
    assert ">2 waiting<" in page
    assert 'name="subject"' not in page, "what is sent is not edited"
    work_off()
    assert ">2 sent<" in staff.get(change_url(message)).content.decode()
    assert ">2 sent<" in staff.get(change_url(event)).content.decode()
    acts = HistoryEntry.objects.about([message]).values_list("act", flat=True)
    assert [*acts] == ["add", "change", "change", "press", "send"]
    listed = staff.get(reverse("admin:tickets_mail_changelist"), {"about": message.pk})
    assert {mail.to for mail in listed.context["cl"].queryset} == {"ann@example.com", "bo@example.com"}


def test_each_count_leads_to_its_mails(client, settings):
    """For managers as well, who see no more of the worker than that."""
    settings.STAFF_SECOND_FACTOR = "optional"
    ours = EveningFactory(price_sats=0, organizer=OrganizerFactory())
    user = UserFactory()
    MembershipFactory(organizer=ours.organizer, user=user, role="manager")
    client.force_login(user)
    for name in ("sent", "waiting", "given-up", "bounced", "left-out"):
        hold(ours, email=f"{name}@example.com")
    message = MessageFactory(event=ours)
    services.send(message)
    services.begin_due()
    now = timezone.now()
    for name, fields in {
        "sent": {"status": "sent"}, "given-up": {"parked_at": now, "next_attempt_at": None},
        "bounced": {"status": "failed", "last_error": "bounced: 550"},
        "left-out": {"status": "failed"},
    }.items():  # fmt: skip
        services.copies_of(message).filter(to=f"{name}@example.com").update(**fields)
    for row in (message, ours):
        links = re.findall(
            r'href="(/admin/tickets/mail/[^"]+)"', client.get(change_url(row)).content.decode()
        )
        assert len(links) >= 2
        for link in links:
            listed = client.get(unescape(link))
            assert listed.status_code == 200, link
            assert listed.context["cl"].result_count >= 1


def test_a_message_that_waits_is_stopped_by_a_button(staff, event):
    message = MessageFactory(event=event, minutes_from_start=-15)
    services.send(message)
    assert "nobody gets it" in told(act(staff, message, "stop"))[0]
    message.refresh_from_db()
    assert message.status == "canceled"
    assert staff.get(act_url(message, "stop")).status_code == 302


def test_sending_twice_sends_once(staff, event):
    message = MessageFactory(event=event)
    seen = staff.get(act_url(message, "send")).context["form"]["seen"].value()
    for _time in range(2):
        page = staff.post(act_url(message, "send"), {"seen": seen}, follow=True)
    assert "somebody was faster" in told(page)[-1]
    assert HistoryEntry.objects.filter(act="send").count() == 1


def test_a_draft_changed_between_the_question_and_the_answer_is_not_sent(staff, event):
    message = MessageFactory(event=event)
    seen = staff.get(act_url(message, "send")).context["form"]["seen"].value()
    page = staff.get(change_url(message))
    staff.post(change_url(message), form_in(page, "message_form") | {"text": "Something else"})
    staff.post(act_url(message, "send"), {"seen": seen})
    message.refresh_from_db()
    assert message.is_draft


def test_a_limit_is_told_on_the_page_that_asks(staff, event, settings):
    settings.LIMITS = settings.LIMITS | {"MESSAGES_PER_EVENT": (0, 60)}
    page = act(staff, MessageFactory(event=event), "send")
    assert "too often" in page.content.decode()


def test_types_and_questions_are_those_of_the_event(staff, event):
    other = EveningFactory()
    foreign_type, foreign_question = TicketTypeFactory(event=other), QuestionFactory(event=other)
    message = MessageFactory(event=event)
    data = form_in(staff.get(change_url(message)), "message_form")
    for field, row in (("ticket_type", foreign_type), ("question", foreign_question)):
        page = staff.post(change_url(message), data | {field: row.pk})
        assert field in page.context["adminform"].form.errors
    page = staff.post(change_url(message), data | {"answer": "Vegan"})
    assert "answer" in page.context["adminform"].form.errors


@pytest.mark.parametrize("role", ["owner", "manager", "finance", "reader", "door"])
def test_only_guests_of_ones_own_events_are_written_to(client, event, role, settings):
    settings.STAFF_SECOND_FACTOR = "optional"
    ours = EveningFactory(organizer=OrganizerFactory(), price_sats=0)
    user = UserFactory()
    MembershipFactory(organizer=ours.organizer, user=user, role=role)
    client.force_login(user)
    may = role in ("owner", "manager")
    words = {"kind": "ticket", "subject": "Hello", "text": "Hello", "seen": ""}
    assert client.post(ADD, words | {"event": event.pk}).status_code == (200 if may else 403)
    assert not Message.objects.exists()
    assert client.post(ADD, words | {"event": ours.pk}).status_code == (302 if may else 403)
    assert Message.objects.count() == may
    foreign = MessageFactory(event=event)
    assert client.get(act_url(foreign, "send")).status_code == 404
    assert client.get(f"{change_url(foreign)[:-7]}preview").status_code in (403, 404)
    button = b"Write to the guests" in client.get(change_url(ours)).content
    assert button == may


def test_translations_are_written_on_the_same_page(staff, event):
    message = MessageFactory(event=event)
    page = staff.get(change_url(message))
    data = form_in(page, "message_form") | {
        "translations-TOTAL_FORMS": "1", "translations-0-language": "es",
        "translations-0-subject": "Abrimos", "translations-0-text": "Venid pronto.",
    }  # fmt: skip
    assert staff.post(change_url(message), data).status_code == 302
    preview = staff.get(f"{change_url(message)[:-7]}preview?language=es").content.decode()
    assert "Venid pronto." in preview
    assert "Ir al evento" in preview


@pytest.mark.parametrize("language", ["xx", "../..", "é'\"", "e" * 300])
def test_a_preview_in_no_language_is_one_anyway(staff, event, language):
    message = MessageFactory(event=event)
    answer = staff.get(f"{change_url(message)[:-7]}preview", {"language": language})
    assert answer.status_code == 200


def test_a_preview_loads_nothing_but_its_own_styles(staff, event):
    message = MessageFactory(event=event, text="<script>alert(1)</script>")
    answer = staff.get(f"{change_url(message)[:-7]}preview")
    assert b"<script>" not in answer.content
    scripts = answer["Content-Security-Policy"].partition("script-src")[2].partition(";")[0]
    assert "unsafe-inline" not in scripts


def test_what_did_not_arrive_is_counted_and_mailed_again(staff, event, mailbox):
    message = MessageFactory(event=event)
    services.send(message)
    services.begin_due()
    mailbox.rejected, mailbox.refusal = "@example.com", "552 5.2.2"
    work_off()
    said = "bounced: 552 5.2.2 <[address]>: Recipient address rejected"
    assert {*Mail.objects.filter(about=message.pk).values_list("last_error", flat=True)} == {said}
    for row in (message, event):
        assert ">2 bounced<" in staff.get(change_url(row)).content.decode()
    mailbox.rejected = ""
    assert "2 mails are tried again" in told(act(staff, event, "resend"))[0]
    work_off()
    assert {mail["To"] for mail in mailbox.mails} == {"ann@example.com", "bo@example.com"}
    page = staff.get(change_url(message)).content.decode()
    assert ">2 sent<" in page
    assert "Mail again what did not arrive" not in page


def test_a_test_that_no_server_takes_is_told_so(staff, event, mailbox):
    mailbox.fault = "busy"
    page = act(staff, MessageFactory(event=event), "test")
    assert "The mail server did not take it" in page.content.decode()
