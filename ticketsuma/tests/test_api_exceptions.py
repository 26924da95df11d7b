"""Refusals of the API: JSON problems, whatever is sent, with the right status and code."""

import json

import pytest

pytestmark = pytest.mark.django_db

PURCHASE = "/api/tickets/purchase"


def send(client, body: bytes, path: str = PURCHASE, kind: str = "application/json", **headers):
    return client.generic("POST", path, body, content_type=kind, headers=headers)


def assert_problem(answer, status: int, code: str) -> dict:
    assert answer.status_code == status, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["type"] == "about:blank"
    assert problem["title"]
    assert problem["detail"]
    assert problem["request_id"] == answer.headers["X-Request-ID"]
    return problem


@pytest.mark.parametrize(
    "body",
    [
        b"{", b"", b"[" * 100_000, b'{"a":' * 30 + b"1" + b"}" * 30, b'{"a": NaN}', b'{"a": -Infinity}',
        b'{"a": 1e400}', b'{"a": ' + b"9" * 5000 + b"}", b'{"a": 1, "a": 2}', b'{"a": "\\u0000"}',
        b'{"a\\u0000": 1}', b'{"a": "\\ud800"}', b'{"a": "\xff"}', '{"a": 1}'.encode("utf-16"), b"\x00",
    ],
)  # fmt: skip
def test_a_body_nobody_can_read_is_400(client, body):
    if not body:
        problem = assert_problem(send(client, body), 400, "invalid")
        assert problem["errors"]
    else:
        assert_problem(send(client, body), 400, "malformed_json")


@pytest.mark.parametrize("body", [b"[]", b'"x"', b"1", b"null", b"true"])
def test_a_body_that_is_no_object_is_400(client, body):
    assert_problem(send(client, body), 400, "invalid")


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
        "application/xml",
        "application/json; charset=utf-16", "application/json; charset=nonsense", "", "nonsense",
    ],
)  # fmt: skip
def test_another_type_is_415(client, kind):
    assert_problem(send(client, b"{}", kind=kind), 415, "unsupported_media_type")


def test_a_compressed_body_is_415(client):
    answer = send(client, b"{}", **{"Content-Encoding": "gzip"})
    assert_problem(answer, 415, "unsupported_media_type")


def test_a_large_body_is_413(client):
    assert_problem(send(client, json.dumps({"name": "x" * 300_000}).encode()), 413, "too_large")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_another_method_is_405_and_says_which_are_allowed(client, method):
    answer = client.generic(method, "/api/tickets/purchase")
    assert_problem(answer, 405, "method_not_allowed")
    assert "POST" in answer.headers["Allow"]


def test_a_method_override_does_nothing(client):
    assert client.get("/api/events", headers={"X-HTTP-Method-Override": "DELETE"}).status_code == 200


@pytest.mark.parametrize(
    "path", ["/api/", "/api/nothing", "/api/events/", "/api/orders", "/api/x.css", "/api//"]
)
def test_no_such_address_is_404_for_every_method(client, path):
    for method in ("GET", "POST", "DELETE", "OPTIONS"):
        assert_problem(client.generic(method, path), 404, "not_found")


@pytest.mark.parametrize("path", ["/api/events?a=%00", "/api/%00", "/api/events/%00"])
def test_a_nul_is_400(client, path):
    assert_problem(client.get(path), 400, "bad_request")


def test_another_host_is_400(client):
    assert_problem(client.get("/api/events", headers={"Host": "evil.example"}), 400, "bad_request")


def test_a_body_of_unknown_length_is_411(client):
    answer = client.post(PURCHASE, headers={"Transfer-Encoding": "chunked"}, CONTENT_LENGTH="")
    assert_problem(answer, 411, "length_required")


def test_only_json_is_offered(client):
    assert_problem(client.get("/api/events", headers={"Accept": "application/xml"}), 406, "not_acceptable")
    assert_problem(client.get("/api/events?format=xml"), 400, "invalid")


def test_the_webhook_refuses_in_json_too(client):
    assert_problem(client.get("/api/webhooks/payment"), 405, "method_not_allowed")
    assert client.get("/api/webhooks/payment").headers["Allow"] == "POST"


def test_only_listed_origins_may_read(client, settings):
    settings.CORS_ALLOWED_ORIGINS = ["https://front.example"]
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "order-token"}
    for origin, allowed in (
        ("https://front.example", True),
        ("https://evil.example", False),
        ("null", False),
    ):
        preflight = client.options("/api/tickets/purchase", headers=asked | {"Origin": origin})
        answer = client.get("/api/events", headers={"Origin": origin})
        assert ("Access-Control-Allow-Origin" in preflight.headers) is allowed
        assert ("Access-Control-Allow-Origin" in answer.headers) is allowed
        assert "Access-Control-Allow-Credentials" not in answer.headers
    assert (
        "Access-Control-Allow-Origin"
        not in client.get("/", headers={"Origin": "https://front.example"}).headers
    )
