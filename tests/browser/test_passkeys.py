"""Passkeys in a real browser with Chromium's virtual authenticator: added, signed in with, asked again."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_reading import violations
from tests.buyer import Buyer, Sandbox, make_event
from tests.stack import Stack

PASSWORD = "a long enough password"
_SAVE = """
from accounts.staff import save_verified_user
save_verified_user(email="staff@example.com", password=password)
"""
_FORGET = """
from allauth.mfa.models import Authenticator
Authenticator.objects.all().delete()
"""
_AGE = """
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
for row in Session.objects.all():
    session = SessionStore(row.pk)
    for record in session.get("account_authentication_methods", []):
        record["at"] -= 601
    session.save()
"""


@pytest.fixture
def page(open_context, stack: Stack):
    """The tab of staff, on a device with a fingerprint reader that always recognizes them."""
    stack.django(_SAVE, password=PASSWORD)
    page = open_context().new_page()
    chrome = page.context.new_cdp_session(page)
    chrome.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    chrome.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    yield page
    stack.django(_FORGET)


def sign_in(page: Page, stack: Stack) -> None:
    page.goto(f"{stack.shop_url}/accounts/login/")
    page.locator("[name=login]").fill("staff@example.com")
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("[name=password]").press("Enter")
    page.wait_for_url(re.compile(r"/me$"))


def paid_order(stack: Stack) -> str:
    buyer = Buyer(stack).buy(make_event(stack))
    Sandbox(stack).pay_from_outside(buyer.bolt11())
    buyer.wait_for("paid")
    return buyer.order_id


def test_a_passkey_is_added_signs_in_and_confirms_a_refund(page, stack):
    sign_in(page, stack)
    page.goto(f"{stack.shop_url}/accounts/2fa/")
    assert violations(page) == []
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Yes, it is me").click()
    page.get_by_label("Name").fill("Desk")
    assert violations(page) == []
    page.get_by_role("button", name="Add a passkey").click()
    page.get_by_role("heading", name="Recovery codes").wait_for()
    assert violations(page) == []
    page.goto(f"{stack.shop_url}/accounts/logout/")
    page.get_by_role("button", name="Sign out").click()

    page.goto(f"{stack.shop_url}/accounts/login/?next=/admin/")
    assert violations(page) == []
    page.get_by_role("button", name="Use my passkey").click()
    page.wait_for_url(re.compile(r"/admin/$"))

    order = paid_order(stack)
    stack.django(_AGE)
    page.goto(f"{stack.shop_url}/admin/tickets/order/{order}/act/refund")
    page.get_by_role("button", name="Cancel and refund").click()
    page.get_by_role("heading", name="Is it you?").wait_for()
    assert violations(page) == []
    assert stack.django("Order.objects.get(pk=pk).status", pk=order) == "paid"
    page.get_by_role("button", name="Use my passkey").click()
    page.get_by_text("please press once more").wait_for()
    page.get_by_role("button", name="Cancel and refund").click()
    page.get_by_text("The order is canceled").first.wait_for()
    assert stack.django("Order.objects.get(pk=pk).status", pk=order) == "canceled"


def test_after_the_password_the_passkey_is_asked_for(page, stack):
    sign_in(page, stack)
    page.goto(f"{stack.shop_url}/accounts/2fa/webauthn/add/")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Yes, it is me").click()
    page.get_by_role("button", name="Add a passkey").click()
    page.get_by_role("heading", name="Recovery codes").wait_for()
    page.goto(f"{stack.shop_url}/accounts/logout/")
    page.get_by_role("button", name="Sign out").click()
    page.goto(f"{stack.shop_url}/accounts/login/")
    page.locator("[name=login]").fill("staff@example.com")
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("[name=password]").press("Enter")
    page.get_by_role("heading", name="Is it you?").wait_for()
    assert violations(page) == []
    page.get_by_role("button", name="Use my passkey").click()
    page.wait_for_url(re.compile(r"/me$"))


def test_a_device_without_a_passkey_is_told(page, stack):
    page.goto(f"{stack.shop_url}/accounts/login/")
    page.get_by_role("button", name="Use my passkey").click()
    expect(page.get_by_text("That did not work.")).to_be_visible()
