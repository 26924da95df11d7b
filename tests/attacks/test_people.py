"""A: accounts. Signing up and in, becoming staff, resets, sessions."""

import re

import pytest

from tests.attacks.attacker import assert_no_insides, assert_problem, cases
from tests.attacks.shop import PASSWORD, text_of
from tests.processes import wait_until

STAFF = "staff@example.com"


# -- signing in -------------------------------------------------------------------------------------
def test_every_refused_login_is_the_same(shop, someone):
    """A11: wrong password, unknown address, not proven yet, deactivated."""
    gone = shop.person()
    shop.stack.django("User.objects.filter(pk=pk).update(is_active=False)", pk=gone.id)
    someone.post("/api/users", {"email": "unproven@example.com", "password": PASSWORD})
    answers = [
        someone.post("/api/users/login", {"email": email, "password": password})
        for email, password in [
            (shop.owner.email, "not the password"), ("nobody@example.com", PASSWORD),
            ("unproven@example.com", PASSWORD), (gone.email, PASSWORD),
        ]
    ]  # fmt: skip
    for answer in answers:
        assert_problem(answer, 401, "invalid_credentials")
    assert len({answer.anonymous for answer in answers}) == 1


@cases(
    "email password status code",
    [
        ("A12", "password of 200 KB", "x@example.com", "a" * 200_000, 400, "invalid"),
        ("A12", "password of 1 MB", "x@example.com", "a" * 1_000_000, 413, "too_large"),
        ("A12", "password with NUL", "x@example.com", "a good pass\0phrase", 400, "malformed_json"),
        ("A12", "password is a number", "x@example.com", 1234567890123, 400, "invalid"),
        ("A12", "password is a list", "x@example.com", ["a good passphrase"], 400, "invalid"),
        ("A12", "e-mail of 100,000 characters", "a" * 100_000 + "@example.com", PASSWORD, 400, "invalid"),
        ("A12", "e-mail with a line end", "x@example.com\nBcc: all@example.com", PASSWORD, 400, "invalid"),
        ("A13", "a common password", "x@example.com", "password123", 400, "weak_password"),
        ("A13", "the e-mail address", "long-name@example.com", "long-name@example.com", 400, "weak_password"),
        ("A13", "7 characters", "x@example.com", "Xk3%fQ!", 400, "weak_password"),
        ("A13", "only digits of a date", "x@example.com", "1234567890", 400, "weak_password"),
        ("A13", "70 characters of any kind", "long@example.com", "пароль és 密码 🔑 " * 5, 202, ""),
    ],
)  # fmt: skip
def test_signing_up_with_odd_words(someone, email, password, status, code):
    answer = someone.post("/api/users", {"email": email, "password": password})
    assert (answer.status, answer.code) == (status, code), answer.text
    assert_no_insides(answer)


def login(attacker, email: str, password: str = "not the password") -> int:
    return attacker.post("/api/users/login", {"email": email, "password": password}).status


def test_guessing_one_account_from_many_addresses(shop):
    """A14: the account's own limit ends it; the victim, who was here before, still comes in."""
    victim, home = shop.person(), shop.attacker()
    assert login(home, victim.email, PASSWORD) == 200
    said = [login(shop.attacker(), victim.email) for _ in range(7)]
    assert said == [401] * 4 + [429] * 3, "of 5 in an hour one was the victim's own"
    assert login(shop.attacker(), victim.email, PASSWORD) == 429
    assert login(home, victim.email, PASSWORD) == 200


def test_guessing_many_accounts_from_one_address(shop, someone):
    """A14"""
    said = [login(someone, f"{number}-{someone.address}@example.com") for number in range(8)]
    assert said == [401] * 6 + [429] * 2
    assert_problem(
        someone.post("/api/users/login", {"email": "v@example.com", "password": "x"}), 429, "throttled"
    )


def test_guessing_one_account_from_one_address(shop, someone):
    """A14"""
    victim = shop.person()
    assert [login(someone, victim.email) for _ in range(7)] == [401] * 5 + [429] * 2


@pytest.mark.parametrize(
    "path", ["/accounts/login/", "/accounts/login/?next=/admin/"], ids=["A14 page", "A15 admin"]
)
def test_guessing_by_page(shop, visitor, path):
    """The pages' limit is the API's: who is shut out of one is shut out of the other."""
    victim = shop.person()
    said = [visitor.submit(path, login=victim.email, password="wrong").status_code for _ in range(7)]
    assert said == [200] * 5 + [429] * 2


def test_the_admin_has_no_door_of_its_own(shop, visitor):
    """A15"""
    for path in ("/admin/", "/admin/login/", "/admin/events/event/"):
        answer = visitor.open(path)
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith(("/accounts/login/", "/admin/login/"))
    fields = {"username": STAFF, "password": PASSWORD}
    assert visitor.send_form("/admin/login/", fields).status_code in (302, 403)
    assert visitor.open("/admin/events/event/").status_code == 302


# -- becoming staff ---------------------------------------------------------------------------------
@cases(
    "email",
    [
        ("A16", "as listed", STAFF),
        ("A17", "capitals", "Staff@Example.COM"),
        ("A17", "a space behind", "staff@example.com "),
        ("A17", "a long s", "ſtaff@example.com"),
        ("A17", "full-width letters", "ｓｔａｆｆ@example.com"),
        ("A17", "a zero-width space", "staff\u200b@example.com"),
        ("A17", "a dotless i", "ıboss@example.com"),
        ("A17", "a Kelvin sign", "\u212aeeper@example.com"),
        ("A17", "a homoglyph domain", "staff@ехаmple.com"),
        ("A17", "a full-width dot in the domain", "staff@example．com"),
        ("A17", "quoted", '"staff"@example.com'),
        ("A17", "a plus tag", "staff+x@example.com"),
        ("A17", "a dot", "st.aff@example.com"),
        ("A17", "two addresses", "staff@example.com,x@evil.example"),
        ("A17", "a comment", "staff(x)@example.com"),
        ("A17", "a soft hyphen", "sta\u00adff@example.com"),
    ],
)  # fmt: skip
def test_nobody_becomes_staff_by_spelling(shop, someone, email):
    """Either it is no address, or the mail goes to staff's own mailbox, or it is somebody else's account."""
    before = len(shop.mails)
    body = {"email": email, "password": "the attackers passphrase"}
    answer = someone.post("/api/users", body)
    assert answer.status in (400, 202), answer.text
    if answer.status == 400:
        assert answer.fields == {"email": "invalid"} or answer.code == "malformed_json", answer.text
        return
    mail = wait_until(lambda: shop.mails[before:], 10, "a mail")[-1]
    if mail["To"] in (STAFF, "boss@example.com", "chief@example.com"):
        login = someone.post("/api/users/login", body)
        assert login.code in ("invalid_credentials", "throttled"), "several are staff's own address"
        assert "confirm-email" not in text_of(mail)
        return
    key = re.search(r"/confirm-email/([^/\s]+)", text_of(mail))
    assert key, text_of(mail)
    verified = someone.post("/api/users/verify-email", {"key": key[1]})
    assert (verified.status, verified.json()["is_staff"]) == (200, False)
    signed_in = someone.post("/api/users/login", body).json()
    assert_problem(someone.post("/api/events", {}, token=signed_in["token"]), 403, "permission_denied")


def test_a_listed_address_is_nobodys_until_its_mailbox_is_proven(shop, someone):
    """A16"""
    body = {"email": "chief@example.com", "password": "the attackers passphrase"}
    assert someone.post("/api/users", body).status == 202
    assert_problem(someone.post("/api/users/login", body), 401, "invalid_credentials")
    browser = someone.browser()
    browser.sign_in(**body)
    assert browser.open("/admin/").status_code == 302


def test_an_address_of_staff_is_not_taken_by_changing_to_it(shop, someone):
    """A18: the old one stays until the new mailbox is proven, and a taken address looks like a free one."""
    person = shop.person()
    answers = []
    for email in (STAFF, "chief@example.com", "free-address@example.com"):
        body = {"email": email, "current_password": PASSWORD}
        answers.append(someone.send("PATCH", f"/api/users/{person.id}", body, token=person.token))
    said = [(a.status, a.json()["email"], a.json()["is_staff"]) for a in answers]
    assert said == [(200, person.email, False)] * 3
    assert_problem(someone.post("/api/events", {}, token=person.token), 403, "permission_denied")


def test_signing_up_tells_nobody_who_has_an_account(shop, someone):
    """A19"""
    bodies = [{"email": email, "password": PASSWORD} for email in (shop.owner.email, "newcomer@example.com")]
    taken, new = (someone.post("/api/users", body) for body in bodies)
    assert (taken.status, new.status) == (202, 202)
    assert taken.json() | {"email": ""} == new.json() | {"email": ""}
    mails = [mail for mail in shop.mails if mail["To"] == shop.owner.email]
    assert "confirm-email" not in text_of(mails[-1])


def test_signing_up_by_page_tells_nobody_either(shop, someone):
    """A19"""
    pages = []
    for email in (shop.owner.email, "newcomer-by-page@example.com"):
        page = someone.browser().submit("/accounts/signup/", email=email, password1=PASSWORD)
        pages.append((page.status_code, page.headers.get("Location")))
    assert pages[0] == pages[1]


# -- reset ------------------------------------------------------------------------------------------
def test_a_reset_tells_nobody_who_has_an_account(shop, someone):
    """A20"""
    pages = []
    for email in (shop.owner.email, "nobody-at-all@example.com"):
        page = someone.browser().submit("/accounts/password/reset/", email=email)
        pages.append((page.status_code, page.headers.get("Location")))
    assert pages[0] == pages[1] == (302, "/accounts/password/reset/done/")


def test_a_reset_link_works_once(shop, someone):
    """A20"""
    person = shop.person()
    someone.browser().submit("/accounts/password/reset/", email=person.email)
    link = shop.mailed_link(person.email, "password/reset/key")
    assert someone.browser().reset_password(link).status_code == 302
    again = someone.browser().open(link)
    assert "Location" not in again.headers
    assert 'name="password1"' not in again.text


@cases(
    "headers",
    [
        ("A20", "X-Forwarded-Host", {"X-Forwarded-Host": "evil.example"}),
        ("A20", "Forwarded", {"Forwarded": "host=evil.example;proto=https"}),
        ("A20", "X-Host", {"X-Host": "evil.example", "X-Forwarded-Server": "evil.example"}),
        ("A20", "another port", {"Host": "localhost:1"}),
        ("A20", "another of our hosts", {"Host": "LOCALHOST:8080"}),
    ],
)  # fmt: skip
def test_a_reset_link_leads_to_the_shop_whatever_the_headers_say(shop, someone, headers):
    person = shop.person()
    browser = someone.browser()
    browser.headers.update(headers)
    browser.submit("/accounts/password/reset/", email=person.email)
    shop.mailed_link(person.email, "password/reset/key")


RESET = "/api/users/reset-password"


@cases("path", [("A20", "reset", RESET), ("A20", "proof again", "/api/users/verify-email/again")])
def test_the_api_tells_nobody_either(shop, someone, path):
    said = [someone.post(path, {"email": email}) for email in (shop.owner.email, "nobody@example.org")]
    assert [answer.status for answer in said] == [202, 202]
    bodies = [answer.json() | {"email": ""} for answer in said]
    assert bodies[0] == bodies[1]


@cases(
    "headers",
    [
        ("A20", "an honest request", {}),
        ("A20", "X-Forwarded-Host to the API", {"X_Forwarded_Host": "evil.example"}),
        ("A20", "Host with another port", {"Host": "localhost:1"}),
    ],
)
def test_a_key_of_the_api_works_once_and_leads_to_the_shop(shop, someone, headers):
    person = shop.person()
    assert someone.post(RESET, {"email": person.email}, **headers).status == 202
    key = shop.mailed_link(person.email, "password/reset/key").strip("/").rpartition("/")[2]
    body = {"key": key, "password": "a third good passphrase"}
    for wrong in (key[:-1], key + "0", f"1{key}"):
        assert_problem(someone.post(f"{RESET}/confirm", body | {"key": wrong}), 400, "invalid_key")
    assert someone.post(f"{RESET}/confirm", body).status == 204
    assert_problem(someone.get("/api/users/me", token=person.token), 401, "token_not_valid")
    assert_problem(someone.post(f"{RESET}/confirm", body), 400, "invalid_key")


# -- sessions ---------------------------------------------------------------------------------------
def test_signing_in_makes_a_new_session(shop, visitor):
    """A21: fixation"""
    visitor.cookies.set("sessionid", "a" * 32, domain="localhost.local", path="/")
    person = shop.person()
    assert visitor.sign_in(person.email, PASSWORD).status_code == 302
    assert visitor.is_signed_in
    assert all(cookie.value != "a" * 32 for cookie in visitor.cookies if cookie.domain != "localhost.local")


@pytest.mark.parametrize(
    "value", ["", "x", "a" * 32, "../../etc/passwd", "\u00e9" * 9, "a" * 4000], ids=lambda v: f"A21 {v[:9]!r}"
)
def test_a_made_up_session_is_nobody(someone, value):
    answer = someone.get("/accounts/email/", Cookie=f"sessionid={value}".encode())
    assert (answer.status, answer.headers["Location"].partition("?")[0]) == (302, "/accounts/login/")


def test_a_password_change_ends_the_other_sessions(shop, someone):
    """A21"""
    person = shop.person()
    here, elsewhere = someone.browser(), someone.browser()
    for browser in (here, elsewhere):
        browser.sign_in(person.email, PASSWORD)
    new = "another good passphrase"
    here.submit("/accounts/password/change/", oldpassword=PASSWORD, password1=new, password2=new)
    assert here.is_signed_in
    assert not elsewhere.is_signed_in


def test_nobody_is_signed_out_by_a_link_or_by_another_site(shop, visitor):
    """A22"""
    visitor.sign_in(shop.person().email, PASSWORD)
    visitor.open("/accounts/logout/")
    assert visitor.is_signed_in
    assert visitor.send_form("/accounts/logout/", {}, {"Origin": "https://evil.example"}).status_code == 403
    assert visitor.is_signed_in
    assert visitor.submit("/accounts/logout/").status_code == 302
    assert not visitor.is_signed_in
