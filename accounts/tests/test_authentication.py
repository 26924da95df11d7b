"""API tokens: valid for a day, for one user, and ended at once by a sign-out or a new password."""

import jwt
import pytest
from django.conf import settings as shop

from accounts.authentication import end_tokens, issue_token
from accounts.models import User
from accounts.services import change_password

from .api import PASSWORD, ann, status

pytestmark = pytest.mark.django_db(transaction=True)


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


def test_end_tokens_counts_up():
    user = ann()
    end_tokens(user)
    end_tokens(user)
    assert user.token_epoch == 2
