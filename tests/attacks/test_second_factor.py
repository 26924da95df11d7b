"""Second factors under attack: guessed codes, stolen sessions, tokens without a code."""

import re

import pytest

from accounts.tests.factors import code_at, wrong_code
from tests.attacks.attacker import assert_problem
from tests.attacks.shop import PASSWORD

GUESSES = 1000
AUTHENTICATE = "/accounts/2fa/authenticate/"
_AGE = """
from django.contrib.sessions.backends.db import SessionStore
session = SessionStore(key)
for record in session["account_authentication_methods"]:
    record["at"] -= 601
session.save()
"""


@pytest.fixture
def boss(shop):
    """Staff with an authenticator app, and its secret."""
    boss = shop.people("boss")[0]
    return boss, shop.app_of(boss)


@pytest.fixture
def chief(shop):
    """Likewise; all guesses of a day are used up afterwards."""
    chief = shop.people("chief")[0]
    return chief, shop.app_of(chief)


def signed_in(shop, person, secret):
    browser = shop.attacker().browser()
    assert browser.sign_in(person.email, PASSWORD).headers["Location"] == AUTHENTICATE
    assert browser.give_code(secret).status_code == 302
    return browser


def session_key(browser) -> str:
    return browser.cookies["sessionid"]


def guess_everywhere(shop, browser, path: str, secret: str) -> list[int]:
    """Post a thousand wrong codes with the cookies of `browser`, each from an address of its own."""
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', browser.open(path).text)[1]
    cookies = "; ".join(f"{one.name}={one.value}" for one in browser.cookies)
    body = f"csrfmiddlewaretoken={token}&code={wrong_code(secret)}".encode()
    headers = {"Cookie": cookies, "Content_Type": "application/x-www-form-urlencoded"}
    return [shop.attacker().send("POST", path, body, **headers).status for _ in range(GUESSES)]


def test_a_thousand_guessed_codes_open_nothing(shop, chief):
    """The thief knows the password; the owner, in a browser they used before, still signs in."""
    person, secret = chief
    home = signed_in(shop, person, secret)
    home.submit("/accounts/logout/")
    thief = shop.attacker().browser()
    assert thief.sign_in(person.email, PASSWORD).headers["Location"] == AUTHENTICATE
    said = guess_everywhere(shop, thief, AUTHENTICATE, secret)
    assert said.count(200) == 19, "of twenty a day one was the owner's first"
    assert said.count(429) == GUESSES - 19
    assert thief.give_code(secret).status_code == 429, "nor does the right one any more"
    assert not thief.is_signed_in
    login = {"email": person.email, "password": PASSWORD, "otp": "000000"}
    assert_problem(shop.attacker().post("/api/users/login", login), 429, "throttled")
    home.sign_in(person.email, PASSWORD)
    home.counters = dict(thief.counters)
    assert home.give_code(secret).status_code == 302
    assert home.is_signed_in


def test_a_stolen_session_cannot_move_a_sat(shop, boss):
    """Its proof is older than ten minutes; the owner's password does not help the thief."""
    person, secret = boss
    bought = shop.buy_and_pay()
    browser = signed_in(shop, person, secret)
    shop.stack.django(_AGE + "answer = None", key=session_key(browser))
    thief = shop.attacker().browser()
    thief.cookies.set("sessionid", session_key(browser))
    order = f"/admin/tickets/order/{bought['order']['id']}"
    assert thief.open(f"{order}/change/").status_code == 200, "the session is good"
    for action in ("refund", "refund-part", "email"):
        page = thief.open(f"{order}/act/{action}")
        seen = re.search(r'name="seen" value="([^"]*)"', page.text)[1]
        answer = thief.submit(f"{order}/act/{action}", seen=seen, amount_sats="1", email="thief@example.com")
        assert answer.headers["Location"].startswith("/accounts/2fa/reauthenticate/"), action
    answer = thief.submit("/accounts/2fa/reauthenticate/", to="/accounts/reauthenticate/", password=PASSWORD)
    assert answer.headers["Location"].startswith("/accounts/2fa/reauthenticate/")
    assert shop.stack.django("Refund.objects.filter(incoming_payment__payment__order__pk=pk).count()",
                             pk=bought["order"]["id"]) == 0  # fmt: skip


def test_a_session_that_never_gave_it_sees_nothing_of_staffs(shop, boss):
    """Such as one made by the console's link, or stolen before the shop demanded a second factor."""
    person, _secret = boss
    link = shop.stack.manage("sign_in_link", person.email).stdout.strip().removeprefix(shop.stack.shop_url)
    browser = shop.attacker().browser()
    assert browser.submit(link).status_code == 302
    for path in ("/admin/", "/admin/tickets/order/", "/door"):
        assert browser.open(path).headers["Location"].startswith("/accounts/2fa/reauthenticate/"), path


def test_a_token_got_by_a_password_opens_nothing_of_staffs(shop, someone):
    boss = shop.people("boss")[0]
    token = shop.stack.django(
        "from accounts.authentication import issue_token\n"
        "answer = str(issue_token(User.objects.get(pk=pk)))", pk=boss.id,
    )  # fmt: skip
    for path in ("/api/events", "/api/tickets/check-in"):
        assert_problem(someone.post(path, {}, token=token), 403, "second_factor_required")
    forged = shop.forged(boss, second_factor="yes")
    assert_problem(someone.post("/api/events", {}, token=forged), 403, "second_factor_required")


def test_no_token_moves_money(shop, someone):
    """Staff's, too: what refunds and cancels is in the admin alone, which takes no token."""
    bought = shop.buy_and_pay()
    order = bought["order"]["id"]
    for path in (f"/api/orders/{order}/cancel", f"/api/orders/{order}/refund-address"):
        assert_problem(someone.post(path, {}, token=shop.staff.token), 404, "not_found")
    for action in ("refund", "refund-part", "cancel"):
        answer = someone.post(f"/admin/tickets/order/{order}/act/{action}", b"", token=shop.staff.token)
        assert answer.status in (302, 403)
    assert shop.order(bought).json()["order"]["status"] == "paid"


def test_an_app_of_another_secret_is_none(shop, boss):
    person, _secret = boss
    browser = shop.attacker().browser()
    browser.sign_in(person.email, PASSWORD)
    answer = browser.submit(AUTHENTICATE, code=code_at("JBSWY3DPEHPK3PXP", 1))
    assert answer.status_code in (200, 429)
    assert not browser.is_signed_in
