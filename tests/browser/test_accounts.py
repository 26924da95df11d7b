"""Accounts in a real browser: signing in by a mailed code, tickets, deletion."""

import re
import uuid

from playwright.sync_api import expect

from tests.browser.test_buying import buy
from tests.browser.test_reading import violations
from tests.buyer import make_event
from tests.processes import wait_until

PASSWORD = "a long enough passphrase"


def mailed_code(stack, email: str, count: int = 1) -> str:
    """The code in the newest of `count` mails to `email`."""

    def texts() -> list[str]:
        mine = [mail for mail in stack.mails() if mail["To"] == email]
        parts = [
            next(part for part in mail.walk() if part.get_content_type() == "text/plain") for mail in mine
        ]
        found = [re.search(r"^([A-Z0-9]+-?[A-Z0-9]+)$", part.get_payload(), re.MULTILINE) for part in parts]
        return [each[1] for each in found if each]

    wait_until(lambda: len(texts()) >= count, 10, f"{count} codes in mails to {email}")
    return texts()[-1]


def sign_up(page, stack, email: str) -> None:
    page.goto(f"{stack.shop_url}/accounts/signup/")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Name").fill("Ann")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create my account").click()
    expect(page.get_by_role("heading", name="Look into your mail.")).to_be_visible()


def verify(page, stack, email: str) -> None:
    page.get_by_label("Code").fill(mailed_code(stack, email))
    page.get_by_role("button", name="Yes, this is my address").click()
    expect(page.get_by_role("heading", name="My tickets")).to_be_visible()


def test_in_by_a_mailed_code_tickets_in_one_place_and_out_for_good(page, stack):
    event_id = make_event(stack, price_sats=0)
    email = buy(page, stack, event_id)
    sign_up(page, stack, email)
    verify(page, stack, email)
    expect(page.get_by_role("link", name="Open ticket")).to_have_count(1)
    page.get_by_role("link", name="Open ticket").click()
    expect(page.get_by_role("link", name="Join the stream")).to_be_visible()

    page.get_by_role("link", name="My account").click()
    page.get_by_role("link", name="Download my data").click()
    page.get_by_label("Password").fill(PASSWORD)
    with page.expect_download() as download:
        page.get_by_role("button", name="Yes, it is me").click()
    assert download.value.suggested_filename == "my-data.json"
    page.goto(f"{stack.shop_url}/me")
    page.get_by_role("link", name="My account").click()
    page.get_by_role("link", name="Delete my account").click()
    page.get_by_role("button", name="Yes, delete it").click()
    expect(page.get_by_text("Your account is deleted.")).to_be_visible()
    assert stack.django("User.objects.filter(email=email).count()", email=email) == 0
    orders = stack.django(
        "list(Order.objects.filter(event_id=pk).values_list('status', 'email'))", pk=event_id
    )
    assert orders == [["paid", ""]]
    stack.audit()


def test_every_account_page_is_clean(page, stack):
    page, email = page, f"{uuid.uuid4().hex}@example.com"

    def clean(path: str = "") -> None:
        if path:
            page.goto(stack.shop_url + path)
        assert (page.url, violations(page)) == (page.url, [])
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{page.url} is too wide"

    for path in (
        "login/",
        "login/code/",
        "password/reset/",
        "password/reset/done/",
        "confirm-email/nothing/",
    ):
        clean(f"/accounts/{path}")
    page.goto(f"{stack.shop_url}/accounts/signup/")
    page.get_by_role("button", name="Create my account").click()
    expect(page.get_by_text("This field is required.").first).to_be_visible()
    clean()
    sign_up(page, stack, email)
    clean()
    verify(page, stack, email)
    clean()
    for price_sats in (0, 2100):
        page.goto(f"{stack.shop_url}/events/{make_event(stack, price_sats=price_sats)}")
        page.locator("#buy form button.btn-xl").click()
        page.wait_for_url("**/orders/**")
    for path in ("/me", "/me/account", "/accounts/password/change/", "/accounts/email/", "/accounts/logout/"):
        clean(path)
    clean("/me/delete")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Yes, it is me").click()
    expect(page.get_by_role("heading", name="Delete my account?")).to_be_visible()
    clean()
