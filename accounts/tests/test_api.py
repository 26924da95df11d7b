"""Accounts in the API: a mailbox is proven, a token ends when it should, nobody learns of anybody."""

import json
import re

import jwt
import pytest
from allauth.account.models import EmailAddress
from django.conf import settings as shop
from django.core import mail

from accounts.models import User
from accounts.services import change_password
from accounts.staff import save_verified_user
from accounts.tokens import end_tokens, issue_token

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD = "a long enough passphrase"


@pytest.fixture
def post(client):
    def send(path: str, body=None, token: str = "", method: str = "POST"):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return client.generic(
            method, f"/api{path}", as_json(body), content_type="application/json", headers=headers
        )

    return send


def as_json(body) -> bytes:
    return b"" if body is None else json.dumps(body).encode()


def mailed_key() -> str:
    return re.search(r"/confirm-email/([^/\s]+)", mail.outbox[-1].body)[1]


def ann() -> User:
    return save_verified_user(email="ann@example.com", password=PASSWORD, name="Ann")[0]


def login(post, email="ann@example.com", password=PASSWORD):
    return post("/users/login", {"email": email, "password": password})


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


# -- tokens ---------------------------------------------------------------------------------------
def status(post, token) -> int:
    return post("/users/me", token=token, method="GET").status_code


def test_logout_ends_every_token(post):
    user = ann()
    tokens = [str(issue_token(user)), str(issue_token(user))]
    assert [status(post, token) for token in tokens] == [200, 200]
    assert post("/users/logout", token=tokens[0]).status_code == 204
    assert [status(post, token) for token in tokens] == [401, 401]


def test_a_token_ends_with_password_deactivation_and_deletion(post):
    user = ann()
    token = str(issue_token(user))
    change_password(user=user, current_password=PASSWORD, password="quite another passphrase")
    assert status(post, token) == 401
    token = str(issue_token(user))
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert status(post, token) == 401
    user.delete()
    assert status(post, token) == 401


def test_the_pages_password_change_ends_tokens_too(post, client):
    user = ann()
    token = str(issue_token(user))
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    new = "quite another passphrase"
    client.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    user.refresh_from_db()
    assert user.check_password(new)
    assert status(post, token) == 401


def forged(user: User, key: str = "", algorithm: str = "HS256", headers=None, **changes) -> str:
    claims = {**issue_token(user).payload, "aud": f"{shop.SITE_URL}/api", "iss": shop.SITE_URL}
    claims = {name: value for name, value in (claims | changes).items() if value is not ...}
    return jwt.encode(claims, key or shop.JWT_SECRET, algorithm=algorithm, headers=headers)


def test_an_honest_copy_is_let_in(post):
    assert status(post, forged(ann())) == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": 1}, {"exp": ...}, {"exp": 10**20}, {"exp": "soon"}, {"exp": None}, {"nbf": 4_000_000_000},
        {"iat": 4_000_000_000}, {"aud": "else"}, {"aud": ...}, {"iss": "else"}, {"iss": ...}, {"jti": ...},
        {"token_type": "refresh"}, {"token_type": ...}, {"user_id": "abc"}, {"user_id": -1},
        {"user_id": 10**30},
        {"user_id": None}, {"user_id": [1]}, {"user_id": "１"}, {"user_id": ...}, {"token_epoch": ...},
        {"token_epoch": "0"}, {"token_epoch": True}, {"token_epoch": 1},
    ],
)  # fmt: skip
def test_odd_claims_are_401(post, changes):
    answer = post("/users/me", token=forged(ann(), **changes), method="GET")
    assert (answer.status_code, answer.json()["code"]) == (401, "token_not_valid")


@pytest.mark.parametrize("key", ["x" * 32, "changeme" * 4])
def test_another_key_is_401(post, key):
    assert status(post, forged(ann(), key=key)) == 401


def test_other_algorithms_and_header_tricks_are_401(post, settings):
    user = ann()
    assert status(post, forged(user, key=settings.SECRET_KEY)) == 401
    assert status(post, forged(user, algorithm="HS512")) == 401
    none = forged(user).split(".")
    for header in ("eyJhbGciOiJub25lIn0", "eyJhbGciOiJOb25lIn0"):
        assert status(post, f"{header}.{none[1]}.") == 401
        assert status(post, f"{header}.{none[1]}.{none[2]}") == 401
    assert status(post, forged(user, headers={"kid": "../../dev/null", "jku": "https://evil.example"})) == 200


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer a b", "Bearer a.b.c", "Bearer ü", "bearer x", "Bearer " + "x" * 20_000]
)
def test_odd_headers_are_401(client, header):
    answer = client.get("/api/users/me", headers={"Authorization": header})
    assert (answer.status_code, answer.json()["code"]) == (401, "token_not_valid")


def test_no_token_is_401_and_a_token_in_the_address_is_none(client):
    token = issue_token(ann())
    for address in ("/api/users/me", f"/api/users/me?access_token={token}"):
        answer = client.get(address)
        assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="api"'


def test_many_bad_tokens_are_429_while_good_ones_work(client, settings):
    settings.LIMITS = settings.LIMITS | {"BAD_TOKEN_PER_IP": (3, 900)}
    token = issue_token(ann())
    bad = {"Authorization": "Bearer x"}
    said = [
        client.get("/api/events", headers=bad | {"X-Forwarded-For": f"192.0.2.{n}"}).status_code
        for n in range(5)
    ]
    assert said == [401, 401, 401, 429, 429]
    assert client.get("/api/users/me", headers={"Authorization": f"Bearer {token}"}).status_code == 200


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


def test_end_tokens_counts_up():
    user = ann()
    end_tokens(user)
    end_tokens(user)
    assert user.token_epoch == 2
