"""Refunds in a real browser: the buyer names an address, and the page follows until the sats arrived."""

from playwright.sync_api import expect

from tests.browser.test_buying import buy
from tests.browser.test_reading import violations
from tests.buyer import Buyer, Sandbox, make_event


def test_the_buyer_says_where_to_and_sees_it_arrive(page, stack):
    # The node must have what it sends, and something for the fees.
    other = Buyer(stack).buy(make_event(stack, price_sats=100_000))
    Sandbox(stack).pay_from_outside(other.bolt11())
    event_id = make_event(stack)
    buy(page, stack, event_id)
    invoice = page.get_by_role("link", name="Open wallet").get_attribute("href").removeprefix("lightning:")
    Sandbox(stack).pay_from_outside(invoice)  # a plain Lightning payment does not say where it comes from
    expect(page.get_by_role("heading", name="You are in.")).to_be_visible()

    stack.django(
        "from tickets.services.refunds import refund_order\n"
        "refund_order(Event.objects.get(pk=pk).orders.get())",
        pk=event_id,
    )
    expect(page.get_by_text("We hold 2,500 sats that are yours")).to_be_visible()
    assert violations(page) == []
    page.get_by_label("Your wallet's address").fill("alice")
    page.get_by_role("button", name="Send my sats back there").click()
    expect(page.get_by_text("That is not a UMA address")).to_be_visible()
    page.get_by_label("Your wallet's address").fill(f"$alice@{stack.sandbox_domain}")
    page.get_by_role("button", name="Send my sats back there").click()
    expect(page.get_by_text(f"2,500 sats went back to $alice@{stack.sandbox_domain}")).to_be_visible(
        timeout=20_000
    )
    stack.audit()


def test_i_already_paid_is_answered_in_words(page, stack):
    event_id = make_event(stack)
    buy(page, stack, event_id)
    page.get_by_role("link", name="Open wallet").wait_for()
    page.get_by_text("I already paid").click()
    page.get_by_role("button", name="Look for my payment").click()
    expect(page.get_by_text("No payment has reached us yet")).to_be_visible()
    page.get_by_text("I already paid").click()
    page.get_by_role("link", name="Or show us the payment").click()
    page.get_by_label("Proof of your payment").fill(f"$alice@{stack.sandbox_domain}")
    page.get_by_role("button", name="Find my payment").click()
    expect(page.get_by_text("Thank you. If it is a payment of ours")).to_be_visible()
    stack.audit()
