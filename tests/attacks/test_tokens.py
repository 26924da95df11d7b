"""A: tokens. Forged, altered, expired and ended ones."""

import time

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.attacks.attacker import assert_problem, cases
from tests.attacks.shop import PASSWORD

ME = "/api/users/me"
RSA_KEY = rsa.generate_private_key(65537, 2048).private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
)
GO_DEFAULT = "your-secret-key"


# -- tokens nobody issued ---------------------------------------------------------------------------
@cases(
    "header_and_key",
    [
        ("A02", "alg none", {"algorithm": "none", "key": ""}),
        ("A02", "RS256 with a key of the sender's", {"algorithm": "RS256", "key": RSA_KEY}),
        ("A02", "HS512 with a key of the sender's", {"algorithm": "HS512", "key": "k" * 64}),
        ("A02", "kid names a file", {"key": "", "headers": {"kid": "/dev/null"}}),
        ("A02", "kid is SQL", {"key": "x" * 32, "headers": {"kid": "' UNION SELECT 'x' --"}}),
        ("A02", "jku points elsewhere", {"key": RSA_KEY, "algorithm": "RS256", "headers": {"jku": "https://evil.example/k"}}),
        ("A02", "x5u points elsewhere", {"key": RSA_KEY, "algorithm": "RS256", "headers": {"x5u": "https://evil.example/c"}}),
        ("A02", "jwk brings its key", {"key": "y" * 32, "headers": {"jwk": {"kty": "oct", "k": "eXl5"}}}),
        ("A04", "signed with 'secret'", {"key": "secret"}),
        ("A04", "signed with 'changeme'", {"key": "changeme"}),
        ("A04", "signed with an empty key", {"key": ""}),
        ("A04", "signed with the Go server's default", {"key": GO_DEFAULT}),
    ],
)  # fmt: skip
def test_a_token_signed_by_somebody_else(shop, someone, header_and_key):
    token = shop.forged(shop.owner, **header_and_key)
    assert_problem(someone.get(ME, token=token), 401, "token_not_valid")


@pytest.mark.parametrize("name", ["None", "NONE", "nOnE", "none", ""], ids=lambda name: f"A02 alg {name!r}")
@pytest.mark.parametrize("keeps_signature", [True, False], ids=["its signature kept", "no signature"])
def test_a_token_without_a_signature(shop, someone, name, keeps_signature):
    _, claims, signature = shop.owner.token.split(".")
    header = jwt.utils.base64url_encode(b'{"alg":"%s","typ":"JWT"}' % name.encode()).decode()
    token = f"{header}.{claims}.{signature if keeps_signature else ''}"
    assert_problem(someone.get(ME, token=token), 401, "token_not_valid")


def test_a_token_signed_with_another_secret_of_ours(shop, someone):
    """A04, and A02's confusion: HS256 over a text that we publish."""
    published = someone.get("/.well-known/lnurlpubkey").body
    for key in (shop.stack.env["SECRET_KEY"], published):
        assert_problem(someone.get(ME, token=shop.forged(shop.owner, key=key)), 401, "token_not_valid")


@cases(
    "claims",
    [
        ("A03", "expired", {"exp": int(time.time()) - 1}),
        ("A03", "no exp", {"exp": ...}),
        ("A03", "exp is 10^20", {"exp": 10**20}),
        ("A03", "exp is NaN", {"exp": float("nan")}),
        ("A03", "exp is Infinity", {"exp": float("inf")}),
        ("A03", "exp is a word", {"exp": "tomorrow"}),
        ("A03", "exp is null", {"exp": None}),
        ("A03", "nbf in the future", {"nbf": 4_000_000_000}),
        ("A03", "iat in the future", {"iat": 4_000_000_000}),
        ("A05", "another audience", {"aud": "https://other.example/api"}),
        ("A05", "no audience", {"aud": ...}),
        ("A05", "another issuer", {"iss": "https://other.example"}),
        ("A05", "no issuer", {"iss": ...}),
        ("A05", "a refresh token", {"token_type": "refresh"}),
        ("A05", "no type", {"token_type": ...}),
        ("A06", "user_id abc", {"user_id": "abc"}),
        ("A06", "user_id -1", {"user_id": -1}),
        ("A06", "user_id 10^30", {"user_id": 10**30}),
        ("A06", "user_id 2^63", {"user_id": str(2**63)}),
        ("A06", "user_id null", {"user_id": None}),
        ("A06", "user_id a list", {"user_id": [1]}),
        ("A06", "user_id an object", {"user_id": {"id": 1}}),
        ("A06", "user_id 1.0", {"user_id": 1.0}),
        ("A06", "user_id true", {"user_id": True}),
        ("A06", "user_id in full-width digits", {"user_id": "１"}),
        ("A06", "no user_id", {"user_id": ...}),
        ("A07", "another epoch", {"token_epoch": 99}),
        ("A07", "epoch as text", {"token_epoch": "0"}),
        ("A07", "epoch false for 0", {"token_epoch": False}),
        ("A07", "no epoch", {"token_epoch": ...}),
    ],
)  # fmt: skip
def test_our_signature_under_odd_claims(shop, someone, claims):
    assert someone.get(ME, token=shop.forged(shop.owner)).status == 200, "an honest copy is let in"
    assert_problem(someone.get(ME, token=shop.forged(shop.owner, **claims)), 401, "token_not_valid")


@cases(
    "headers status code",
    [
        ("A01", "no header", [], 401, "not_authenticated"),
        ("A10", "Basic", [b"Basic c3RhZmY6c2VjcmV0"], 401, "not_authenticated"),
        ("A10", "Bearer alone", [b"Bearer"], 401, "token_not_valid"),
        ("A10", "three parts", [b"Bearer a b"], 401, "token_not_valid"),
        ("A10", "no JWT", [b"Bearer abc"], 401, "token_not_valid"),
        ("A10", "empty parts", [b"Bearer .."], 401, "token_not_valid"),
        ("A10", "not ASCII", [b"Bearer \xc3\xbc.\xff.\xe4"], 401, "token_not_valid"),
        ("A10", "7 KB", [b"Bearer " + b"a" * 7000], 401, "token_not_valid"),
        ("A10", "20 KB", [b"Bearer " + b"a" * 20_000], 431, "headers_too_large"),
        ("A10", "two headers, the good one first", [b"TOKEN", b"Bearer x"], 401, "token_not_valid"),
        ("A10", "two headers, the good one last", [b"Bearer x", b"TOKEN"], 401, "token_not_valid"),
    ],
)  # fmt: skip
def test_odd_headers(shop, someone, headers, status, code):
    good = f"Bearer {shop.owner.token}".encode()
    lines = b"".join(
        b"Authorization: " + (good if value == b"TOKEN" else value) + b"\r\n" for value in headers
    )
    answer = someone.raw(
        b"GET /api/users/me HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + lines + b"\r\n"
    )
    assert_problem(answer, status, code)


@pytest.mark.parametrize(
    "name", ["access_token", "token", "jwt", "Authorization"], ids=lambda n: f"A10 ?{n}="
)
def test_a_token_in_the_address_is_none(shop, someone, name):
    answer = someone.get(f"{ME}?{name}={shop.owner.token}")
    assert_problem(answer, 401, "not_authenticated")


# -- tokens that ended ------------------------------------------------------------------------------
def log_out(shop, person):
    assert shop.attacker().post("/api/users/logout", token=person.token).status == 204


def change_password(shop, person):
    body = {"current_password": PASSWORD, "password": "another good passphrase"}
    assert shop.attacker().send("PATCH", f"/api/users/{person.id}", body, token=person.token).status == 200


def change_password_by_page(shop, person):
    browser = shop.attacker().browser()
    browser.sign_in(person.email, PASSWORD)
    new = "another good passphrase"
    done = browser.submit("/accounts/password/change/", oldpassword=PASSWORD, password1=new, password2=new)
    assert done.status_code == 302, done.text


def reset_password_by_page(shop, person):
    browser = shop.attacker().browser()
    browser.submit("/accounts/password/reset/", email=person.email)
    browser.reset_password(shop.mailed_link(person.email, "password/reset/key"))


def change_email(shop, person):
    new = f"new-{person.email}"
    body = {"current_password": PASSWORD, "email": new}
    assert shop.attacker().send("PATCH", f"/api/users/{person.id}", body, token=person.token).status == 200
    key = shop.mailed_link(new, "confirm-email").rstrip("/").rpartition("/")[2]
    assert shop.attacker().post("/api/users/verify-email", {"key": key}).status == 200


def deactivate(shop, person):
    shop.stack.django("User.objects.filter(pk=pk).update(is_active=False)", pk=person.id)


def delete(shop, person):
    body = {"current_password": PASSWORD}
    assert shop.attacker().send("DELETE", f"/api/users/{person.id}", body, token=person.token).status == 204


@cases(
    "end",
    [
        ("A07", "logout", log_out),
        ("A07", "password change", change_password),
        ("A07", "password change by page", change_password_by_page),
        ("A07", "password reset", reset_password_by_page),
        ("A07", "e-mail change", change_email),
        ("A07", "deactivation", deactivate),
        ("A08", "deletion", delete),
    ],
)
def test_a_token_is_dead_at_once_after(shop, someone, end):
    person = shop.person()
    assert someone.get(ME, token=person.token).status == 200
    end(shop, person)
    assert_problem(someone.get(ME, token=person.token), 401, "token_not_valid")


def test_staff_who_lost_their_proof_are_staff_no_more(shop, someone):
    """A07, role removal: who is staff is asked on every request."""
    boss = shop.people("boss")[0]
    assert_problem(someone.post("/api/events", {}, token=boss.token), 400, "invalid")
    shop.stack.django(
        "EmailAddress.objects.filter(user_id=pk).update(verified=False)",
        pk=boss.id,
    )
    assert_problem(someone.post("/api/events", {}, token=boss.token), 403, "permission_denied")
