"""Ten tasks of every week and one more, each at most three clicks from the start page of the desk.

A click is a link that the page has, or a button of one of its forms; typing is none.
"""

import re
from html import unescape

import pytest
from django.utils import timezone

from tests.acts import hold, pay
from tests.factories import EveningFactory, ViewerFactory
from tickets.models import Order
from tickets.tests.admin_client import told

pytestmark = pytest.mark.django_db(transaction=True)
LINK = re.compile(r'<a\b[^>]*href="([^"]*)"[^>]*>(.*?)</a>', re.DOTALL)
FORM = re.compile(r"<form\b([^>]*)>(.*?)</form>", re.DOTALL)
FIELD = re.compile(r"<(?:input|button)\b([^>]*)>")


def attributes(text: str) -> dict[str, str]:
    return {name: unescape(value) for name, value in re.findall(r'([\w-]+)="([^"]*)"', text)}


class Desk:
    """A browser without scripts that counts: it goes only where a page leads."""

    def __init__(self, client):
        self.client, self.clicks = client, 0
        self.go("/admin/")

    def go(self, url: str, **sent) -> None:
        self.page = self.client.post(url, sent, follow=True) if sent else self.client.get(url, follow=True)
        assert self.page.status_code == 200, url
        self.url = self.page.redirect_chain[-1][0] if self.page.redirect_chain else url
        streamed = self.page.streaming
        self.said = b"".join(self.page.streaming_content).decode() if streamed else self.page.content.decode()

    def click(self, words: str, within: str = "") -> "Desk":
        self.clicks += 1
        wanted = [
            unescape(href) for href, said in LINK.findall(self.said)
            if words in unescape(re.sub(r"<[^>]+>", "", said)) and within in unescape(href)
        ]  # fmt: skip
        assert wanted, f"{self.url} has no link {words}"
        self.go(wanted[0] if wanted[0].startswith("/") else self.url.partition("?")[0] + wanted[0])
        return self

    def press(self, marked: str, **typed) -> "Desk":
        """Send the form whose tag or fields hold `marked`, as it is shown, with what was typed."""
        self.clicks += 1
        tag, body = next(found for found in FORM.findall(self.said) if marked in found[0] + found[1])
        fields = [attributes(text) for text in FIELD.findall(body)]
        sent = {
            each["name"]: each.get("value", "") for each in fields
            if "name" in each and each.get("type") not in ("submit", "checkbox", "radio")
        }  # fmt: skip
        for select, options in re.findall(r"<select\b([^>]*)>(.*?)</select>", body, re.DOTALL):
            first = re.search(r'<option value="([^"]*)" selected', options) or re.search(
                r'value="([^"]*)"', options
            )
            sent[attributes(select)["name"]] = first[1] if first else ""
        action = attributes(tag).get("action") or self.url
        if attributes(tag).get("method") == "post":
            self.go(action, **sent | typed)
        else:
            self.page = self.client.get(action, sent | typed, follow=True)
            self.url, self.said = self.page.redirect_chain[-1][0], self.page.content.decode()
        return self

    def find(self, words: str) -> "Desk":
        return self.press('id="find"', q=words)


@pytest.fixture
def order() -> Order:
    order = hold(EveningFactory(title="Moon Songs", price_sats=1000), 2, email="ann@example.com", name="Ann")
    pay(order)
    return order


@pytest.fixture
def desk(staff, order) -> Desk:
    return Desk(staff)


def test_find_a_guest(desk, order):
    assert order.code in desk.find("ann@example.com").said
    assert desk.clicks == 1


def test_see_why_somebody_did_not_pay(desk):
    hold(EveningFactory(price_sats=1000), email="zed@example.com")
    assert "What happened" in desk.find("zed@example.com").said
    assert desk.clicks == 1


def test_refund_one_seat(desk, order):
    desk.find(order.code).click("Refund", "refund-part").press('class="act"', amount_sats="1000")
    assert desk.clicks == 3
    assert order.payment.incoming_payments.get().refunds.get().amount_msats == 1_000_000


def test_correct_an_address(desk, order):
    desk.find(order.code).click("", "act/email").press('class="act"', email="anna@example.com")
    order.refresh_from_db()
    assert (desk.clicks, order.email) == (3, "anna@example.com")


def test_mail_the_tickets_again(desk, order):
    order.mails.update(status="sent", sent_at=timezone.now(), next_attempt_at=None)
    desk.find(order.code).click("Mail the tickets again").press('class="act"')
    assert (desk.clicks, order.mails.get().status) == (3, "due")


def test_let_another_device_in(desk, order):
    ViewerFactory(ticket=order.tickets.first())
    desk.find(order.code).click("", "act/viewers").press('class="act"')
    assert desk.clicks == 3


def test_duplicate_an_event(desk, order):
    start = order.event.start_time
    day, clock = f"{start:%Y-%m-%d}", f"{start:%H:%M}"
    desk.click("Duplicate").press('class="act"', start_time_0=day, start_time_1=clock, every="7")
    assert (desk.clicks, told(desk.page)) == (2, ["1 draft is made."])


def test_publish_a_draft(staff, order):
    draft = EveningFactory(title="A draft", is_active=False)
    desk = Desk(staff).click("A draft").click("Publish", "act/publish").press('class="act"')
    draft.refresh_from_db()
    assert (desk.clicks, draft.is_active) == (3, True)


def test_see_how_an_event_sells(desk):
    assert "2,000" in desk.click("Report", "event=").said
    assert desk.clicks == 1


def test_take_the_guests_along(desk, order):
    desk.click("Exports").press("exports/orders", format="csv")
    assert desk.clicks == 2
    assert order.code in desk.said


def test_open_the_door(desk, order):
    desk.click("Door").click("Moon Songs")
    assert (desk.clicks, desk.url) == (2, f"/door/{order.event_id}")
