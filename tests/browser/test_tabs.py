"""Many tabs of one browser: each is updated, and none delays the others."""

import re
import time

from playwright.sync_api import expect

from tests.browser.test_buying import buy
from tests.buyer import Buyer, Sandbox, make_event
from tests.processes import wait_until

TABS = 8  # a browser opens six connections to one host over HTTP/1.1
# A window behind another one: playwright's pages all count as shown, so the page is told otherwise.
HIDE = """hidden => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def open_orders(context, stack, event_id: int, *, tabs: int = TABS) -> list:
    """A tab for each of some orders that wait for their money, and the BOLT11 of each."""
    opened = []
    for _ in range(tabs):
        buyer = Buyer(stack).buy(event_id)
        bolt11 = buyer.bolt11()
        tab = context.new_page()
        tab.goto(buyer.bought["pay_url"])
        opened.append((tab, bolt11))
    return opened


def asked(page, part: str) -> list[str]:
    """The addresses with `part` in them that `page` asks from now on."""
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url) if part in request.url else None)
    return addresses


def test_eight_tabs_are_all_told_and_none_hangs(open_context, stack):
    tabs = open_orders(open_context(), stack, make_event(stack))
    began = time.monotonic()
    tabs[-1][0].reload(wait_until="load", timeout=5_000)  # with eight streams it would wait for a minute
    print(f"the eighth tab loads in {time.monotonic() - began:.2f} s")
    for tab, bolt11 in (tabs[0], tabs[-1]):
        Sandbox(stack).wallet("bob").pay(bolt11)
        expect(tab.get_by_role("heading", name="You are in.")).to_be_visible(timeout=8_000)


def test_a_hidden_tab_holds_no_line_asks_seldom_and_at_once_when_shown(open_context, stack):
    context = open_context()
    [(page, bolt11)] = open_orders(context, stack, make_event(stack), tabs=1)
    lines = "navigator.locks.query().then(({held}) => held.length)"
    wait_until(lambda: page.evaluate(f"{lines}.then((n) => n === 1)"))
    page.evaluate(HIDE, True)
    wait_until(lambda: page.evaluate(f"{lines}.then((n) => n === 0)"))
    asks, streams = asked(page, "/status?"), asked(page, "/live?")
    Sandbox(stack).wallet("bob").pay(bolt11)
    page.wait_for_timeout(4_000)
    assert asks == []
    expect(page).to_have_title(re.compile(r"You are in\."), timeout=10_000)
    assert (len(asks), streams) == (1, [])
    with page.expect_request("**/live?*"):
        page.evaluate(HIDE, False)
    assert (len(asks), len(streams)) == (2, 1)


def test_an_order_that_ran_out_is_still_asked_for_and_its_tab_says_what_came(page, stack):
    buy(page, stack, make_event(stack, title="A test night"))
    link = page.get_by_role("link", name="Open wallet")
    invoice = link.get_attribute("href").split(":")[1].lower()
    expect(page).to_have_title("Pay 2,500 sats with any wallet. A test night")
    streams = asked(page, "/live?")
    stack.django(
        "order = Order.objects.latest('created_at')\n"
        "order.payment.advance('closed')\n"
        "order.advance('expired', ended_at=timezone.now())\n"
        "from tickets.services.seats import give_back_seats\n"
        "answer = give_back_seats(order)"
    )
    expect(page).to_have_title("The time ran out. A test night")
    expect(page.get_by_text("Should one still arrive")).to_be_visible()
    Sandbox(stack).pay_from_outside(invoice)
    expect(page).to_have_title("You are in. A test night", timeout=30_000)
    assert len(streams) <= 1  # the new ticket's


def test_being_offline_is_said_and_the_page_asks_at_once_when_it_is_over(page, stack):
    buy(page, stack, make_event(stack))
    invoice = page.get_by_role("link", name="Open wallet").get_attribute("href").split(":")[1].lower()
    said = page.get_by_text("You are offline.")
    expect(said).to_be_hidden()
    page.context.set_offline(True)
    expect(said).to_be_visible()
    Sandbox(stack).wallet("bob").pay(invoice)
    page.context.set_offline(False)
    expect(page.get_by_role("heading", name="You are in.")).to_be_visible(timeout=2_000)
    expect(said).to_be_hidden()
