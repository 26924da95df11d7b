"""Accounts in the API: addresses are confirmed, and answers do not tell who has an account."""

import pytest
from allauth.account.models import EmailAddress
from django.core import mail

from accounts.authentication import issue_token
from accounts.models import User
from accounts.staff import save_verified_user

from .api import PASSWORD, ann, login, mailed_key, status

pytestmark = pytest.mark.django_db(transaction=True)


# -- signing up -----------------------------------------------------------------------------------
def test_from_sign_up_to_signed_in(post):
    body = {"email": "Ann@Example.com", "password": PASSWORD, "name": "Ann"}
    assert post("/users", body).status_code == 202
    assert login(post).status_code == 401, "not before the mailbox is proven"
    assert post("/users/verify-email", {"key": mailed_key()}).status_code == 200
    answer = login(post)
    assert answer.status_code == 200
    me = post("/users/me", token=answer.json()["token"], method="GET").json()
    assert (me["email"], me["name"], me["is_staff"]) == ("ann@example.com", "Ann", False)


def test_a_taken_address_is_told_to_its_owner_alone(post):
    ann()
    body = {"password": PASSWORD, "name": "x"}
    taken, new = (
        post("/users", body | {"email": "ann@example.com"}),
        post("/users", body | {"email": "b@example.com"}),
    )
    assert (taken.status_code, new.status_code) == (202, 202)
    assert taken.json()["detail"] == new.json()["detail"]
    assert [m.to for m in mail.outbox] == [["ann@example.com"], ["b@example.com"]]
    assert "confirm-email" not in mail.outbox[0].body
    assert login(post).status_code == 200, "the password is still the old one"


def test_signing_up_again_starts_anew(post):
    post("/users", {"email": "ann@example.com", "password": "the first passphrase"})
    first = mailed_key()
    post("/users", {"email": "ann@example.com", "password": PASSWORD})
    assert post("/users/verify-email", {"key": first}).json()["code"] == "invalid_key"
    assert post("/users/verify-email", {"key": mailed_key()}).status_code == 200
    assert login(post, password="the first passphrase").status_code == 401
    assert login(post).status_code == 200


@pytest.mark.parametrize(
    "name", ["is_staff", "is_superuser", "is_active", "token_epoch", "id", "email_verified"]
)
def test_nobody_makes_themselves_more(post, name):
    answer = post("/users", {"email": "ann@example.com", "password": PASSWORD, name: True})
    assert answer.status_code == 400
    assert answer.json()["errors"][0] | {"message": ""} == {
        "field": name,
        "code": "unknown_field",
        "message": "",
    }
    assert User.objects.count() == 0


@pytest.mark.parametrize(
    "password", ["password", "short", "ann@example.com", "x" * 129, "nul\0inside it", 12345678901]
)
def test_a_bad_password_is_refused_before_it_is_hashed(post, password):
    answer = post("/users", {"email": "ann@example.com", "password": password})
    assert answer.status_code == 400
    assert User.objects.count() == 0


@pytest.mark.parametrize(
    "email", ["x", "a@b", "a\n@example.com", "$a@wallet.example", "x" * 300 + "@example.com", 7, None]
)
def test_a_bad_address_is_refused(post, email):
    answer = post("/users", {"email": email, "password": PASSWORD})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "email")


@pytest.mark.parametrize("email", ["staff@example.com", "Staff@Example.com", "ſtaff@example.com"])
def test_staff_takes_the_mailbox_of_staff(post, email):
    post("/users", {"email": email, "password": PASSWORD})
    assert not [user for user in User.objects.all() if user.is_staff]
    assert login(post, email=email).status_code == 401


# -- signing in -----------------------------------------------------------------------------------
def test_every_refused_login_is_the_same(post):
    ann()
    post("/users", {"email": "new@example.com", "password": PASSWORD})
    gone = save_verified_user(email="gone@example.com", password=PASSWORD)[0]
    User.objects.filter(pk=gone.pk).update(is_active=False)
    answers = [
        login(post, password="wrong"), login(post, email="nobody@example.com"),
        login(post, email="new@example.com"), login(post, email="gone@example.com"),
    ]  # fmt: skip
    assert {answer.status_code for answer in answers} == {401}
    assert len({str(answer.json() | {"request_id": ""}) for answer in answers}) == 1


def test_guessing_ends_and_the_owner_still_comes_in(client, settings):
    ann()
    settings.LIMITS = settings.LIMITS | {"LOGIN_PER_EMAIL_AND_IP": (3, 900), "LOGIN_PER_EMAIL": (6, 900)}

    def attempt(ip: str, password: str):
        body = {"email": "ann@example.com", "password": password}
        return client.post("/api/users/login", body, content_type="application/json", REMOTE_ADDR=ip)

    assert attempt("192.0.2.1", PASSWORD).status_code == 200
    said = [attempt("198.51.100.1", "wrong").status_code for _ in range(5)]
    assert said == [401, 401, 401, 429, 429]
    said = [attempt(f"198.51.100.{number}", "wrong").status_code for number in range(2, 9)]
    assert said[-1] == 429, "many addresses are one account's limit"
    refused = attempt("198.51.100.99", PASSWORD)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 900
    assert attempt("192.0.2.1", PASSWORD).status_code == 200, "who was here before is not locked out"


# -- oneself --------------------------------------------------------------------------------------
def test_a_new_address_counts_once_proven(post):
    user = ann()
    token = str(issue_token(user))
    body = {"email": "new@example.com", "current_password": PASSWORD}
    answer = post(f"/users/{user.pk}", body, token, "PATCH")
    assert (answer.status_code, answer.json()["email"]) == (200, "ann@example.com")
    assert status(post, token) == 200
    assert post("/users/verify-email", {"key": mailed_key()}).json()["email"] == "new@example.com"
    assert status(post, token) == 401, "a changed address ends every token"
    assert login(post, email="new@example.com").status_code == 200
    assert login(post).status_code == 401
    assert [a.email for a in EmailAddress.objects.filter(user=user)] == ["new@example.com"]


def test_a_taken_new_address_looks_the_same(post):
    user = ann()
    save_verified_user(email="bob@example.com", password=PASSWORD)
    token = str(issue_token(user))
    answers = [
        post(f"/users/{user.pk}", {"email": e, "current_password": PASSWORD}, token, "PATCH")
        for e in ("bob@example.com", "free@example.com")
    ]
    assert [a.status_code for a in answers] == [200, 200]
    bodies = [{k: v for k, v in a.json().items() if k != "updated_at"} for a in answers]
    assert bodies[0] == bodies[1]


def test_address_and_password_take_the_current_password(post):
    user = ann()
    token = str(issue_token(user))
    for body in ({"email": "new@example.com"}, {"password": "quite another passphrase"}):
        answer = post(f"/users/{user.pk}", body, token, "PATCH")
        assert [e["field"] for e in answer.json()["errors"]] == ["current_password"]
        answer = post(f"/users/{user.pk}", body | {"current_password": "wrong"}, token, "PATCH")
        assert (answer.status_code, answer.json()["code"]) == (400, "wrong_password")
    assert mail.outbox == []
    body = {"password": "quite another passphrase", "current_password": PASSWORD}
    assert post(f"/users/{user.pk}", body, token, "PATCH").status_code == 200
    assert status(post, token) == 401


def test_put_takes_all_and_patch_some(post):
    user = ann()
    token = str(issue_token(user))
    assert post(f"/users/{user.pk}", {"name": "Anna"}, token, "PUT").json()["errors"][0]["field"] == "email"
    answer = post(f"/users/{user.pk}", {"name": "Anna", "email": "ann@example.com"}, token, "PUT")
    assert (answer.status_code, answer.json()["name"]) == (200, "Anna")
    assert post(f"/users/{user.pk}", {"name": "A"}, token, "PATCH").json()["name"] == "A"


def test_others_are_the_same_404(post):
    user, bob = ann(), save_verified_user(email="bob@example.com", password=PASSWORD)[0]
    token = str(issue_token(user))
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        answers = [post(f"/users/{pk}", {}, token, method) for pk in (bob.pk, 10**9, 10**17)]
        assert {answer.status_code for answer in answers} == {404}
        assert len({str(answer.json() | {"request_id": ""}) for answer in answers}) == 1
        assert post(f"/users/{bob.pk}", {}, method=method).status_code == 401
    assert User.objects.filter(pk=bob.pk).exists()
