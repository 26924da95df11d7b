"""D08 to D12: hosts, headers of proxies, caches, files, addresses that do not exist."""

import json

import pytest

from tests.attacks.attacker import assert_no_insides, cases
from tests.attacks.shop import PASSWORD

GET = b"GET / HTTP/1.1\r\nConnection: close\r\n"


# -- hosts ------------------------------------------------------------------------------------------
@cases(
    "host status",
    [
        ("D08", "evil", "evil.example", 400),
        ("D08", "evil and our port", "evil.example:80", 400),
        ("D08", "userinfo", "localhost@evil.example", 400),
        ("D08", "userinfo the other way", "evil.example@localhost", 400),
        ("D08", "a name longer than ours", "localhost.evil.example", 400),
        ("D08", "a path", "localhost/evil.example", 400),
        ("D08", "two hosts", "localhost,evil.example", 400),
        ("D08", "a port that is none", "localhost:evil", 400),
        ("D08", "empty", "", 400),
        ("D08", "an address", "0.0.0.0", 400),
        ("D08", "the cloud's", "169.254.169.254", 400),
    ],
)
@pytest.mark.parametrize(
    "path", ["/", "/api/events", "/static/img/icon.svg", "/.well-known/uma-configuration"]
)
def test_another_host(someone, path, host, status):
    answer = someone.raw(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    assert answer.status == status
    assert "evil.example" not in answer.text
    assert_no_insides(answer)


@cases(
    "request_bytes status",
    [
        ("D08", "no host", GET + b"\r\n", 400),
        ("D08", "no host, HTTP/1.0", b"GET / HTTP/1.0\r\n\r\n", 400),
        ("D08", "two hosts", GET + b"Host: localhost\r\nHost: evil.example\r\n\r\n", 400),
    ],
)  # fmt: skip
def test_no_host_or_two(someone, request_bytes, status):
    assert someone.raw(request_bytes).status == status


@cases(
    "headers",
    [
        ("D08", "X-Forwarded-Host", {"X_Forwarded_Host": "evil.example"}),
        ("D08", "Forwarded", {"Forwarded": "host=evil.example"}),
        ("D09", "X-Forwarded-Prefix", {"X_Forwarded_Prefix": "/evil.example"}),
        ("D09", "X-Forwarded-Port", {"X_Forwarded_Port": "666"}),
        ("D09", "X-Forwarded-Server", {"X_Forwarded_Server": "evil.example"}),
        ("D09", "SCRIPT_NAME", {"SCRIPT_NAME": "/evil.example"}),
    ],
)
def test_headers_that_say_we_are_somebody_else(shop, someone, headers):
    usual, answer = someone.get("/"), someone.get("/", **headers)
    assert answer.status == 200
    assert "evil.example" not in answer.text + str(answer.headers.items())
    assert len(answer.text) == len(usual.text)


# -- caches, files, what is not there ---------------------------------------------------------------
@cases(
    "path",
    [
        ("D09", "a page as a style sheet", "/find/x.css"),
        ("D09", "an order as a style sheet", "/orders/{token}/x.css"),
        ("D09", "an order as a picture", "/orders/{token}.png"),
        ("D09", "an order and a path parameter", "/orders/{token};x.css"),
        ("D09", "an order and a slash", "/orders/{token}/"),
        ("D11", "static, up", "/static/../ticketsuma/settings.py"),
        ("D11", "static, up in escapes", "/static/%2e%2e/ticketsuma/settings.py"),
        ("D11", "static, up in more escapes", "/static/..%2fmanage.py"),
        ("D11", "static, escaped twice", "/static/%252e%252e%252fmanage.py"),
        ("D11", "static, backslashes", "/static/..%5cmanage.py"),
        ("D11", "two slashes", "//etc/passwd"),
        ("D11", "static and two slashes", "/static//etc/passwd"),
        ("D11", "the manifest", "/static/staticfiles.json.bak"),
        ("D11", "media, up", "/media/../shop.sqlite3"),
        ("D11", "media, up in escapes", "/media/%2e%2e%2fshop.sqlite3"),
        ("D11", "a database", "/shop.sqlite3"),
        ("D12", ".git", "/.git/config"),
        ("D12", ".env", "/.env"),
        ("D12", "the debug toolbar", "/__debug__/"),
        ("D12", "settings", "/ticketsuma/settings.py"),
        ("D12", "phpMyAdmin", "/phpmyadmin/"),
        ("D12", "status of a server", "/server-status"),
    ],
)
def test_what_is_not_there(shop, someone, path):
    bought = shop.buy(event=shop.free)
    answer = someone.get(path.format(token=bought["order"]["token"]))
    assert answer.status == 404
    assert bought["tickets"][0]["ticket_code"] not in answer.text
    assert_no_insides(answer)


def test_static_and_nul(someone):
    """D11"""
    assert someone.get("/static/%00").status == 400


def test_the_schema_has_no_routes_of_ours_alone(someone):
    """D12: what wallets, the node and staff's pages use is not the API's."""
    paths = set(
        json.loads(someone.get("/api/schema", Accept="application/vnd.oai.openapi+json").body)["paths"]
    )
    assert "/api/tickets/purchase" in paths
    assert not [path for path in paths if "admin" in path or "uma/" in path or "webhook" in path]


@pytest.mark.parametrize("path", ["", "/status", "/live"], ids=lambda p: f"D10 D14 /orders/…{p}")
def test_pages_with_a_key_in_their_address_are_kept_by_nobody(shop, someone, path):
    bought = shop.buy(event=shop.free)
    link = bought["tickets"][0]["url"].removeprefix(shop.stack.shop_url)
    for page in (f"/orders/{bought['order']['token']}{path}", link, f"{link}/calendar.ics"):
        answer = someone.get(page)
        assert answer.status == 200
        assert "no-store" in answer.headers["Cache-Control"]
        assert answer.headers["Referrer-Policy"] in ("same-origin", "no-referrer")


def test_pages_of_somebody_signed_in_are_kept_by_nobody(shop, visitor):
    """D10: the back button after signing out shows nothing."""
    visitor.sign_in(shop.person().email, PASSWORD)
    for path in ("/me", "/me/account", "/me/data", "/accounts/email/"):
        assert "no-store" in visitor.open(path).headers["Cache-Control"], path
