"""B02, B09, B14: foreign rows look like missing ones, and the admin is closed to all but staff."""

import pytest

from tests.attacks.attacker import assert_no_insides, assert_problem
from tests.attacks.cast import ROLES, make_cast
from tests.attacks.endpoints import admin_paths
from tests.attacks.test_matrix import NOBODY


@pytest.fixture(scope="module")
def cast(shop):
    return make_cast(shop, shop.staff)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/api/orders/{}"), ("POST", "/api/orders/{}/cancel"), ("GET", "/api/tickets/{}/status")],
    ids=lambda value: f"B02 B14 {value}",
)
def test_what_is_anothers_looks_like_what_is_not_there(shop, cast, someone, method, path):
    """The same answer to the byte; ids are random, and the numbers of old find nothing."""
    token = cast.people["stranger"].token
    others = cast.theirs["order"]["id"]
    missing = someone.send(method, path.format(NOBODY), token=token)
    assert_problem(missing, 404, "not_found")
    if "tickets" not in path:
        for tried in (
            {"token": token},
            {},
            {"order_token": cast.guests["order"]["token"]},
            {"order_token": ""},
        ):
            answer = someone.send(method, path.format(others), **tried)
            assert (answer.status, answer.anonymous) == (404, missing.anonymous)
            assert answer.headers["Content-Length"] == missing.headers["Content-Length"]
    for number in (1, 2, 3, 1000, 0, -1):
        assert someone.send(method, path.format(number), token=token).status == 404


@pytest.mark.parametrize("role", ROLES, ids=lambda role: f"B09 {role}")
def test_the_admin_is_for_staff(cast, role):
    """Every address of it, whatever it says, for GET and POST."""
    headers = {"X_Admin": "true", "X_Forwarded_User": "staff@example.com"}
    person = cast.people.get(role)
    if person:
        headers["Cookie"] = cast.sessions[role]
    attacker = cast.shop.attacker()
    for path in admin_paths():
        answer = attacker.get(f"{path}?admin=1&is_staff=1", **headers)
        if role == "staff":
            assert answer.status in (200, 302, 400, 403, 404, 405), (path, answer.status)
        elif path == "/admin/login/" and person:
            assert answer.status == 403, "signed in, and not staff"
        else:
            assert answer.status == 302, (path, answer.status)
            to = answer.headers["Location"]
            assert to.startswith(("/accounts/", "/admin/login/")) or (path, to) == (
                "/admin/logout/",
                "/admin/",
            )
            assert_no_insides(answer)


def test_an_api_token_opens_no_page_and_a_session_no_api(cast, someone):
    """B09, D05"""
    assert someone.get("/admin/", token=cast.people["staff"].token).status == 302
    assert someone.get("/me", token=cast.people["owner"].token).status == 302
    session = cast.sessions["staff"]
    assert_problem(someone.get("/api/users/me", Cookie=session), 401, "not_authenticated")
    assert_problem(someone.post("/api/events", {}, Cookie=session), 401, "not_authenticated")
