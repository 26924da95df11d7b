"""Mailed keys in the API: password resets and repeated confirmations, which tell strangers nothing."""

import re
from datetime import timedelta

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts.authentication import issue_token
from accounts.models import User
from tests.acts import together

from .api import PASSWORD, ann, login, mailed_key, status
from .people import OTHER

pytestmark = pytest.mark.django_db(transaction=True)


def ask(post, email="ann@example.com"):
    return post("/users/reset-password", {"email": email})


def reset_key() -> str:
    return re.search(r"/password/reset/key/([^/\s]+)", mail.outbox[-1].body)[1]


def confirm(post, key: str, password=OTHER):
    return post("/users/reset-password/confirm", {"key": key, "password": password})


# -- a new password -------------------------------------------------------------------------------
def test_a_mailed_key_sets_a_new_password_and_ends_every_token(post):
    token = str(issue_token(ann()))
    browser = Client()
    browser.post("/accounts/login/", {"login": "ann@example.com", "password": PASSWORD})
    assert ask(post).status_code == 202
    assert mail.outbox[-1].to == ["ann@example.com"]
    assert confirm(post, reset_key()).status_code == 204
    assert login(post).status_code == 401
    assert login(post, password=OTHER).status_code == 200
    assert status(post, token) == 401
    assert browser.get("/me").status_code == 302
    assert mail.outbox[-1].to == ["ann@example.com"], "and is told"


def test_a_key_is_good_once_and_for_an_hour(post):
    ann()
    ask(post)
    key = reset_key()
    with time_machine.travel(timezone.now() + timedelta(minutes=61), tick=True):
        assert confirm(post, key).json()["code"] == "invalid_key"
    assert confirm(post, key, password="short").json()["code"] == "weak_password"
    said = together(*[lambda: confirm(post, key).status_code] * 2)
    assert sorted(said) == [204, 400]
    assert confirm(post, key).json()["code"] == "invalid_key"


@pytest.mark.parametrize("key", ["x", "1-x", "-", "0-0", "zzzzzzzzzzzzz-x", "é-x", "1" * 200])
def test_a_key_of_nobodys_is_refused(post, key):
    ann()
    answer = confirm(post, key)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_key")


def test_a_changed_address_or_a_closed_account_makes_keys_worthless(post):
    user = ann()
    ask(post)
    key = reset_key()
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert confirm(post, key).status_code == 400
    User.objects.filter(pk=user.pk).update(is_active=True, email="new@example.com")
    EmailAddress.objects.filter(user=user).update(email="new@example.com")
    assert confirm(post, key).status_code == 400


def test_a_key_proves_the_mailbox_too(post):
    post("/users", {"email": "new@example.com", "password": PASSWORD})
    ask(post, "new@example.com")
    assert confirm(post, reset_key()).status_code == 204
    assert login(post, email="new@example.com", password=OTHER).status_code == 200


@pytest.mark.parametrize("by", ["API", "page"])
def test_a_mailbox_one_merely_wants_to_change_to_opens_nothing(post, client, by):
    """It may be a slip of the pen, and somebody else's."""
    user = ann()
    body = {"email": "slip@example.com", "current_password": PASSWORD}
    post(f"/users/{user.pk}", body, str(issue_token(user)), "PATCH")
    if by == "API":
        ask(post, "slip@example.com")
    else:
        client.post("/accounts/password/reset/", {"email": "slip@example.com"})
    assert mail.outbox[-1].to == ["slip@example.com"]
    assert "/password/reset/key/" not in mail.outbox[-1].body


# -- one more proof -------------------------------------------------------------------------------
def test_the_key_that_proves_a_mailbox_is_mailed_again(post):
    post("/users", {"email": "new@example.com", "password": PASSWORD})
    mail.outbox.clear()
    assert post("/users/verify-email/again", {"email": "New@example.com"}).status_code == 202
    assert post("/users/verify-email", {"key": mailed_key()}).status_code == 200
    assert login(post, email="new@example.com").status_code == 200


# -- what strangers learn -------------------------------------------------------------------------
@pytest.mark.parametrize("path", ["/users/reset-password", "/users/verify-email/again"])
def test_the_answer_is_the_same_whoever_has_an_account_and_each_gets_one_mail(post, path):
    ann()
    post("/users", {"email": "unproven@example.com", "password": PASSWORD})
    bodies = []
    for email in ("ann@example.com", "unproven@example.com", "nobody@example.com"):
        mail.outbox.clear()
        answer = post(path, {"email": email})
        assert answer.status_code == 202
        assert [each.to for each in mail.outbox] == [[email]]
        bodies.append(answer.content.replace(email.encode(), b""))
    assert len(set(bodies)) == 1


@pytest.mark.parametrize("path", ["/users/reset-password", "/users/verify-email/again"])
def test_nobody_is_flooded_with_mails(post, settings, path):
    settings.LIMITS = settings.LIMITS | {"MAIL_PER_EMAIL": (2, 3600), "MAIL_PER_IP": (4, 3600)}
    said = [post(path, {"email": "ann@example.com"}).status_code for _ in range(3)]
    said += [post(path, {"email": f"{number}@example.com"}).status_code for number in range(3)]
    assert said == [202, 202, 429, 202, 429, 429]


def test_guessing_the_current_password_with_a_stolen_token_ends(post, settings):
    settings.LIMITS = settings.LIMITS | {"LOGIN_PER_EMAIL_AND_IP": (3, 900)}
    user = ann()
    token = str(issue_token(user))

    def guess(password: str) -> int:
        body = {"current_password": password, "password": OTHER}
        return post(f"/users/{user.pk}", body, token, "PATCH").status_code

    assert [guess(f"guess {number}") for number in range(4)] == [400, 400, 400, 429]
    assert guess(PASSWORD) == 429
