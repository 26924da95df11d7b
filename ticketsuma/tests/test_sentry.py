"""Error reports: what arrives at a Sentry says what broke, and holds nothing that opens something."""

import gzip
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import brotli
import pytest

from tests.environment import fresh_secrets
from tests.tree import ROOT
from ticketsuma.conf.sentry import cut

SECRETS = fresh_secrets()
HOLDS = {
    "an e-mail address": "ann@example.com",
    "a UMA address": "$ann@wallet.example",
    "a BOLT11": "lnbcrt10u1pn" + "qwertyuiop23456789" * 8,
    "a ticket's code": "7ZQ4M0K2X9T5R8B3D6F1H7J4NP",
    "a link": "https://tickets.example.com/orders/0b8f6e0a-1111-4222-8333-944455556666.2.Zm9vYmFyYmF6cXV4",
    "a stream": "https://stream.example.com/live",
    "the database's address": "postgres://shop:hunter2@db.example:5432/shop",
    "a key": SECRETS["UMA_SIGNING_PRIVATE_KEY"],
    "a secret": SECRETS["JWT_SECRET"],
}
ROW = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
BREAKS = """
import json, logging, os
import django
django.setup()
import sentry_sdk, structlog
structlog.contextvars.bind_contextvars(request_id="0123456789abcdef")
words = json.loads(os.environ["WORDS"])
def break_it(secret_local):
    raise ValueError("refused: " + "; ".join(words))
try:
    break_it(words)
except ValueError:
    logging.getLogger("tickets.orders").exception("order %s is broken by %s", os.environ["ROW"], words[0])
logging.getLogger("tickets.orders").warning("no report: %s", words[0])
sentry_sdk.flush(10)
"""


class Sentry(HTTPServer):
    """Takes what an SDK sends."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Taking)
        self.taken: list[str] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def dsn(self) -> str:
        return f"http://public@127.0.0.1:{self.server_port}/1"


class Taking(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        unpack = {"gzip": gzip.decompress, "br": brotli.decompress}
        body = unpack.get(self.headers.get("Content-Encoding"), bytes)(body)
        self.server.taken.append(body.decode())
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_args):
        pass


@pytest.fixture
def sentry():
    server = Sentry()
    yield server
    server.shutdown()
    server.server_close()


def run_and_break(**environment: str) -> None:
    env = {name: os.environ[name] for name in ("PATH", "VAR_DIR")} | SECRETS
    env |= {"DEBUG": "1", "DJANGO_SETTINGS_MODULE": "ticketsuma.settings", "ROW": ROW}
    env |= {"WORDS": json.dumps(list(HOLDS.values()))} | environment
    done = subprocess.run(
        [sys.executable, "-c", BREAKS],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_report_says_what_broke_and_holds_nothing_that_opens_something(sentry):
    run_and_break(SENTRY_DSN=sentry.dsn)
    assert len(sentry.taken) == 1, "a warning is no report"
    body = sentry.taken[0]
    assert [what for what, word in HOLDS.items() if word in body] == []
    assert "hunter2" not in body
    assert "secret_local" not in body
    event = json.loads(body.splitlines()[2])
    assert set(event) <= {
        "event_id", "timestamp", "level", "logger", "release", "environment", "platform", "logentry", "tags",
        "exception",
    }  # fmt: skip
    assert event["logentry"]["message"].startswith(f"order {ROW} is broken by ")
    assert event["tags"] == {"request_id": "0123456789abcdef"}
    broken = event["exception"]["values"][-1]
    assert broken["type"] == "ValueError"
    assert broken["stacktrace"]["frames"][-1]["function"] == "break_it"


def test_without_a_dsn_nothing_is_sent_and_nothing_is_loaded(sentry):
    run_and_break()
    assert sentry.taken == []


@pytest.mark.parametrize("what", HOLDS)
def test_each_is_cut(what):
    assert HOLDS[what] not in cut(f"it was {HOLDS[what]}, and broke")


def test_what_helps_stays():
    text = f"the node did not answer within 3.0 s for row {ROW}: NodeUnknown"
    assert cut(text) == text
