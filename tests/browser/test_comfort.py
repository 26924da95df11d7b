"""Accessibility of pages: keyboard, small phones, large letters, long texts, screen readers, no motion."""

import gzip

import pytest
import requests
from playwright.sync_api import expect

from tests.browser.test_buying import buy
from tests.buyer import Buyer, Sandbox, make_event
from tests.processes import wait_until

LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
DESCRIPTION = f"## {LONG}\n\nhttps://example.org/{LONG}\n\n```\nlnbc{LONG}\n```\n\n`{LONG}`"
IS_TOO_WIDE = "document.documentElement.scrollWidth > innerWidth"


def tab_to(page, name: str, most: int = 40) -> None:
    """Press Tab until the cursor is on what is called `name`."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate(
            "(document.activeElement.labels?.[0] ?? document.activeElement).innerText"
        ).startswith(name):
            return
    raise AssertionError(f"{name} is not reached in {most} steps at {page.url}")


def test_the_keyboard_alone_buys_pays_and_joins(page, open_context, stack, size):
    event_id = make_event(stack, price_sats=3100 + size["width"])
    stack.django("Event.objects.filter(pk=pk).update(start_time=timezone.now())", pk=event_id)
    page.goto(f"{stack.shop_url}/events/{event_id}")
    tab_to(page, "Your UMA address")
    page.keyboard.type(f"$alice@{stack.sandbox_domain}")
    tab_to(page, "E-mail")
    page.keyboard.type("keys@example.com")
    tab_to(page, "Pay ")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Request delivered")).to_be_visible()

    wallet = open_context().new_page()
    wallet.goto(f"{stack.sandbox_url}/wallet/alice")
    asked = wallet.locator("section.request").filter(has_text=f"{3100 + size['width']:,}")
    asked.wait_for()
    for _ in range(40):
        wallet.keyboard.press("Tab")
        if asked.get_by_role("button", name="Approve").evaluate(
            "button => button === document.activeElement"
        ):
            break
    wallet.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="You are in.")).to_be_visible()
    tab_to(page, "Join the stream")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Enter")).to_be_visible()
    tab_to(page, "Enter")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Enter")).to_be_visible()
    stack.audit()


@pytest.mark.parametrize("width", [320, 640], ids=["small phone", "zoomed to 200 %"])
def test_no_page_scrolls_sideways_in_spanish(browser, stack, width):
    event_id = make_event(
        stack, title=f"Una noche {LONG}", description=DESCRIPTION, organizer_name=LONG,
        contact_email=f"{LONG[:60].lower().replace('ä', 'a')}@example.com", price_sats=1_250_000,
    )  # fmt: skip
    paid = Buyer(stack).buy(make_event(stack, price_sats=0, title=LONG), quantity=2, name=LONG[:70])
    waiting = Buyer(stack).buy(event_id, uma_address=f"$nobody-here@{stack.sandbox_domain}")
    links = stack.django(
        "[order.get_absolute_url() for order in Order.objects.filter(pk__in=pks)]"
        " + [Ticket.objects.filter(order_id=pks[0]).first().get_absolute_url()]",
        pks=[paid.order_id, waiting.order_id],
    )
    context = browser.new_context(viewport={"width": width, "height": 400}, locale="es-ES")
    page = context.new_page()
    paths = ["/", "/?q=nada", f"/events/{event_id}", *links, f"{links[-1]}/stream", "/find", "/paid"]
    for path in [
        *paths,
        *(f"/accounts/{name}/" for name in ("login", "signup", "login/code", "password/reset")),
    ]:
        page.goto(stack.shop_url + path)
        assert (path, page.evaluate(IS_TOO_WIDE)) == (path, False)
    assert page.locator("html").get_attribute("lang") == "es"
    context.close()


def test_no_mail_scrolls_sideways_on_a_small_phone(browser, stack):
    email = f"{LONG[:60].lower().replace('ä', 'a')}@example.com"
    buyer = Buyer(stack, email)
    buyer.buy(make_event(stack, price_sats=0, title=LONG, organizer_name=LONG), quantity=2, name=LONG)
    wait_until(lambda: len(mails_to(stack, email)) == 1, 20, "the tickets are mailed")
    buyer.cancel()
    wait_until(lambda: len(mails_to(stack, email)) == 2, 20, "their end is mailed")
    page = browser.new_page(viewport={"width": 320, "height": 400})
    for message in mails_to(stack, email):
        page.set_content(message)
        assert not page.evaluate(IS_TOO_WIDE), page.title()
    page.close()


def mails_to(stack, email: str) -> list[str]:
    """What mail programs show of the mails to `email`."""
    mails = [mail for mail in stack.mails() if mail["To"] == email]
    parts = [part for mail in mails for part in mail.walk() if part.get_content_type() == "text/html"]
    return [part.get_payload(decode=True).decode(errors="replace") for part in parts]


@pytest.mark.parametrize("javascript", [True, False])
def test_the_first_mistake_has_the_cursor_and_says_what_is_right(open_context, stack, javascript):
    page = open_context(java_script_enabled=javascript).new_page()
    page.goto(f"{stack.shop_url}/events/{make_event(stack)}")
    page.get_by_label("Your UMA address").fill("ana at wallet")
    page.get_by_label("E-mail").fill("$ana@wallet.com")
    page.get_by_label("E-mail").press("Enter")
    field = page.get_by_label("Your UMA address")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_be_focused()
    expect(field).to_be_in_viewport()
    said = page.locator(f"#{field.get_attribute('aria-describedby').split()[0]}")
    expect(page.get_by_text("That is not a UMA address.")).to_be_visible()
    expect(said).to_be_visible()


def test_what_becomes_of_the_request_is_announced(page, stack):
    buy(page, stack, make_event(stack), uma_address=f"$nobody-here@{stack.sandbox_domain}")
    page.get_by_role("listitem").filter(has_text="Nothing was charged").wait_for()
    told = page.locator("#announce").inner_text() or page.locator("[data-announce]").all_inner_texts()
    assert "Nothing was charged" in "".join(told)
    buy(page, stack, make_event(stack))
    page.get_by_role("link", name="Open wallet").wait_for()
    invoice = page.get_by_role("link", name="Open wallet").get_attribute("href").removeprefix("lightning:")
    Sandbox(stack).wallet("bob").pay(invoice)
    expect(page.locator("#announce")).to_have_text("You are in.")


def test_the_way_to_the_form_is_always_in_sight_on_a_phone(open_context, stack, size):
    page = open_context().new_page()
    page.goto(
        f"{stack.shop_url}/events/{make_event(stack, summary='Words. ' * 30, description='Words. ' * 900)}"
    )
    bar, form = page.get_by_role("link", name="Get seats"), page.get_by_label("E-mail")
    if size["width"] > 1000:
        expect(form).to_be_in_viewport()
        expect(bar).to_be_hidden()
        return
    expect(bar).to_be_in_viewport()
    bar.click()
    expect(page.locator("#buy")).to_be_in_viewport()
    expect(bar).to_be_hidden()
    page.get_by_role("heading", name="Where your money goes").scroll_into_view_if_needed()
    expect(bar).to_be_visible()


def test_nothing_moves_for_who_wants_no_motion(open_context, stack):
    page = open_context(reduced_motion="reduce").new_page()
    buy(page, stack, make_event(stack))
    wait_until(lambda: page.evaluate("document.getAnimations().every(each => each.playState !== 'running')"))


def test_what_a_buyer_opens_after_buying_is_light_too(page, stack):
    bought = Buyer(stack).buy(make_event(stack), quantity=2)
    free = Buyer(stack).buy(make_event(stack, price_sats=0))
    bought.bolt11()
    paths = stack.django(
        "[order.get_absolute_url() for order in Order.objects.filter(pk__in=pks)]"
        " + [Ticket.objects.get(order_id=pks[1]).get_absolute_url()]",
        pks=[bought.order_id, free.order_id],
    )
    for path in paths:
        page.goto(stack.shop_url + path, wait_until="load")
        loaded = page.evaluate("performance.getEntriesByType('resource').map(entry => entry.name)")
        parts = [page.url, *(url for url in loaded if "/live?" not in url)]
        weights = {url: len(gzip.compress(requests.get(url, timeout=10).content)) for url in parts}
        assert any(url.endswith("site.css") for url in weights)
        assert sum(weights.values()) < 100_000, weights
