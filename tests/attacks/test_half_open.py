"""R07, R11: slow clients, more of them than the server has threads."""

import contextlib
import socket
import time

import pytest
import requests

from tests.attacks.attacker import Attacker, cases
from tests.attacks.shop import PRODUCTION
from tests.processes import PATIENCE, wait_until
from ticketsuma.web.gunicorn_worker import STALLED_SECONDS

THREADS, PROCESSES = 16, 2
MANY = THREADS * PROCESSES + 60
POST = b"POST /find HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
LOGIN = b"POST /api/users/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def stack(stacks, static_root):
    walls = PRODUCTION | {"WEB_THREADS": str(THREADS), "WEB_WORKERS": str(PROCESSES)}
    walls |= {"LIVE_STREAMS_PER_PROCESS": "4"}
    stack = stacks.new("sqlite", workers=0, STATIC_ROOT=str(static_root), **walls)
    if not any(static_root.iterdir()):
        stack.manage("collectstatic", "--no-input", "--verbosity=0", seconds=120)
    yield stack.start()
    stack.close()


@pytest.fixture
def slow(stack):
    """Open MANY connections that each send `start`, and leave them as they are."""
    with contextlib.ExitStack() as opened:

        def open_them(start: bytes, many: int = MANY, taking_at_once: int = 0) -> list[socket.socket]:
            socks = [opened.enter_context(Attacker(stack).connect(taking_at_once)) for _ in range(many)]
            for sock in socks:
                sock.sendall(start)
            return socks

        yield open_them


@cases(
    "start",
    [
        ("R07", "nothing at all", b""),
        ("R07", "a head that never ends", b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: "),
        ("R07", "a body that never comes", LOGIN + b"Content-Length: 100\r\n\r\n{"),
        ("R07", "a form that never comes", POST + b"Content-Length: 100\r\n\r\nemail="),
        ("R07", "a chunk that never comes", POST + b"Transfer-Encoding: chunked\r\n\r\n"),
        ("R07", "too long a body that never comes", POST + b"Content-Length: 5000000\r\n\r\nemail="),
        ("R07", "an end that is never hung up", b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n"
                b"Connection: close\r\n\r\n"),
        ("R07", "the second request, half", b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HT"),
    ],
)  # fmt: skip
def test_more_half_open_requests_than_threads(stack, slow, start):
    slow(start)
    started = time.monotonic()
    assert [Attacker(stack).get("/health/live").status for _ in range(6)] == [200] * 6
    assert time.monotonic() - started < 3 * PATIENCE


def test_answers_that_nobody_reads(stack, slow, static_root):
    """R11: more than the network holds, for clients that never take it; they are left in the end."""
    large = next(static_root.glob("vendor/zxing_reader-*.wasm"))
    get = f"GET /static/vendor/{large.name} HTTP/1.1\r\nHost: localhost\r\n\r\n"
    assert Attacker(stack).raw(get.encode()).status == 200
    # One answer to each has to be more than the network holds: a busy process says "close" after the first.
    # Three times as many clients as threads: the kernel does not share them out evenly among the processes.
    slow(get.encode() * 20, 3 * THREADS * PROCESSES, taking_at_once=4096)
    wait_until(lambda: not answers(stack), STALLED_SECONDS, "all threads wait for a reader")
    wait_until(lambda: answers(stack), 7 * STALLED_SECONDS, "the server answers again")


def answers(stack) -> bool:
    with contextlib.suppress(OSError):
        return requests.get(f"{stack.shop_url}/health/live", timeout=2).ok
    return False
