"""R13: a stranger who opens event streams without end, of one order and of many."""

import contextlib
import http.client
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.attacks.attacker import Attacker, cases
from tests.attacks.shop import PRODUCTION
from tests.buyer import make_event

MANY = 600


@pytest.fixture(scope="module")
def stack(stacks, static_root):
    stack = stacks.new("sqlite", STATIC_ROOT=str(static_root), **PRODUCTION | {"WEB_WORKERS": "1"})
    if not any(static_root.iterdir()):
        stack.manage("collectstatic", "--no-input", "--verbosity=0", seconds=120)
    yield stack.start()
    stack.close()


@pytest.fixture
def opened():
    """Streams that stay open until the test ends."""
    with contextlib.ExitStack() as kept:
        yield kept


def open_stream(kept: contextlib.ExitStack, by: Attacker, link: str) -> http.client.HTTPResponse | None:
    """The open stream, kept; none when the shop says that the page shall ask instead (204)."""
    sock = by.connect()
    sock.sendall(f"GET {link}/live?v=x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    answer = http.client.HTTPResponse(sock)
    answer.begin()
    assert answer.status in (200, 204)
    if answer.status == 204:
        sock.close()
        return None
    kept.callback(sock.close)
    kept.callback(answer.close)
    return answer


def hears_of_a_change(stream: http.client.HTTPResponse) -> bool:
    started = time.monotonic()
    return any(line.startswith(b"event: changed") for line in stream) and time.monotonic() - started < 5


def buy(by: Attacker, event: int) -> dict:
    body = {"event_id": event, "email": f"r13-{by.address}@example.com"}
    answer = by.post("/api/tickets/purchase", body)
    assert answer.status == 201, answer.text
    return answer.json()


def link_of(bought: dict) -> str:
    return f"/orders/{bought['order']['token']}"


@cases(
    "orders networks left",
    [
        ("R13", "of one order, from one network", 1, 1, 8),
        ("R13", "of one order, from everywhere", 1, MANY, 8),
        ("R13", "of many orders, from one network", 20, 1, 64),
    ],
)
def test_six_hundred_streams_of_a_stranger(stack, opened, orders, networks, left):
    """Another's page that was open stays so and is told; another one opens; the shop answers."""
    event = make_event(stack, capacity=1000)
    honest, links = Attacker(stack), [link_of(buy(Attacker(stack), event)) for _ in range(orders)]
    bought = buy(honest, event)
    before = open_stream(opened, honest, link_of(bought))
    strangers = [Attacker(stack) for _ in range(networks)]
    with ThreadPoolExecutor(16) as pool:  # well within the minute that a stream lives
        streams = list(
            pool.map(lambda n: open_stream(opened, strangers[n % networks], links[n % orders]), range(MANY))
        )
    assert sum(stream is not None for stream in streams) == left
    after = open_stream(opened, honest, link_of(bought))
    assert before is not None
    assert after is not None, "no room for anybody else"
    started = time.monotonic()
    assert honest.get("/").status == honest.get(link_of(bought)).status == 200
    assert time.monotonic() - started < 3
    assert all(hears_of_a_change(stream) for stream in (before, after)), "the version that it shows"
    cancel = f"/api/orders/{bought['order']['id']}/cancel"
    assert honest.post(cancel, order_token=bought["order"]["token"]).status == 200
    assert all(hears_of_a_change(stream) for stream in (before, after))
