"""Account pages for strangers: no account is disclosed, mistakes are explained, guessing is limited."""

import re

import pytest
from django.core import mail
from django.test import Client

from accounts.staff import save_verified_user
from accounts.tests.people import OTHER, PASSWORD, ann, sign_in, sign_up, text_of

pytestmark = pytest.mark.django_db(transaction=True)


# -- nobody learns of anybody -----------------------------------------------------------------
@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/accounts/signup/", {"email": "{}", "password1": OTHER, "name": "X"}),
        ("/accounts/login/", {"login": "{}", "password": "not the passphrase"}),
        ("/accounts/login/code/", {"email": "{}"}),
        ("/accounts/password/reset/", {"email": "{}"}),
    ],
)
def test_pages_answer_the_same_with_and_without_an_account(path, fields):
    ann()
    said = {}
    for name in ("ann", "zoe"):
        client = Client()
        email = f"{name}@example.com"
        answer = client.post(path, {key: value.format(email) for key, value in fields.items()})
        pages = [answer, client.get(answer["Location"])] if answer.status_code == 302 else [answer]
        if "code" in path or "signup" in path:
            pages.append(client.post(answer["Location"], {"code": "WRONG-CODE"}))
        words = [re.sub(r'value="[^"]{64}"', "", text_of(page)).replace(email, "") for page in pages]
        sent = [message.to for message in mail.outbox if message.to == [email]]
        said[name] = [page.status_code for page in pages], answer.headers.get("Location"), words, len(sent)
    assert said["ann"] == said["zoe"]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/accounts/signup/", "email"),
        ("/accounts/login/", "login"),
        ("/accounts/login/code/", "email"),
        ("/accounts/password/reset/", "email"),
    ],
)
def test_a_uma_address_in_the_email_box_is_understood(client, path, field):
    answer = client.post(path, {field: " $Ann@wallet.example", "password": PASSWORD, "password1": PASSWORD})
    assert "That is a UMA address" in answer.context["form"].errors[field][0]
    assert mail.outbox == []


@pytest.mark.parametrize("value", ["", "x", "a\0b@example.com", "a\r\nBcc: b@example.com", "a@" + "x" * 400])
@pytest.mark.parametrize(
    ("path", "field"),
    [("/accounts/signup/", "email"), ("/accounts/login/", "login"), ("/accounts/login/code/", "email")],
)
def test_odd_addresses_are_form_errors(client, path, field, value):
    answer = client.post(path, {field: value, "password": PASSWORD, "password1": PASSWORD})
    assert (answer.status_code, mail.outbox) == (200, [])
    assert answer.context["form"].errors[field]


@pytest.mark.parametrize("path", ["/accounts/confirm-email/", "/accounts/login/code/confirm/"])
def test_code_pages_without_a_code_lead_back(client, path):
    for ask in (client.get, client.post):
        assert ask(path).status_code == 302


# -- limits -----------------------------------------------------------------------------------
def limit(settings, **limits):
    settings.LIMITS = settings.LIMITS | limits


def test_guessing_ends_with_429_and_other_people_still_get_in(client, settings):
    limit(settings, LOGIN_PER_EMAIL_AND_IP=(3, 900))
    ann(), save_verified_user(email="bob@example.com", password=PASSWORD)
    said = [sign_in(client, password=f"guess number {n}") for n in range(4)]
    assert [answer.status_code for answer in said] == [200, 200, 200, 429]
    assert 0 < int(said[-1]["Retry-After"]) <= 900
    assert "That was too often." in text_of(said[-1])
    assert sign_in(client, email="bob@example.com").status_code == 302
    guess = {"email": "ann@example.com", "password": PASSWORD}
    api = client.post("/api/users/login", guess, content_type="application/json")
    assert api.status_code == 429, "pages and API count together"


def test_mails_to_one_address_are_limited_with_and_without_account(client, settings):
    limit(settings, MAIL_PER_EMAIL=(2, 3600))
    ann()
    for email in ("ann@example.com", "zoe@example.com"):
        said = [Client().post("/accounts/password/reset/", {"email": email}).status_code for _ in range(2)]
        said += [Client().post("/accounts/login/code/", {"email": email}).status_code]
        assert said == [302, 302, 429]


def test_sign_ups_from_one_network_are_limited(settings):
    limit(settings, SIGN_UP_PER_IP=(2, 3600))
    said = [sign_up(Client(), email=f"p{n}@example.com").status_code for n in range(3)]
    assert said == [302, 302, 429]


# -- what a page costs ------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("path", "statements"),
    [
        ("/accounts/login/", 0),
        ("/accounts/signup/", 0),
        ("/accounts/login/code/", 0),
        ("/accounts/password/reset/", 0),
    ],
)
def test_forms_for_strangers_ask_the_database_nothing(client, django_assert_num_queries, path, statements):
    with django_assert_num_queries(statements):
        assert client.get(path).status_code == 200
