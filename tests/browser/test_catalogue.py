"""Ticket types and promo codes in a real browser: priced freely, mailed to holders, without a mouse."""

import uuid

from playwright.sync_api import expect

from tests.browser.test_buying import seconds_until_ticket
from tests.browser.test_comfort import tab_to
from tests.browser.test_reading import violations
from tests.buyer import Buyer, Sandbox, make_event
from tests.processes import wait_until

# Regular for 2,000 sats and Supporter for at least 5,000; FRIENDS takes a quarter off, and shows Crew.
CATALOGUE = """
from events.catalogue_models import PromoCode, TicketType
event = Event.objects.get(pk=pk)
first = event.default_type
first.name = "Regular"
first.save()
TicketType.objects.create(event=event, name="Supporter", price=5000, pricing="at_least", position=1)
crew = TicketType.objects.create(event=event, name="Crew", price=400, position=2, is_hidden=True)
code = PromoCode.objects.create(event=event, text="FRIENDS", kind="percent", value=25)
code.types.set([first, crew])
answer = event.get_absolute_url()
"""


def open_event(page, stack) -> None:
    page.goto(stack.shop_url + stack.django(CATALOGUE, pk=make_event(stack, price_sats=2000)))


def tell_email(page) -> None:
    page.get_by_label("E-mail").fill(f"{uuid.uuid4().hex}@example.com")


def pay(page, stack) -> None:
    invoice = page.get_by_role("link", name="Open wallet").get_attribute("href").removeprefix("lightning:")
    Sandbox(stack).wallet("bob").pay(invoice)


def one_more(page, name: str) -> None:
    page.get_by_role("button", name=f"One more of {name}").click()


def seats(page, name: str):
    return page.get_by_role("spinbutton", name=name)


def bill(page) -> list[str]:
    rows = page.locator(".bill li").all_inner_texts()
    return [" ".join(row.split()).replace("\N{NO-BREAK SPACE}", " ") for row in rows]


def test_two_types_with_a_code_are_one_order(page, stack):
    open_event(page, stack)
    expect(page.get_by_text("Crew")).to_have_count(0)
    for _time in range(2):
        one_more(page, "Regular")
    page.get_by_text("Have a promo code?").click()
    assert violations(page) == []
    page.get_by_label("Promo code").fill("wrong")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_text("We do not know this code.")).to_be_visible()
    assert violations(page) == []
    page.get_by_label("Promo code").fill("friends")
    page.get_by_label("Promo code").press("Enter")
    expect(page.get_by_text("Code FRIENDS is applied.")).to_be_visible()
    assert violations(page) == []
    one_more(page, "Crew")
    tell_email(page)
    page.get_by_role("button", name="Pay 3,300 sats").click()
    expect(page.get_by_role("heading", name="Pay 3,300 sats with any wallet.")).to_be_visible()
    assert bill(page) == [
        "2 × Regular at 2,000 sats each instead of 4,000 sats 3,000 sats",
        "1 × Crew instead of 400 sats 300 sats",
        "Total 3,300 sats",
    ]
    assert violations(page) == []
    pay(page, stack)
    expect(page.get_by_role("heading", name="You are in.")).to_be_visible()
    for name, count in (("Regular", 2), ("Crew", 1)):
        expect(page.locator("article.stub").filter(has_text=name)).to_have_count(count)
    assert violations(page) == []
    stack.audit()


def test_the_guest_says_the_price_and_the_least_is_named(page, stack):
    open_event(page, stack)
    one_more(page, "Supporter")
    amount = page.locator(".offer-amount input")
    amount.fill("4999")
    tell_email(page)
    page.locator("#buy button.btn-xl").click()
    expect(page.get_by_text("5,000").filter(has_text="at least").last).to_be_visible()
    assert violations(page) == []
    page.locator(".offer-amount input").fill("12000")
    page.get_by_role("button", name="Pay 12,000 sats").click()
    expect(page.get_by_role("heading", name="Pay 12,000 sats with any wallet.")).to_be_visible()
    assert bill(page) == ["1 × Supporter 12,000 sats"]
    stack.audit()


def test_each_holder_gets_their_own_ticket_by_mail(page, stack):
    event_id = make_event(stack, price_sats=0)
    stack.django(CATALOGUE, pk=event_id)
    regular = stack.django("Event.objects.get(pk=pk).default_type_id", pk=event_id)
    buyer = Buyer(stack).buy(event_id, items=[{"ticket_type_id": regular, "quantity": 2}])
    holder = f"{uuid.uuid4().hex}@example.com"
    page.goto(buyer.bought["pay_url"])
    page.get_by_text("Send each ticket to the person who goes").click()
    second = page.get_by_role("group", name="Ticket 2 of 2 · Regular")
    second.get_by_label("Name").fill("Cleo")
    second.get_by_label("E-mail").fill(holder)
    assert violations(page) == []
    page.get_by_role("button", name="Save and send").click()
    expect(page.get_by_text("Saved. One ticket is on its way.")).to_be_visible()
    expect(page.locator("article.stub").filter(has_text="Cleo")).to_have_count(1)
    mails = stack.folder / "mail"
    mail = wait_until(
        lambda: next((file for file in mails.iterdir() if f"To: {holder}" in file.read_text()), None),
        20,
        "the holder's mail",
    ).read_text()
    assert "application/pdf" in mail
    assert "text/calendar" in mail
    stack.audit()


def test_types_and_codes_are_sold_without_javascript(open_context, stack):
    page = open_context(java_script_enabled=False).new_page()
    open_event(page, stack)
    seats(page, "Regular").fill("2")
    page.get_by_text("Have a promo code?").click()
    page.get_by_label("Promo code").fill("Friends")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_text("Code FRIENDS is applied.")).to_be_visible()
    expect(seats(page, "Regular")).to_have_value("2")
    seats(page, "Crew").fill("1")
    tell_email(page)
    page.get_by_role("button", name="Continue to pay").click()
    page.wait_for_url("**/orders/**")
    assert bill(page)[-1] == "Total 3,300 sats"
    stack.audit()


def test_the_keyboard_alone_buys_two_types_with_a_code(page, stack):
    open_event(page, stack)
    tab_to(page, "Regular")
    page.keyboard.press("ArrowUp")
    tab_to(page, "Supporter")
    page.keyboard.press("ArrowUp")
    tab_to(page, "Have a promo code?")
    page.keyboard.press("Enter")
    tab_to(page, "Promo code")
    page.keyboard.type("friends")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Code FRIENDS is applied.")).to_be_visible()
    tab_to(page, "E-mail")
    page.keyboard.type(f"{uuid.uuid4().hex}@example.com")
    tab_to(page, "Pay 6,500 sats")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Pay 6,500 sats with any wallet.")).to_be_visible()
    assert len(bill(page)) == 3
    pay(page, stack)
    seconds_until_ticket(page, 0)
    stack.audit()
