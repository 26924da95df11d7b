"""Purchases in a real browser, with the wallet in another tab."""

import gzip
import re
import time
import uuid

import pytest
from playwright.sync_api import expect

from tests.buyer import Sandbox, make_event

LIVE_DEADLINE_SECONDS = 5


def buy(page, stack, event_id: int, *, seats: int = 1, uma_address: str = "") -> str:
    """Fill the form on the event's page; leaves the browser on the order's page, answers the e-mail."""
    email = f"{uuid.uuid4().hex}@example.com"
    page.goto(f"{stack.shop_url}/events/{event_id}")
    for _ in range(seats - 1):
        page.get_by_role("button", name="One seat more").click()
    if uma_address:
        page.get_by_label("Your UMA address").fill(uma_address)
    page.get_by_label("E-mail").fill(email)
    page.locator("#buy form button.btn-xl").click()
    page.wait_for_url("**/orders/**")
    return email


def approve(wallet_page, stack, user: str, amount: str) -> None:
    """Approve, in the sandbox wallet's own page, the request over `amount`."""
    wallet_page.goto(f"{stack.sandbox_url}/wallet/{user}")
    request = wallet_page.locator("section.request").filter(has_text=amount).first
    request.get_by_role("button", name="Approve").click()


def paste_into_wallet(wallet_page, stack, user: str, invoice: str) -> None:
    wallet_page.goto(f"{stack.sandbox_url}/wallet/{user}")
    wallet_page.get_by_label("Invoice or address").fill(invoice)
    wallet_page.get_by_role("button", name="Pay", exact=True).click()


def seconds_until_ticket(page, paid_at: float) -> float:
    expect(page.get_by_role("heading", name="You are in.")).to_be_visible(
        timeout=LIVE_DEADLINE_SECONDS * 1000
    )
    return time.monotonic() - paid_at


def the_one_order(stack, event_id: int) -> dict:
    orders = stack.django(
        "list(Order.objects.filter(event_id=event_id).values('status', 'quantity', 'payment__status'))",
        event_id=event_id,
    )
    assert len(orders) == 1
    return orders[0]


def test_a_request_approved_in_the_wallet_turns_the_page_into_tickets(
    page, open_context, stack, size, record_property
):
    event_id = make_event(stack, price_sats=2100 + size["width"])
    amount = f"{2 * (2100 + size['width']):,}"
    buy(page, stack, event_id, seats=2, uma_address=f"$alice@{stack.sandbox_domain}")
    expect(page.get_by_role("heading", name=f"Approve {amount} sats in your wallet.")).to_be_visible()

    approve(open_context().new_page(), stack, "alice", amount)
    took = seconds_until_ticket(page, time.monotonic())
    record_property("seconds_from_approval_to_ticket", round(took, 2))
    print(f"approved in the wallet → ticket on the page: {took:.2f} s")

    expect(page.get_by_role("link", name="Join the stream")).to_have_count(2)
    expect(page.locator("#announce")).to_have_text("You are in.")
    assert the_one_order(stack, event_id) == {"status": "paid", "quantity": 2, "payment__status": "settled"}
    stack.audit()


def test_the_copied_invoice_pasted_into_a_wallet_pays(page, open_context, stack, size, record_property):
    event_id = make_event(stack)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    buy(page, stack, event_id)
    page.get_by_role("button", name="Copy the invoice").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    invoice = page.evaluate("navigator.clipboard.readText()")
    assert re.fullmatch(r"lnbcrt[0-9a-z]+", invoice)
    assert page.get_by_role("link", name="Open wallet").get_attribute("href") == f"lightning:{invoice}"

    paste_into_wallet(open_context().new_page(), stack, "bob", invoice)
    took = seconds_until_ticket(page, time.monotonic())
    record_property("seconds_from_payment_to_ticket", round(took, 2))
    print(f"paid by pasted invoice → ticket on the page: {took:.2f} s")
    stack.audit()


def test_a_declined_request_is_said_and_the_code_still_pays(page, open_context, stack):
    event_id = make_event(stack)
    buy(page, stack, event_id, uma_address=f"$nobody-here@{stack.sandbox_domain}")
    declined = "Nothing was charged: pay with the code instead"
    expect(page.get_by_role("listitem").filter(has_text=declined)).to_be_visible()
    invoice = page.get_by_role("link", name="Open wallet").get_attribute("href").removeprefix("lightning:")
    Sandbox(stack).wallet("carol").pay(invoice)
    seconds_until_ticket(page, time.monotonic())
    stack.audit()


def test_a_wrong_address_is_corrected_and_the_seats_stay(page, stack):
    event_id = make_event(stack)
    buy(page, stack, event_id, uma_address=f"$nobody-here@{stack.sandbox_domain}")
    page.get_by_text("Wrong address? Correct it, your seats stay").click()
    page.get_by_label("Your UMA address").fill(f"$alice@{stack.sandbox_domain}")
    page.get_by_role("button", name="Send the request there").click()
    expect(page.get_by_text("Request delivered")).to_be_visible()
    page.get_by_text("Give my seats back").click()
    page.get_by_role("button", name="Yes, give them back").click()
    expect(page.get_by_role("heading", name="Your seats are given back.")).to_be_visible()
    assert stack.django("Event.objects.get(pk=pk).seats_taken", pk=event_id) == 0
    stack.audit()


def test_a_free_seat_is_there_at_once_and_leads_to_the_lobby(page, stack):
    event_id = make_event(stack, price_sats=0)
    buy(page, stack, event_id)
    expect(page.get_by_role("heading", name="You are in.")).to_be_visible()
    page.get_by_role("link", name="Join the stream").click()
    expect(page.get_by_role("heading", name="You are early. Good.")).to_be_visible()
    assert "stream.example.com" not in page.content()


def test_the_page_knows_when_it_comes_back_from_the_wallet(page, stack):
    """A phone cuts the line while the buyer is in the wallet (no event reaches the page)."""
    event_id = make_event(stack)
    buy(page, stack, event_id)
    invoice = page.get_by_role("link", name="Open wallet").get_attribute("href").removeprefix("lightning:")
    page.context.set_offline(True)
    Sandbox(stack).wallet("bob").pay(invoice)
    page.context.set_offline(False)
    expect(page.get_by_role("heading", name="You are in.")).to_be_visible()


def test_everything_works_without_javascript(open_context, stack):
    page = open_context(java_script_enabled=False).new_page()
    event_id = make_event(stack)
    page.goto(f"{stack.shop_url}/")
    page.get_by_role("searchbox").fill("test night")
    page.get_by_role("searchbox").press("Enter")
    page.goto(f"{stack.shop_url}/events/{event_id}")
    page.get_by_label("Seats", exact=True).fill("3")
    page.get_by_label("E-mail").fill("not an address")
    page.get_by_role("button", name="Continue to pay").click()
    expect(page.get_by_text("Enter a valid email address.")).to_be_visible()
    page.get_by_label("E-mail").fill("nojs@example.com")
    page.get_by_role("button", name="Continue to pay").click()
    page.wait_for_url("**/orders/**")
    invoice = page.get_by_role("link", name="Open wallet").get_attribute("href").removeprefix("lightning:")
    Sandbox(stack).wallet("bob").pay(invoice)
    # The page refreshes itself every five seconds.
    expect(page.get_by_role("heading", name="You are in.")).to_be_visible(timeout=15_000)
    expect(page.get_by_role("link", name="Join the stream")).to_have_count(3)


def test_the_keyboard_alone_buys(page, stack):
    event_id = make_event(stack, price_sats=0)
    page.goto(f"{stack.shop_url}/events/{event_id}")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == "email":
            break
    page.keyboard.type("keys@example.com")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="You are in.")).to_be_visible()


@pytest.mark.parametrize("path", ["/", "/find", "/events/{event_id}"])
def test_a_page_weighs_less_than_100_kilobytes(page, stack, path):
    """Over the wire in production, where static files go compressed; this server sends them as they are."""
    event_id = make_event(stack)
    answers = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto(stack.shop_url + path.format(event_id=event_id), wait_until="networkidle")
    bodies = {answer.url: answer.body() for answer in answers if answer.ok}
    weights = {url: len(gzip.compress(body) if "/static/" in url else body) for url, body in bodies.items()}
    print(f"{path}: {sum(weights.values()) / 1000:.0f} kB in {len(weights)} files")
    assert any(url.endswith("site.css") for url in weights)
    assert sum(weights.values()) < 100_000
