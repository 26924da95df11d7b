"""Second factors in the API: a token takes the code along, and opens staff's acts by it alone."""

import pytest

from accounts.authentication import issue_token
from accounts.models import User
from accounts.staff import save_verified_user
from accounts.tests.factors import App, wrong_code
from accounts.tests.people import PASSWORD, ann, token_works
from tests.factories import EveningFactory

pytestmark = pytest.mark.django_db(transaction=True)
DOOR = {"ticket_code": "A" * 26, "event_id": 1, "nonce": "n"}


@pytest.fixture
def required(settings):
    settings.STAFF_SECOND_FACTOR = "required"


def login(post, email="ann@example.com", **more):
    return post("/users/login", {"email": email, "password": PASSWORD, **more})


def staff() -> User:
    return save_verified_user(email="staff@example.com", password=PASSWORD)[0]


def test_who_has_a_factor_needs_it_for_a_token(client, post):
    app = App(ann())
    assert (login(post).status_code, login(post).json()["code"]) == (401, "otp_required")
    wrong = login(post, otp=wrong_code(app.secret))
    assert (wrong.status_code, wrong.json()["code"]) == (401, "wrong_otp")
    code = app.code()
    good = login(post, otp=code)
    assert token_works(client, good.json()["token"])
    assert login(post, otp=code).json()["code"] == "wrong_otp", "a code is good once"
    assert login(post, otp=app.recovery_codes[0]).status_code == 200
    assert login(post, otp=app.recovery_codes[0]).json()["code"] == "wrong_otp"


def test_a_wrong_password_says_nothing_of_factors(post):
    App(ann())
    answer = post("/users/login", {"email": "ann@example.com", "password": "x" * 12})
    assert answer.json()["code"] == "invalid_credentials"


def test_guesses_by_the_api_are_counted_with_those_on_pages(post, settings):
    settings.LIMITS = settings.LIMITS | {"CODE_PER_ACCOUNT": (3, 3600)}
    app = App(ann())
    said = [login(post, otp=wrong_code(app.secret)).json()["code"] for _ in range(3)]
    assert said == ["wrong_otp"] * 3
    assert login(post, otp=app.code()).json()["code"] == "throttled"


def test_staff_without_a_factor_open_nothing_of_staffs(post, required):
    staff()
    EveningFactory(is_active=False)
    token = login(post, "staff@example.com").json()["token"]
    for method, path in (("POST", "/events"), ("POST", "/tickets/check-in"), ("DELETE", "/events/1")):
        answer = post(path, DOOR, token=token, method=method)
        assert (answer.status_code, answer.json()["code"]) == (403, "second_factor_required"), path
    seen = post("/events", None, token=token, method="GET").json()
    assert seen["results"] == [], "hidden events are staff's"


def test_staff_with_theirs_do(post, required):
    app = App(staff())
    token = login(post, "staff@example.com", otp=app.code()).json()["token"]
    event = EveningFactory()
    scan = DOOR | {"event_id": event.pk}
    assert post("/tickets/check-in", scan, token=token).json()["code"] == "unknown_code"
    assert post("/events", {}, token=token).json()["code"] == "invalid"


def test_a_token_from_before_the_factor_ends_with_it(client):
    token = str(issue_token(user := ann()))
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    client.post(client.get("/accounts/2fa/totp/activate/")["Location"], {"password": PASSWORD})
    secret = client.get("/accounts/2fa/totp/activate/").context["form"].secret
    from allauth.mfa.totp.internal import auth

    code = auth.format_hotp_value(auth.hotp_value(secret, next(auth.yield_hotp_counters_from_time())))
    client.post("/accounts/2fa/totp/activate/", {"code": code})
    assert not token_works(client, token)
