"""Second factors: setting up, signing in with them, asked again, counted, kept encrypted."""

import re

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.conf import settings as here
from django.core import mail
from django.test import Client

from accounts import second_factor_adapter
from accounts.history import HistoryEntry
from accounts.models import User
from accounts.staff import save_verified_user
from accounts.tests.factors import App, code_at, wrong_code
from accounts.tests.people import PASSWORD, ann, sign_in, text_of, who

pytestmark = pytest.mark.django_db(transaction=True)
MFA = "/accounts/2fa/"


@pytest.fixture
def app():
    return App(ann())


def staff() -> User:
    return save_verified_user(email="staff@example.com", password=PASSWORD, name="Staff")[0]


@pytest.fixture
def required(settings):
    settings.STAFF_SECOND_FACTOR = "required"


def set_up_app(client, password=PASSWORD) -> tuple[str, object]:
    """From the page of factors to a working app: its secret, and the last answer."""
    again = client.get(f"{MFA}totp/activate/")["Location"]
    assert again.startswith("/accounts/reauthenticate/")
    assert client.post(again, {"password": password})["Location"] == f"{MFA}totp/activate/"
    secret = client.get(f"{MFA}totp/activate/").context["form"].secret
    code = totp.format_hotp_value(totp.hotp_value(secret, next(totp.yield_hotp_counters_from_time())))
    return secret, client.post(f"{MFA}totp/activate/", {"code": code})


# -- setting up ---------------------------------------------------------------------------------
def test_an_app_is_set_up_and_the_owner_is_told(client):
    ann()
    sign_in(client)
    secret, done = set_up_app(client)
    assert done["Location"] == f"{MFA}recovery-codes/"
    assert mail.outbox[-1].subject == "Your second factor is set up"
    codes = client.get(done["Location"]).context["unused_codes"]
    assert len(codes) == 10
    page = client.get(MFA)
    assert (page.status_code, "Set up." in page.content.decode()) == (200, True)
    assert [entry.act for entry in HistoryEntry.objects.all()][-1] == "factor_add"
    assert secret not in str(list(Authenticator.objects.values_list("data", flat=True)))


def test_the_qr_code_is_ours_and_the_codes_are_the_shops(client):
    ann()
    sign_in(client)
    client.post(client.get(f"{MFA}totp/activate/")["Location"], {"password": PASSWORD})
    page = client.get(f"{MFA}totp/activate/")
    assert page.context["totp_svg"].startswith("<svg xmlns=")
    assert page.context["totp_url"].startswith("otpauth://totp/ann%40example.com?")
    assert "issuer=Tickets%20by%20UMA" in page.context["totp_url"]


@pytest.mark.parametrize(
    "path",
    ["", "totp/activate/", "totp/deactivate/", "recovery-codes/", "recovery-codes/generate/", "webauthn/",
     "webauthn/add/", "webauthn/reauthenticate/", "reauthenticate/", "webauthn/keys/{pk}/edit/",
     "webauthn/keys/{pk}/remove/", "recovery-codes/download/"],
)  # fmt: skip
@pytest.mark.parametrize("language", ["en", "es"])
def test_every_page_can_be_shown(client, app, path, language):
    sign_in(client)
    client.post(f"{MFA}authenticate/", {"code": app.code()})
    client.cookies["django_language"] = language
    assert client.get(f"{MFA}reauthenticate/").status_code == 200
    client.post(f"{MFA}reauthenticate/", {"code": app.code()})
    if "{pk}" in path or path == "webauthn/":
        data = {"name": "My phone", "credential": {}}
        key = Authenticator.objects.create(user=User.objects.get(), type="webauthn", data=data)
        path = path.format(pk=key.pk)
    page = client.get(MFA + path, follow=True)
    assert page.status_code == 200


# -- signing in -----------------------------------------------------------------------------------
def test_a_password_alone_signs_nobody_in(client, app):
    assert sign_in(client)["Location"] == f"{MFA}authenticate/"
    assert who(client) is None
    assert "second factor" in text_of(client.get(f"{MFA}authenticate/"))
    assert client.post(f"{MFA}authenticate/", {"code": wrong_code(app.secret)}).status_code == 200
    assert who(client) is None
    assert client.post(f"{MFA}authenticate/", {"code": app.code()})["Location"] == "/me"
    assert who(client) == "ann@example.com"


def test_a_mailed_code_alone_signs_nobody_in(client, app):
    client.post("/accounts/login/code/", {"email": "ann@example.com"})
    code = re.search(r"^([A-Z0-9]+-?[A-Z0-9]+)$", mail.outbox[-1].body, re.MULTILINE)[1]
    answer = client.post("/accounts/login/code/confirm/", {"code": code})
    assert answer["Location"] == f"{MFA}authenticate/"
    assert who(client) is None


def test_a_code_is_good_once_though_each_process_has_its_own_cache(client, app):
    from django.core.cache import cache

    code = app.code()
    for browser, works in ((Client(), True), (Client(), False)):
        sign_in(browser)
        browser.post(f"{MFA}authenticate/", {"code": code})
        assert (who(browser) is not None) is works
        cache.clear()


def test_a_recovery_code_is_good_once(app):
    for works in (True, False):
        browser = Client()
        sign_in(browser)
        browser.post(f"{MFA}authenticate/", {"code": app.recovery_codes[0]})
        assert (who(browser) is not None) is works


def test_codes_of_a_clock_that_goes_wrong_by_half_a_minute_are_good(app):
    with time_machine.travel("2030-01-01T00:00:10Z", tick=False):
        now = 1893456010 // 30
        for step, works in ((-2, False), (-1, True), (0, True), (1, True), (2, False)):
            browser = Client()
            sign_in(browser)
            browser.post(f"{MFA}authenticate/", {"code": code_at(app.secret, now + step)})
            assert (who(browser) is not None) is works, step


# -- counted --------------------------------------------------------------------------------------
def test_guesses_are_counted_by_account_wherever_they_come_from(app, settings):
    settings.LIMITS = settings.LIMITS | {"CODE_PER_ACCOUNT": (5, 3600)}
    for network in range(5):
        browser = Client(REMOTE_ADDR=f"198.51.100.{network}")
        sign_in(browser)
        assert browser.post(f"{MFA}authenticate/", {"code": wrong_code(app.secret)}).status_code == 200
    browser = Client(REMOTE_ADDR="203.0.113.9")
    sign_in(browser)
    assert browser.post(f"{MFA}authenticate/", {"code": app.code()}).status_code == 429
    assert who(browser) is None


def test_the_owner_is_not_locked_out_of_a_known_browser(app, settings):
    settings.LIMITS = settings.LIMITS | {"CODE_PER_ACCOUNT": (3, 3600)}
    home = Client()
    sign_in(home)
    home.post(f"{MFA}authenticate/", {"code": app.code()})
    home.post("/accounts/logout/")
    for _ in range(4):
        thief = Client(REMOTE_ADDR="198.51.100.7")
        sign_in(thief)
        thief.post(f"{MFA}authenticate/", {"code": wrong_code(app.secret)})
    sign_in(home)
    assert home.post(f"{MFA}authenticate/", {"code": app.code()})["Location"] == "/me"


def test_guesses_in_a_session_are_counted_too(client, app, settings):
    """A stolen session is asked for the code; guessing it there is no way around."""
    settings.LIMITS = settings.LIMITS | {"CODE_PER_ACCOUNT": (3, 3600)}
    client.force_login(User.objects.get(), backend="django.contrib.auth.backends.ModelBackend")
    said = [
        client.post(f"{MFA}reauthenticate/", {"code": wrong_code(app.secret)}).status_code for _ in range(4)
    ]
    assert said == [200, 200, 200, 429]


# -- asked again ----------------------------------------------------------------------------------
def test_who_has_a_factor_shows_that_one_and_not_the_password(client, app):
    sign_in(client)
    client.post(f"{MFA}authenticate/", {"code": app.code()})
    assert client.get("/me/delete")["Location"].startswith(f"{MFA}reauthenticate/")
    assert client.post("/accounts/reauthenticate/", {"password": PASSWORD})["Location"].startswith(
        f"{MFA}reauthenticate/"
    )
    assert client.get("/me/delete").status_code == 302


def test_an_address_can_be_changed_by_who_has_a_factor(client, app):
    sign_in(client)
    client.post(f"{MFA}authenticate/", {"code": app.code()})
    fields = {"email": "new@example.com", "action_add": "1"}
    again = client.post("/accounts/email/", fields)["Location"]
    client.post(again, {"code": app.code(), "next": "/accounts/email/"})
    assert mail.outbox[-1].to == ["new@example.com"]


# -- required of staff ----------------------------------------------------------------------------
def test_the_admin_is_closed_until_staff_have_a_factor(client, required):
    staff()
    sign_in(client, "staff@example.com")
    for path in ("/admin/", "/admin/tickets/order/", "/admin/events/event/add/", "/door"):
        assert client.get(path)["Location"] == f"{MFA}?next={path.replace('/', '%2F')}", path
    assert "Staff need one" in text_of(client.get(MFA))
    _secret, done = set_up_app(client)
    assert "to the admin" in text_of(client.get(done["Location"]))
    assert client.get("/admin/").status_code == 200
    assert client.get("/door").status_code == 200


def test_a_session_without_the_factor_opens_no_page_of_staff(client, required):
    """One made by a link of the console, or before the factor was demanded."""
    app = App(user := staff())
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get("/admin/")["Location"] == f"{MFA}reauthenticate/?next=%2Fadmin%2F"
    answer = client.post(f"{MFA}reauthenticate/?next=/admin/", {"code": app.code(), "next": "/admin/"})
    assert answer["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200


def test_in_development_the_admin_opens_without(client):
    assert here.STAFF_SECOND_FACTOR == "optional"
    staff()
    sign_in(client, "staff@example.com")
    assert client.get("/admin/").status_code == 200


def test_buyers_need_none(client, required):
    ann()
    sign_in(client)
    assert client.get("/me").status_code == 200
    assert client.get("/admin/").status_code in (302, 403)


# -- kept encrypted -------------------------------------------------------------------------------
def test_keys_can_be_replaced(app, settings):
    old = settings.SECOND_FACTOR_KEYS
    settings.SECOND_FACTOR_KEYS = ["another key of at least 32 characters", *old]
    browser = Client()
    sign_in(browser)
    browser.post(f"{MFA}authenticate/", {"code": app.code()})
    assert who(browser) == "ann@example.com"


def test_without_its_key_a_factor_is_not_let_past_and_no_page_breaks(client, app, settings):
    settings.SECOND_FACTOR_KEYS = ["another key of at least 32 characters"]
    sign_in(client)
    assert client.post(f"{MFA}authenticate/", {"code": app.code()}).status_code == 503
    assert who(client) is None


def test_what_is_kept_is_another_text_each_time(settings):
    box = second_factor_adapter.SecondFactorAdapter()
    one, other = box.encrypt("secret"), box.encrypt("secret")
    assert one != other
    assert box.decrypt(one) == box.decrypt(other) == "secret"


def test_no_page_of_the_admin_shows_them():
    from django.contrib import admin

    assert Authenticator not in admin.site._registry


# -- passkeys -------------------------------------------------------------------------------------
ODD = ["", "x", "5", "null", "[]", "{}", '{"response": 5}', '{"response": {"userHandle": 5}}',
       '{"id": "AA", "rawId": "AA", "type": "public-key", "response": {"userHandle": "MQ",'
       ' "clientDataJSON": "e30", "authenticatorData": "AA", "signature": "AA"}}', "[" * 3000]  # fmt: skip


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_passkey_signs_nobody_in_and_breaks_nothing(client, odd):
    ann()
    ask = client.get(f"{MFA}webauthn/login/", headers={"Accept": "application/json"})
    assert ask.json()["request_options"]["publicKey"]["rpId"] == "localhost"
    answer = client.post(f"{MFA}webauthn/login/", {"credential": odd})
    assert answer.status_code in (200, 302)
    assert who(client) is None


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_passkey_is_not_added(client, odd):
    ann()
    sign_in(client)
    client.post(client.get(f"{MFA}webauthn/add/")["Location"], {"password": PASSWORD})
    assert client.get(f"{MFA}webauthn/add/").status_code == 200
    assert client.post(f"{MFA}webauthn/add/", {"credential": odd, "name": "x"}).status_code == 200
    assert not Authenticator.objects.exists()
