"""Account pages: sign-up, sign-in, resets and changes, each confirmed by mail."""

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from accounts.authentication import issue_token
from accounts.models import User
from accounts.staff import save_verified_user
from accounts.tests.people import (
    OTHER,
    PASSWORD,
    ann,
    ask_for_new_address,
    mailed_code,
    mailed_link,
    sign_in,
    sign_up,
    text_of,
    token_works,
    who,
)

pytestmark = pytest.mark.django_db(transaction=True)


# -- signing up -------------------------------------------------------------------------------
def test_sign_up_verify_by_code_and_be_in(client):
    answer = sign_up(client, email=" Ann@Example.COM ")
    assert answer["Location"] == "/accounts/confirm-email/"
    assert who(client) is None
    assert mail.outbox[0].to == ["ann@example.com"]
    assert mail.outbox[0].alternatives[0].mimetype == "text/html"
    assert mailed_code() in mail.outbox[0].alternatives[0].content
    answer = client.post("/accounts/confirm-email/", {"code": mailed_code()})
    assert answer["Location"] == "/me"
    assert who(client) == "ann@example.com"
    user = User.objects.get()
    assert (user.name, user.has_verified_email) == ("Ann", True)


def test_nobody_gets_in_unverified_or_with_a_wrong_code(client):
    sign_up(client)
    answer = client.post("/accounts/confirm-email/", {"code": "WRONG-CODE"})
    assert "That is not the code we sent" in text_of(answer)
    assert sign_in(Client())["Location"] == "/accounts/confirm-email/"
    assert not EmailAddress.objects.filter(verified=True).exists()


def test_three_wrong_codes_end_the_attempt(client):
    sign_up(client)
    code = mailed_code()
    for _ in range(3):
        client.post("/accounts/confirm-email/", {"code": "WRONG-CODE"})
    client.post("/accounts/confirm-email/", {"code": code})
    assert who(client) is None


def test_a_new_code_replaces_the_first(client):
    sign_up(client)
    first = mailed_code()
    client.post("/accounts/confirm-email/", {"action": "resend"})
    assert len(mail.outbox) == 2
    client.post("/accounts/confirm-email/", {"code": first})
    assert who(client) is None
    client.post("/accounts/confirm-email/", {"code": mailed_code()})
    assert who(client) == "ann@example.com"


def test_signing_up_again_before_verifying_starts_anew(client):
    sign_up(Client(), password=OTHER, name="Mallory")
    sign_up(client)
    client.post("/accounts/confirm-email/", {"code": mailed_code()})
    user = User.objects.get()
    assert (user.name, user.check_password(PASSWORD)) == ("Ann", True)


def test_the_link_of_the_api_opens_a_page_that_verifies(client):
    body = {"email": "ann@example.com", "password": PASSWORD}
    client.post("/api/users", body, content_type="application/json")
    link = mailed_link()
    assert "Is this your address?" in text_of(client.get(link))
    assert client.post(link, {"password": PASSWORD})["Location"] == "/accounts/login/"
    assert User.objects.get().has_verified_email
    assert sign_in(client)["Location"] == "/me"
    assert "no longer good" in text_of(client.get("/accounts/confirm-email/nonsense/"))


# -- signing in and out -----------------------------------------------------------------------
def test_sign_in_by_password_and_out_by_post(client):
    ann()
    assert sign_in(client, email="ANN@example.com")["Location"] == "/me"
    client.get("/accounts/logout/")
    assert who(client) == "ann@example.com"
    client.post("/accounts/logout/")
    assert who(client) is None


def test_sign_in_by_a_mailed_code(client):
    ann()
    answer = client.post("/accounts/login/code/", {"email": "ann@example.com"})
    assert answer["Location"] == "/accounts/login/code/confirm/"
    assert client.post(answer["Location"], {"code": mailed_code()})["Location"] == "/me"
    assert who(client) == "ann@example.com"


def test_sign_in_leads_back_to_our_pages_only(client):
    ann()
    for path, location in [("/find", "/find"), ("https://evil.example/", "/me"), ("//evil.example", "/me")]:
        data = {"login": "ann@example.com", "password": PASSWORD, "next": path}
        assert Client().post("/accounts/login/", data)["Location"] == location


def test_who_is_shut_out_stays_out_and_their_tokens_stay_dead(client, admin_of_the_shop):
    user = ann()
    token = str(issue_token(user))
    sign_in(client)
    path = f"/admin/accounts/user/{user.pk}/change/"
    shown = {"seen": admin_of_the_shop.get(path).context["adminform"].form["seen"].value()}
    admin_of_the_shop.post(path, shown)
    assert who(client) is None
    assert sign_in(client)["Location"] == "/accounts/inactive/"
    assert client.get("/accounts/inactive/").status_code == 200
    shown = {"seen": admin_of_the_shop.get(path).context["adminform"].form["seen"].value()}
    admin_of_the_shop.post(path, shown | {"is_active": "on"})
    assert User.objects.get(pk=user.pk).is_active
    assert not token_works(client, token)


@pytest.fixture
def admin_of_the_shop():
    staff = Client()
    staff.force_login(save_verified_user(email="staff@example.com", password=PASSWORD)[0])
    return staff


# -- passwords --------------------------------------------------------------------------------
def test_a_forgotten_password_is_replaced_by_mail_once(client):
    token = str(issue_token(ann()))
    client.post("/accounts/password/reset/", {"email": "ann@example.com"})
    link = mailed_link()
    form = client.get(link, follow=True)
    assert "Choose a new password" in text_of(form)
    answer = client.post(form.request["PATH_INFO"], {"password1": OTHER})
    assert (answer["Location"], who(client)) == ("/me", "ann@example.com")
    assert mail.outbox[-1].subject == "Your password was changed"
    assert not token_works(client, token)
    assert "no longer good" in text_of(Client().get(link, follow=True))
    assert sign_in(Client()).status_code == 200, "the old password is over"
    assert sign_in(Client(), password=OTHER).status_code == 302


def test_a_changed_password_ends_other_sessions_and_tokens(client):
    token = str(issue_token(ann()))
    elsewhere = Client()
    sign_in(client), sign_in(elsewhere)
    answer = client.post("/accounts/password/change/", {"oldpassword": "wrong", "password1": OTHER})
    assert "That is not your current password." in text_of(answer)
    answer = client.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": OTHER})
    assert answer["Location"] == "/me/account"
    assert (who(client), who(elsewhere)) == ("ann@example.com", None)
    assert not token_works(client, token)


@pytest.mark.parametrize("password", ["short", "password123", "ann@example.com", "x" * 129, ""])
def test_weak_passwords_are_refused_at_the_field(client, password):
    answer = sign_up(client, password=password)
    assert answer.context["form"].errors["password1"]
    assert not User.objects.exists()


# -- the address ------------------------------------------------------------------------------
def test_the_old_address_stays_until_the_new_one_is_verified(client):
    user = ann()
    token = str(issue_token(user))
    sign_in(client)
    assert ask_for_new_address(client)["Location"] == "/accounts/confirm-email/"
    assert mail.outbox[-1].to == ["new@example.com"]
    assert (who(client), token_works(client, token)) == ("ann@example.com", True)
    client.post("/accounts/confirm-email/", {"code": mailed_code()})
    assert who(client) == "new@example.com"
    assert (mail.outbox[-1].to, mail.outbox[-1].subject) == (
        ["ann@example.com"],
        "Your e-mail address was changed",
    )
    assert not token_works(client, token)
    assert [a.email for a in EmailAddress.objects.filter(user=user)] == ["new@example.com"]


def test_a_new_address_takes_the_right_password(client):
    client.force_login(ann())
    path = client.post("/accounts/email/", {"email": "new@example.com", "action_add": "1"})["Location"]
    assert "Is it you?" in text_of(client.get(path))
    assert "That is not your current password." in text_of(client.post(path, {"password": OTHER}))
    assert mail.outbox == []


def test_an_address_that_somebody_only_claimed_is_no_hindrance(client):
    sign_up(Client(), email="new@example.com", name="Mallory")
    ann()
    sign_in(client)
    ask_for_new_address(client)
    client.post("/accounts/confirm-email/", {"code": mailed_code()})
    assert who(client) == "new@example.com"
    assert User.objects.count() == 1
