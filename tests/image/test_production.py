"""The image's tree in production: its files, how it serves, logs and stops."""

import json
import re
import signal
import threading
import time

import pytest
import requests

from tests.buyer import Buyer, Sandbox, assert_sold_once, make_event
from tests.processes import wait_until

WORKSHOP = (
    "sandbox",
    "tests",
    "assets",
    "bench",
    "deploy",
    "docs",
    "bin",
    "var",
    ".git",
    "requirements-dev.txt",
)
STREAMS = 8  # of one order
STOPS_WITHIN_SECONDS = 5
YEAR_SECONDS = 31_536_000


# -- what is in it ------------------------------------------------------------------------------
def test_nothing_of_the_workshop_is_inside(tree):
    assert [name for name in WORKSHOP if (tree.app / name).exists()] == []
    inside = [path.relative_to(tree.app) for path in tree.app.rglob("*")]
    assert [str(path) for path in inside if "tests" in path.parts or path.name == "conftest.py"] == []
    assert list(tree.root.glob("opt/venv/lib/*/site-packages/pytest*")) == []


def test_the_user_is_not_root_and_can_write_nothing_but_data(tree):
    env = {"VAR_DIR": ""}
    assert tree.run("id", "-u", env=env).stdout.strip() != "0"
    for folder in (tree.app, tree.root / "opt"):
        found = tree.run("find", str(folder), "-writable", "-not", "-type", "l", env=env)
        assert (found.returncode, found.stdout) == (0, "")
    assert tree.run("touch", str(tree.root / "data" / "probe"), env=env).returncode == 0
    status = tree.run("cat", "/proc/self/status", env=env).stdout
    assert re.findall(r"Cap(?:Eff|Prm|Inh|Amb):\s*([0-9a-f]+)", status) == ["0" * 16] * 4


# -- how it serves ------------------------------------------------------------------------------
def test_a_ticket_is_bought_and_paid(shop):
    event = make_event(shop)
    assert requests.get(f"{shop.shop_url}/", timeout=20).status_code == 200
    alice = Sandbox(shop).wallet("alice")
    buyer = Buyer(shop).buy(event, uma_address=alice.address)
    alice.approve(alice.request_for(buyer, seconds=40))
    assert_sold_once(buyer)
    wait_until(lambda: buyer.email in shop.mailed(), 20, "the ticket is mailed")
    health = requests.get(f"{shop.shop_urls[1]}/health", timeout=20)
    assert (health.status_code, health.json()["status"]) == (200, "ok")


def test_static_files_have_hashed_names_are_compressed_and_kept_for_years(shop, static_files):
    assert static_files
    for path in static_files:
        assert re.search(r"\.[0-9a-f]{12}\.\w+$", path), path
        answer = requests.get(f"{shop.shop_url}{path}", headers={"Accept-Encoding": "br"}, timeout=20)
        assert answer.status_code == 200
        kept = answer.headers["Cache-Control"]
        assert "immutable" in kept
        assert int(re.search(r"max-age=(\d+)", kept)[1]) >= YEAR_SECONDS
        if path.endswith((".css", ".js")):
            assert answer.headers.get("Content-Encoding") == "br", path


def security_headers(answer: requests.Response) -> dict[str, str]:
    """The headers that walls are made of; the CSP's directives sorted."""
    names = {
        "X-Frame-Options", "X-Content-Type-Options", "Referrer-Policy", "Cross-Origin-Opener-Policy",
        "Cross-Origin-Resource-Policy",
    }  # fmt: skip
    return {name: answer.headers.get(name) for name in names}


@pytest.mark.parametrize(
    "path", ["/", "/api/events", "/api/nothing-here", "/nothing-here", "/accounts/login/"]
)
def test_every_answer_has_the_walls(shop, path):
    answer = requests.get(f"{shop.shop_url}{path}", timeout=20)
    assert security_headers(answer) == {
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    policy = dict(
        part.strip().partition(" ")[::2] for part in answer.headers["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert "geolocation=()" in answer.headers["Permissions-Policy"]
    assert "Strict-Transport-Security" not in answer.headers  # http here, as ALLOW_TEST_NETWORK lets it


def test_a_broken_page_shows_no_insides(shop):
    answer = requests.get(f"{shop.shop_url}/nothing-here", timeout=20)
    assert answer.status_code == 404
    assert "Traceback" not in answer.text
    assert "DEBUG" not in answer.text
    answer = requests.get(f"{shop.shop_url}/", headers={"Host": "evil.example"}, timeout=20)
    assert answer.status_code == 400


# -- behind a proxy that ends TLS ---------------------------------------------------------------
HTTPS = {"Host": "tickets.example.com", "X-Forwarded-Proto": "https"}
PLAIN = {"Host": "tickets.example.com", "X-Forwarded-Proto": "http"}


def test_https_behind_a_proxy_is_served(behind_proxy):
    answer = requests.get(f"{behind_proxy}/", headers=HTTPS, timeout=20, allow_redirects=False)
    assert answer.status_code == 200
    hsts = answer.headers["Strict-Transport-Security"]
    assert int(re.search(r"max-age=(\d+)", hsts)[1]) >= YEAR_SECONDS
    login = requests.get(f"{behind_proxy}/accounts/login/", headers=HTTPS, timeout=20)
    cookie = next(value for name, value in login.raw.headers.items() if name.lower() == "set-cookie")
    assert cookie.startswith("__Host-csrftoken=")
    assert "Secure" in cookie
    assert "HttpOnly" in cookie


@pytest.mark.parametrize("headers", [PLAIN, {"Host": "tickets.example.com"}], ids=["told", "not told"])
def test_plain_http_is_sent_to_https(behind_proxy, headers):
    answer = requests.get(f"{behind_proxy}/?a=1", headers=headers, timeout=20, allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (301, "https://tickets.example.com/?a=1")


@pytest.mark.parametrize("path", ["/health", "/health/live"])
def test_a_probe_needs_neither_https_nor_a_known_host(behind_proxy, path):
    answer = requests.get(f"{behind_proxy}{path}", timeout=20, allow_redirects=False)
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")


# -- what it says -------------------------------------------------------------------------------
def test_the_log_is_json_with_request_ids_and_no_secret(shop):
    event = make_event(shop, stream_url="https://stream.example.com/canary-stream")
    buyer = Buyer(shop).buy(event)
    bolt11 = buyer.bolt11()
    Sandbox(shop).pay_from_outside(bolt11)
    order = buyer.wait_for("paid")
    token = buyer.bought["order"]["token"]
    answer = requests.get(
        f"{shop.shop_url}/orders/{token}", headers={"X-Request-ID": "asked-by-the-test"}, timeout=20
    )
    assert answer.headers["X-Request-ID"] == "asked-by-the-test"
    mine = wait_until(lambda: [line for line in shop.log_lines() if "asked-by-the-test" in line], 5, "a line")
    lines = [json.loads(line) for line in shop.log_lines()]
    assert {"event", "level", "logger", "timestamp"} <= set.intersection(*(set(line) for line in lines))
    assert [line for line in lines if line["level"] in ("error", "critical")] == []
    said = json.loads(mine[-1])
    assert (said["event"], said["method"], said["status"]) == ("request", "GET", answer.status_code)
    secrets = [
        value
        for name, value in shop.env.items()
        if re.search("SECRET|PRIVATE_KEY|PASSWORD|SIGNING_KEY", name)
    ]
    codes = [ticket["ticket_code"] for ticket in order["tickets"]]
    for word in [*secrets, *codes, token, bolt11, buyer.email, "canary-stream"]:
        assert [line for line in shop.log_lines() if word in line] == []


# -- how it stops -------------------------------------------------------------------------------
class Listener(threading.Thread):
    """An open order page: whether its stream was opened, and that it ended properly."""

    def __init__(self, url: str):
        super().__init__(daemon=True)
        self.answer = requests.get(url, params={"v": ""}, stream=True, timeout=30)
        assert self.answer.status_code == 200
        self.ended_properly = False
        self.start()

    def run(self) -> None:
        for _line in self.answer.iter_lines(chunk_size=1):
            pass
        self.ended_properly = True


def test_a_stop_ends_open_streams_and_is_quick(shop):
    buyer = Buyer(shop).buy(make_event(shop))
    buyer.bolt11()
    url = f"{shop.shop_urls[1]}/orders/{buyer.bought['order']['token']}/live"
    listeners = [Listener(url) for _ in range(STREAMS)]
    started = time.monotonic()
    assert shop.webs[1].stop(signal.SIGTERM) == 0
    assert time.monotonic() - started < STOPS_WITHIN_SECONDS
    for listener in listeners:
        listener.join(5)
    assert [listener.ended_properly for listener in listeners] == [True] * STREAMS
    started = time.monotonic()
    assert shop.worker.stop(signal.SIGTERM) == 0
    assert time.monotonic() - started < STOPS_WITHIN_SECONDS
    shop.webs[1].start()
    shop.worker.start()
    shop.wait_healthy()
