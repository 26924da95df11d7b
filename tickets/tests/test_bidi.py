"""Bidi: typed text is isolated in pages, mails and PDFs, so a title in Hebrew moves no other sign (UAX 9)."""

from datetime import timedelta
from io import BytesIO

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from pypdf import PdfReader

from events.models import Event
from tests.acts import OUR_MAILS, hold, pay
from tests.bidi import faults, unisolated
from tests.factories import EveningFactory, EventChangeFactory
from tickets.mail.messages import write_mail
from tickets.models import Mail, Order
from tickets.services.orders import cancel_order
from tickets.services.refunds import cancel_event
from tickets.services.viewers import join
from tickets.tests.admin_client import act_url, change_url, list_url
from ticketsuma.bidi import FSI, PDI, isolate

pytestmark = pytest.mark.django_db(transaction=True)

TITLE, SUMMARY, ORGANIZER, HOLDER = "שלום! (חי) 2031", "ערב (גדול)!", "תיאטרון חיפה (דרום)!", "דנה כהן (א)"
TEXT = "מוזיקה!"
TYPED = {TITLE, SUMMARY, ORGANIZER, HOLDER, TEXT}


def hebrew(**fields) -> Event:
    return EveningFactory(
        **{"title": TITLE, "summary": SUMMARY, "organizer_name": ORGANIZER, "description": TEXT} | fields,
        contact_email="desk@example.com",
    )


def pages(order: Order) -> list[str]:
    ticket, path = order.tickets.first(), order.get_absolute_url()
    here = [
        "/",
        f"/?q={TITLE}",
        "/?show=past",
        order.event.get_absolute_url(),
        path,
        f"{path}/status",
        "/door",
    ]
    here += [f"/door/{order.event_id}", "/me", "/me/account", "/find", "/paid"]
    return [*here, ticket.get_absolute_url(), f"{ticket.get_absolute_url()}/stream"]


def assert_isolated(client: Client, paths: list[str]) -> None:
    shown = 0
    for path in paths:
        answer = client.get(path, follow=True)
        assert answer.status_code in (200, 410), path
        html = answer.content.decode()
        shown += TITLE in html
        assert faults(html, TYPED) == [], path
    assert shown


def at(order: Order, start: timedelta, end: timedelta, **fields) -> None:
    now = timezone.now()
    Event.objects.filter(pk=order.event_id).update(start_time=now + start, end_time=now + end, **fields)


HOUR = timedelta(hours=1)


def test_every_page_through_the_life_of_an_order(staff):
    order = hold(hebrew(), 2, name=HOLDER)
    paid_for = order.get_absolute_url()
    assert_isolated(staff, pages(order))
    pay(order)
    ticket = order.tickets.select_related("order__event").first()
    assert_isolated(staff, pages(order))  # paid; the room is a lobby
    at(order, timedelta(minutes=-1), HOUR)
    assert_isolated(staff, pages(order))
    ticket.refresh_from_db()
    ticket.order.event.refresh_from_db()
    join(ticket, key="another browser")
    assert_isolated(staff, pages(order))  # watched elsewhere
    page = staff.post(f"/door/{order.event_id}", {"code": ticket.ticket_code}, follow=True)
    assert HOLDER in page.content.decode()
    assert faults(page.content.decode(), TYPED) == []
    elsewhere = staff.post(f"/door/{hebrew().pk}", {"code": ticket.ticket_code}, follow=True)
    assert faults(elsewhere.content.decode(), TYPED) == []
    staff.post(f"{ticket.get_absolute_url()}/stream/here")
    assert_isolated(staff, pages(order))  # watched here
    at(order, -2 * HOUR, -HOUR)
    assert_isolated(staff, pages(order))  # over
    at(order, HOUR, 2 * HOUR)
    cancel_event(order.event)
    assert_isolated(staff, pages(order))
    given_back = hold(hebrew(price_sats=0), name=HOLDER)
    cancel_order(given_back)
    assert_isolated(staff, [given_back.get_absolute_url(), paid_for])


def test_staffs_own_pages(staff):
    order = hold(hebrew(), name=HOLDER)
    pay(order)
    for path in (change_url(order), act_url(order, "refund"), act_url(order.event, "cancel"), "/admin/"):
        found = faults(staff.get(path).content.decode(), TYPED)
        # Django's own templates show a row's name and its facts bare: there the style sheet isolates.
        bare = [one for one in found if one[2].strip(" \n›") not in TYPED]
        assert bare == [], path
    assert staff.get(list_url(Order)).status_code == 200
    assert "unicode-bidi: plaintext" in (settings.BASE_DIR / "static/css/staff.css").read_text()


@pytest.mark.parametrize("kind", OUR_MAILS)
def test_every_mail(kind):
    order = hold(hebrew(price_sats=0), 2, name=HOLDER)
    now = order.event
    change = EventChangeFactory(
        event=now, is_move=True, title=TITLE, start_time=now.start_time - HOUR, end_time=now.end_time,
        timezone="UTC",
    )  # fmt: skip
    order.refresh_from_db()
    message = write_mail(Mail(order=order, kind=kind, to=order.email, about=change.pk))
    html, _kind = message.alternatives[0]
    assert (TITLE in html, TITLE in message.body, TITLE in message.subject) == (True, True, True)
    assert faults(html, TYPED) == []
    assert unisolated(message.body, set()) == ""
    assert unisolated(message.subject, set()) == ""
    message.message().as_bytes()


def test_the_paper_says_whose_it_is_and_leaves_to_the_page_what_it_cannot_write():
    order = hold(hebrew(price_sats=0), name=HOLDER)
    paper = PdfReader(BytesIO(Client().get(f"{order.tickets.get().get_absolute_url()}/ticket.pdf").content))
    assert unisolated(paper.metadata.title, set()) == ""
    assert unisolated(paper.pages[0].extract_text(), set()) == ""


def test_a_long_title_is_cut_without_leaving_its_isolation_open():
    order = hold(hebrew(price_sats=0, title="שלום " * 32))
    subject = write_mail(order.mails.get()).subject
    assert (subject.count(FSI), subject.count(PDI)) == (1, 1)


def test_isolation_is_for_what_needs_it_and_nobody_steers_our_line():
    assert isolate("Ópera (live)!") == "Ópera (live)!"
    assert isolate(TITLE) == f"{FSI}{TITLE}{PDI}"
    assert isolate("a\u202eb\u2067c\u2069") == "abc"
