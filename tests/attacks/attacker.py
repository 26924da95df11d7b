"""Attacker: an HTTP client that sends anything, from a network address of its own."""

import http.client
import itertools
import json
import re
import socket
import time
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from accounts.tests.factors import code_at
from tests.stack import Stack

TIMEOUT = 30
_numbers = itertools.count(1)


def cases(names: str, rows: list[tuple]) -> pytest.MarkDecorator:
    """Run a test once for each row `(id in the attack list, what is sent, values of names…)`."""
    return pytest.mark.parametrize(
        names.split(), [pytest.param(*values, id=f"{case} {what}") for case, what, *values in rows]
    )


def fresh_address() -> str:
    """An address of the loopback network that nobody used before, so with every limit untouched."""
    number = next(_numbers)
    return f"127.{100 + number // 62_500}.{number // 250 % 250}.{number % 250 + 1}"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The stable code of a problem; empty when the answer is none."""
        is_json = "json" in self.headers.get("Content-Type", "")
        return self.json().get("code", "") if is_json and self.body.startswith(b"{") else ""

    @property
    def fields(self) -> dict[str, str]:
        """Which field was refused, and the code of why."""
        return {each["field"]: each["code"] for each in self.json().get("errors", [])}

    @property
    def anonymous(self) -> bytes:
        """The body without what differs from answer to answer."""
        return re.sub(rb'"request_id": ?"[^"]*"', b"", self.body)


class Attacker:
    """Sends requests byte by byte as told: nothing is quoted, normalized or followed on the way."""

    def __init__(self, stack: Stack, address: str = ""):
        self.host, self.port = "localhost", stack.ports[0]
        self.address = address or fresh_address()

    def send(
        self, method: str, path: str, body: Any = None, *, token: str = "", order_token: str = "", **headers
    ) -> Answer:
        """`body` is sent as it is when it is bytes, and else as JSON; `headers` with _ for -."""
        sent = {"Host": f"{self.host}:{self.port}", "Connection": "close"}
        if token:
            sent["Authorization"] = f"Bearer {token}"
        if order_token:
            sent["Order-Token"] = order_token
        if body is not None:
            sent["Content-Type"] = "application/json"
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent |= {name.replace("_", "-"): value for name, value in headers.items() if value is not None}
        if body is not None or method in ("POST", "PUT", "PATCH"):
            sent.setdefault("Content-Length", str(len(body or b"")))
        return self.raw(as_request(method, path, sent, body or b""), method)

    def get(self, path: str, **more) -> Answer:
        return self.send("GET", path, **more)

    def post(self, path: str, body: Any = None, **more) -> Answer:
        return self.send("POST", path, body, **more)

    def raw(self, request: bytes, method: str = "GET") -> Answer:
        """The answer to exactly these bytes; of an event stream, which has no end, only its head."""
        with self.connect() as sock:
            sock.sendall(request)
            response = http.client.HTTPResponse(sock, method=method)
            response.begin()
            is_endless = response.getheader("Content-Type") == "text/event-stream"
            return Answer(response.status, response.headers, b"" if is_endless else response.read())

    def connect(self, taking_at_once: int = 0) -> socket.socket:
        """A connection whose window takes, if said, so many bytes at once and no more until they are read."""
        sock = socket.socket()
        sock.settimeout(TIMEOUT)
        sock.bind((self.address, 0))
        if taking_at_once:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, taking_at_once)
        sock.connect((self.host, self.port))
        return sock

    def browser(self) -> "Browser":
        return Browser(f"http://{self.host}:{self.port}", self.address)


def as_request(method: str, path: str, headers: dict, body: bytes) -> bytes:
    lines = [f"{method} {path} HTTP/1.1".encode("utf-8", "surrogateescape")]
    for name, value in headers.items():
        lines.append(name.encode() + b": " + (value if isinstance(value, bytes) else value.encode()))
    return b"\r\n".join([*lines, b"", body])


class _From(HTTPAdapter):
    """requests' transport, from one source address."""

    def __init__(self, address: str):
        self.address = address
        super().__init__()

    def init_poolmanager(self, *args, **kwargs):
        super().init_poolmanager(*args, source_address=(self.address, 0), **kwargs)


class Browser(requests.Session):
    """Cookies and forms: `submit` fetches a page first, and sends its form's token with `fields`.

    The forms that all strangers share have none, and are sent with the Origin that browsers send.
    """

    def __init__(self, url: str, address: str):
        super().__init__()
        self.url, self.counters = url, {}
        self.mount("http://", _From(address))

    def open(self, path: str, **more) -> requests.Response:
        return self.get(self.url + path, timeout=TIMEOUT, allow_redirects=False, **more)

    def submit(self, path: str, *, to: str = "", headers: dict | None = None, **fields) -> requests.Response:
        page = self.open(path)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert "<form" in page.text, f"{path} has no form ({page.status_code})"
        proof = {"csrfmiddlewaretoken": token[1]} if token else {}
        origin = {} if token else {"Origin": self.url}
        return self.send_form(
            to or path, proof | fields, headers={"Referer": self.url} | origin | (headers or {})
        )

    def send_form(self, path: str, fields: dict, headers: dict | None = None) -> requests.Response:
        return self.post(
            self.url + path, data=fields, headers=headers, timeout=TIMEOUT, allow_redirects=False
        )

    def sign_in(self, email: str, password: str) -> requests.Response:
        return self.submit("/accounts/login/", login=email, password=password)

    def give_code(self, secret: str, path: str = "/accounts/2fa/authenticate/", **more) -> requests.Response:
        """Type what an authenticator app with this secret shows now, or next; an app's code is good once."""
        counter = self.counters[secret] = max(int(time.time()) // 30, self.counters.get(secret, 0) + 1)
        return self.submit(path, code=code_at(secret, counter), **more)

    def reset_password(self, link: str, password: str = "a third good passphrase") -> requests.Response:
        """Follow a mailed link to its form, and send it."""
        form = self.open(link).headers.get("Location", "")
        return self.submit(form, password1=password, password2=password)

    @property
    def is_signed_in(self) -> bool:
        return self.open("/accounts/email/").status_code == 200


def assert_problem(answer: Answer, status: int, code: str, challenge: str = 'Bearer realm="api"') -> None:
    """A refusal of the API in its one shape (RFC 9457), with nothing of our insides in it."""
    assert (answer.status, answer.code) == (status, code), answer.text[:500]
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert set(problem) - {"errors"} == {"type", "title", "status", "detail", "code", "request_id"}
    assert problem["status"] == status
    assert_no_insides(answer)
    if status == 401:
        assert answer.headers["WWW-Authenticate"] == challenge
    if status == 405:
        assert answer.headers["Allow"]
    if status in (429, 503):
        assert int(answer.headers["Retry-After"]) > 0


def assert_no_insides(answer: Answer | requests.Response) -> None:
    """No traceback, SQL, path of ours or library's name and version (R10)."""
    said = answer.text + str(answer.headers.items())
    for word in ("Traceback", 'File "', "SELECT ", "INSERT ", "psycopg", "sqlite3.", "django.", "Django/"):
        assert word not in said, f"{word!r} is in the answer"
