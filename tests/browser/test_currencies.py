"""A sale priced in dollars, in a real browser and in both languages: both amounts, and the ticket."""

import re
import uuid

import pytest
from playwright.sync_api import expect

from tests.browser.test_buying import approve
from tests.buyer import make_event
from tests.processes import wait_until

WORDS = {
    "en-US": {"price": "$12.50", "pay": "Approve", "in": "You are in."},
    "es-ES": {"price": "12,50 US$", "pay": "Aprueba", "in": "Ya estás dentro."},
}


@pytest.fixture
def event_in_dollars(stack) -> int:
    """The worker has read what three exchanges say of it."""
    event_id = make_event(stack, currency="USD", price=1250)
    known = "CurrencyRate.objects.filter(currency='USD', trouble='').exclude(taken_at=None).exists()"
    wait_until(lambda: stack.django(known), 30, "the rate of the dollar")
    return event_id


@pytest.mark.parametrize("locale", WORDS)
def test_a_seat_in_dollars_is_paid_from_a_wallet(open_context, stack, locale, event_in_dollars):
    words, page = WORDS[locale], open_context(locale=locale).new_page()
    page.goto(f"{stack.shop_url}/events/{event_in_dollars}")
    spaced = words["price"].replace(" ", "\N{NO-BREAK SPACE}")
    expect(page.locator("#buy")).to_contain_text(spaced)
    expect(page.locator("#buy form button.btn-xl")).to_contain_text(spaced)
    page.locator("[name=uma_address]").fill(f"$alice@{stack.sandbox_domain}")
    page.locator("[name=email]").fill(f"{uuid.uuid4().hex}@example.com")
    page.locator("#buy form button.btn-xl").click()
    page.wait_for_url("**/orders/**")

    paid_by = "Payment.objects.filter(order__event_id=event_id).values('amount_sats', 'amount_minor').get()"
    agreed = stack.django(paid_by, event_id=event_in_dollars)
    assert agreed["amount_minor"] == 1250
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_contain_text(words["pay"])
    shown = page.locator("main").inner_text()
    assert spaced in shown
    assert str(agreed["amount_sats"]) in re.sub(r"[.,\s]", "", shown)

    approve(open_context().new_page(), stack, "alice", "12.50")
    expect(page.get_by_role("heading", name=words["in"])).to_be_visible(timeout=10_000)
    stack.audit()
