"""Fixtures: a real sandbox process, a real webhook receiver and a real receiving VASP."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import lightspark
import pytest
import requests

ROOT = Path(__file__).resolve().parent.parent
NODE_ID = "LightsparkNodeWithOSKLND:00000000-0000-4000-8000-000000000001"
SECRET = "whsec-for-tests"
# A node that sends free, all it has and at once, for tests about something else.
KIND = {"reserve_percent": 0, "fee_base_msats": 0, "fee_ppm": 0, "settle_s": 0}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(condition: Callable, *, within: float = 8):
    """What `condition` returns once it is true; fails after `within` seconds."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"not within {within} s")


class Sandbox:
    """The sandbox as its users see it: over HTTP."""

    def __init__(self, folder: Path, webhook_url: str):
        self.port = free_port()
        self.domain = f"localhost:{self.port}"
        self.url = f"http://127.0.0.1:{self.port}"
        self.vasp_port = free_port()
        self.log, self.mails = folder / "gunicorn.log", folder / "mails"
        self.mails.mkdir()
        self.environment = os.environ | {
            "SANDBOX_PORT": str(self.port),
            "SANDBOX_DATABASE": str(folder / "sandbox.sqlite3"),
            "SANDBOX_DOMAIN": self.domain,
            "SANDBOX_MAIL_FOLDER": str(self.mails),
            "SANDBOX_FLOAT_SATS": "0",
            "SANDBOX_FLOAT_PERCENT": "0",
            "SANDBOX_LOCAL_VASPS": f"localhost:{self.vasp_port}",
            "SANDBOX_WEBHOOK_URL": webhook_url,
            "LIGHTSPARK_API_TOKEN_CLIENT_ID": "shop",
            "LIGHTSPARK_API_TOKEN_CLIENT_SECRET": "shop-secret",
            "LIGHTSPARK_NODE_ID": NODE_ID,
            "LIGHTSPARK_NODE_PASSWORD": "shop-password",
            "LIGHTSPARK_WEBHOOK_SIGNING_KEY": SECRET,
            "LIGHTSPARK_NETWORK": "REGTEST",
        }
        self.environment.pop("DJANGO_SETTINGS_MODULE", None)

    def prepare(self) -> None:
        subprocess.run(
            [sys.executable, "manage.py", "prepare"],
            cwd=ROOT,
            env=self.environment,
            check=True,
            capture_output=True,
        )

    def start(self) -> None:
        command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:application"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=log, stderr=log)
        until(self.is_ready, within=20)

    def is_ready(self) -> bool:
        try:
            return requests.get(f"{self.url}/health", timeout=1).status_code == 200
        except requests.RequestException:
            return False

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)

    def get(self, path: str) -> dict:
        return requests.get(self.url + path, timeout=10).json()

    def post(self, path: str, body: dict | None = None, *, expect: int | None = None) -> dict:
        answer = requests.post(self.url + path, json=body or {}, timeout=40)
        if expect is not None:
            assert answer.status_code == expect, answer.text
        return answer.json()

    def fault(self, kind: str, **params) -> dict:
        return self.post("/api/faults", {"kind": kind, **params}, expect=201)

    def client(self, client_id: str = "shop", secret: str = "shop-secret") -> lightspark.LightsparkSyncClient:
        return lightspark.LightsparkSyncClient(
            client_id, secret, base_url=f"{self.url}/graphql/server/2023-09-13"
        )

    def assert_books_agree(self) -> None:
        """No money was made or lost, and the wallet's node holds exactly what its users own."""
        ledger = self.get("/api/ledger")
        assert ledger["sum_of_balances_msats"] + ledger["under_way_msats"] == 0
        (wallet,) = [node for node in self.get("/api/nodes")["nodes"] if node["name"] == "wallet"]
        users = self.get("/api/wallets")["wallets"]
        owned = sum(self.get(f"/api/wallets/{user['name']}")["balance_msats"] for user in users)
        earned = self.get("/api/wallets")["earned_msats"]
        assert wallet["balance_msats"] == owned + earned

    def push(self, uma_invoice: str) -> requests.Response:
        endpoint = self.get("/.well-known/uma-configuration")["uma_request_endpoint"]
        return requests.post(endpoint, json={"invoice": uma_invoice}, timeout=10, allow_redirects=False)

    def waiting(self, user: str) -> dict:
        rows = self.get(f"/api/wallets/{user}")["requests"]
        return next(row for row in rows if row["status"] == "waiting")

    def balance_sats(self, user: str) -> int:
        return self.get(f"/api/wallets/{user}")["balance_sats"]


class Receiver:
    """Takes the webhooks of the shop's node: raw body and signature, and answers what `status` says."""

    def __init__(self):
        self.events: list[dict] = []
        self.status = 200
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                signature = self.headers.get(lightspark.SIGNATURE_HEADER)
                receiver.events.append({"body": body, "signature": signature, **json.loads(body)})
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def about(self, entity_id: str) -> list[dict]:
        return [event for event in self.events if event["entity_id"] == entity_id]


@pytest.fixture(scope="session")
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()


@pytest.fixture(scope="session")
def running(tmp_path_factory, receiver) -> Iterator[Sandbox]:
    made = Sandbox(tmp_path_factory.mktemp("sandbox"), receiver.url)
    made.prepare()
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def toy(running) -> Iterator:
    from toy_vasp import ToyVasp

    made = ToyVasp(running)
    yield made
    made.server.shutdown()


@pytest.fixture
def seller(sandbox, toy):
    """The toy VASP, well-behaved and with empty memory."""
    toy.reset()
    return toy


@pytest.fixture
def sandbox(running, receiver) -> Iterator[Sandbox]:
    """The one sandbox of the session, without faults; afterwards no money may have been made or lost."""
    requests.delete(f"{running.url}/api/faults", timeout=5)
    receiver.status = 200
    yield running
    requests.delete(f"{running.url}/api/faults", timeout=5)
    running.assert_books_agree()
