"""A connected wallet in a real browser: connecting it, paying by one press, and one that stays silent."""

from playwright.sync_api import expect

from tests.browser.test_buying import buy
from tests.browser.test_reading import violations
from tests.buyer import Sandbox, make_event
from tests.processes import wait_until


def connect(page, stack, name: str) -> None:
    link = Sandbox(stack).post(f"/api/wallets/{name}/connections", budget_sats=50_000)["link"]
    page.get_by_text("Pay with one tap: connect a wallet").click()
    page.get_by_label("Connection link of your wallet").fill(link)
    page.get_by_role("button", name="Connect", exact=True).click()
    expect(page.get_by_text("50,000 sats are left of its budget")).to_be_visible(timeout=20_000)


def test_a_press_pays_and_the_page_becomes_the_ticket(page, stack):
    stack.with_relay()
    buy(page, stack, make_event(stack))
    connect(page, stack, "alice")
    assert violations(page) == []
    page.get_by_role("button", name="Pay 2,500 sats").click()
    expect(page.get_by_role("heading", name="You are in.")).to_be_visible(timeout=20_000)
    stack.audit()


def test_a_silent_wallet_hides_the_code_until_the_node_took_the_request_back(page, stack):
    stack.with_relay()
    sandbox = Sandbox(stack)
    sandbox.post("/api/wallets", name="shy")
    sandbox.fault("nwc_silent", match="shy")
    event_id = make_event(stack)
    buy(page, stack, event_id)
    connect(page, stack, "shy")
    page.get_by_role("button", name="Pay 2,500 sats").click()
    expect(page.get_by_role("heading", name="Asking shy@")).to_be_visible()
    expect(page.get_by_role("link", name="Open wallet")).to_have_count(0)
    another = page.get_by_text("Pay with a UMA address instead")
    expect(another).to_be_hidden()
    assert violations(page) == []
    sent = "Tap.objects.filter(status='sent', payment__order__event=pk)"
    wait_until(lambda: stack.django(f"{sent}.count()", pk=event_id), 20, "the wallet is asked")
    stack.django(f"{sent}.update(next_attempt_at=timezone.now())", pk=event_id)
    said = page.locator("[data-word=silent]")
    expect(said).to_contain_text("Your wallet did not answer", timeout=30_000)
    expect(page.get_by_role("link", name="Open wallet")).to_be_visible(timeout=20_000)
    expect(another).to_be_visible()
    sandbox.no_faults()
    stack.audit()
