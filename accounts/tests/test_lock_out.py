"""Lock-outs by others: known browsers, mails per network, and the operator's link keep the owner in."""

import io
import re

import pytest
import time_machine
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.authentication import issue_token
from accounts.models import User
from accounts.tests.people import PASSWORD, ann, sign_in, text_of, who
from tests.factories import UnprovenUserFactory

pytestmark = pytest.mark.django_db(transaction=True)
ELSEWHERE = {"REMOTE_ADDR": "198.51.100.7"}


@pytest.fixture(autouse=True)
def tight(settings):
    settings.LIMITS = settings.LIMITS | {
        "LOGIN_PER_IP": (8, 900), "LOGIN_PER_EMAIL_AND_IP": (3, 900), "LOGIN_PER_EMAIL": (5, 3600),
        "MAIL_PER_EMAIL": (2, 3600), "MAIL_PER_EMAIL_FROM_ALL": (6, 3600),
    }  # fmt: skip


@pytest.fixture
def at_home():
    """A browser in which Ann signed in once."""
    browser = Client(REMOTE_ADDR="192.0.2.1")
    ann()
    assert sign_in(browser)["Location"] == "/me"
    browser.post("/accounts/logout/")
    return browser


def guess(times: int, **client) -> list[int]:
    return [sign_in(Client(**client), password=f"guess {number}").status_code for number in range(times)]


def test_guesses_from_everywhere_do_not_lock_out_a_browser_that_signed_in_before(at_home):
    assert guess(9, REMOTE_ADDR="192.0.2.1")[-1] == 429, "the owner's own network is used up"
    for network in range(3):
        guess(3, REMOTE_ADDR=f"198.51.100.{network}")
    assert sign_in(Client(REMOTE_ADDR="203.0.113.1")).status_code == 429, "the account is used up"
    assert sign_in(at_home)["Location"] == "/me"


def test_such_a_browser_may_not_guess_for_ever_either(at_home):
    said = [sign_in(at_home, password=f"guess {number}").status_code for number in range(4)]
    assert said == [200, 200, 200, 429]


@pytest.mark.parametrize("cookie", ["", "x", "x.y:z:w"])
def test_a_made_up_cookie_is_none(at_home, cookie):
    browser = Client(REMOTE_ADDR="192.0.2.1")
    browser.cookies["device"] = cookie
    guess(9, REMOTE_ADDR="192.0.2.1")
    assert sign_in(browser).status_code == 429


def test_the_cookie_is_its_owners_alone(at_home):
    UnprovenUserFactory(email="bob@example.com", password=PASSWORD)
    guess(9, REMOTE_ADDR="192.0.2.1")
    assert sign_in(at_home, email="bob@example.com").status_code == 429


def test_the_cookie_tells_nobody_who_it_is_and_no_script_reads_it(at_home):
    cookie = at_home.cookies["device"]
    assert "ann" not in cookie.value
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")


def test_mails_asked_for_elsewhere_do_not_keep_the_owner_from_theirs(at_home):
    def reset(browser: Client) -> int:
        return browser.post("/accounts/password/reset/", {"email": "ann@example.com"}).status_code

    stranger = Client(**ELSEWHERE)
    assert [reset(stranger) for _ in range(3)] == [302, 302, 429]
    assert reset(Client(REMOTE_ADDR="192.0.2.9")) == 302, "another network"
    for network in range(4):
        reset(Client(REMOTE_ADDR=f"203.0.113.{network}"))
    assert reset(Client(REMOTE_ADDR="203.0.113.99")) == 429, "a mailbox is not flooded"
    assert reset(at_home) == 302


def test_a_password_is_changed_though_others_guess_in_the_same_network(at_home):
    sign_in(at_home)
    guess(9, REMOTE_ADDR="192.0.2.1")
    new = "quite another passphrase"
    at_home.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": new})
    assert User.objects.get().check_password(new)


# -- the operator's link ----------------------------------------------------------------------
def link(email: str = "ann@example.com") -> str:
    out = io.StringIO()
    call_command("sign_in_link", email, stdout=out, stderr=io.StringIO())
    return re.search(r"http://[^/\s]+(/accounts/link/\S+)", out.getvalue())[1]


def test_a_link_signs_in_once_though_everything_is_used_up(at_home):
    guess(9, REMOTE_ADDR="192.0.2.1")
    path, browser, second = link(), Client(REMOTE_ADDR="192.0.2.1"), Client()
    assert "signs you in once" in text_of(browser.get(path))
    assert who(browser) is None, "looking at it is not using it"
    assert browser.post(path)["Location"] == "/me/account"
    assert who(browser) == "ann@example.com"
    assert "no longer good" in text_of(second.post(path))
    assert who(second) is None
    assert mail.outbox == []


def test_a_link_is_short_lived(at_home, client):
    with time_machine.travel("2026-01-01T00:00:00Z", tick=False) as clock:
        path = link()
        clock.shift(601)
        assert "no longer good" in text_of(client.get(path))
        assert "no longer good" in text_of(client.post(path))
    assert who(client) is None


def test_a_link_dies_with_the_password_and_with_being_shut_out(at_home, client):
    user = User.objects.get()
    first = link()
    User.objects.update(token_epoch=user.token_epoch + 1)
    assert "no longer good" in text_of(client.post(first))
    second = link()
    User.objects.update(is_active=False)
    assert "no longer good" in text_of(client.post(second))
    for email in ("ann@example.com", "nobody@example.com"):
        with pytest.raises(CommandError):
            link(email)


# -- an account made in somebody else's name ----------------------------------------------------
def confirmation() -> str:
    return re.search(r"http://[^/\s]+(/accounts/confirm-email/\S+)", mail.outbox[-1].body)[1]


def test_a_link_does_not_prove_a_strangers_account(client):
    """The mailbox's owner did not sign up: they do not know the password, and do not prove it for others."""
    body = {"email": "zoe@example.com", "password": "the strangers passphrase"}
    client.post("/api/users", body, content_type="application/json")
    path, owner = confirmation(), Client()
    for typed in ({}, {"password": ""}, {"password": "what Zoe would choose"}):
        answer = owner.post(path, typed)
        assert answer.status_code == 200
        assert not User.objects.get().has_verified_email
    assert "Choose a new one by mail" in text_of(answer)
    owner.post("/accounts/password/reset/", {"email": "zoe@example.com"})
    form = owner.get(re.search(r"http://[^/\s]+(/accounts/password/reset/key/\S+)", mail.outbox[-1].body)[1])
    new = "a passphrase of Zoe"
    owner.post(form["Location"], {"password1": new, "password2": new})
    assert User.objects.get().check_password(new)
    owner.post(path, {"password": new})
    assert User.objects.get().has_verified_email


def test_a_changed_address_is_proven_by_whoever_changed_it(client, at_home):
    """Else a stranger's account would take over a mailbox's guest orders by one click of its owner."""
    user = User.objects.get()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    client.patch(
        f"/api/users/{user.pk}", {"email": "zoe@example.com", "current_password": PASSWORD},
        content_type="application/json", headers={"Authorization": f"Bearer {issue_token(user)}"},
    )  # fmt: skip
    path = confirmation()
    Client().post(path)
    assert User.objects.get().email == "ann@example.com"
    client.post(path)
    assert User.objects.get().email == "zoe@example.com"
