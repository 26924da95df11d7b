"""Event streams over real sockets: changes arrive at once, streams end when the server stops."""

import os
import signal
import time
from collections.abc import Iterator

import requests

from tests.buyer import Buyer, Sandbox, make_event

DEADLINE_SECONDS = 5


def open_stream(buyer: Buyer) -> Iterator[bytes]:
    """The lines of the order's event stream, the first of which has arrived."""
    url = f"{buyer.stack.shop_url}/orders/{buyer.bought['order']['token']}/live"
    answer = requests.get(url, params={"v": version(buyer)}, stream=True, timeout=30)
    assert answer.headers["Content-Type"] == "text/event-stream"
    lines = answer.iter_lines(chunk_size=1)
    assert next(lines).startswith(b"retry:")
    return lines


def version(buyer: Buyer) -> str:
    page = requests.get(f"{buyer.stack.shop_url}/orders/{buyer.bought['order']['token']}", timeout=30).text
    return page.partition('data-version="')[2].partition('"')[0]


def test_a_payment_is_told_to_the_open_page_under_the_deadline(sqlite_stack):
    buyer = Buyer(sqlite_stack).buy(make_event(sqlite_stack))
    bolt11 = buyer.bolt11()
    lines = open_stream(buyer)
    started = time.monotonic()
    Sandbox(sqlite_stack).wallet("bob").pay(bolt11)
    assert next(line for line in lines if line.startswith(b"event")) == b"event: changed"
    took = time.monotonic() - started
    print(f"from paying to the event: {took:.2f} s")
    assert took < DEADLINE_SECONDS


def test_stopping_the_web_server_ends_open_pages_at_once(sqlite_stack):
    """Well before gunicorn's graceful timeout of four seconds, after which it would cut them."""
    buyer = Buyer(sqlite_stack).buy(make_event(sqlite_stack))
    buyer.bolt11()
    streams = [open_stream(buyer) for _ in range(4)]
    try:
        os.kill(sqlite_stack.web.pid, signal.SIGTERM)
        started = time.monotonic()
        assert not any(line.startswith(b"event") for lines in streams for line in lines)
        took = time.monotonic() - started
    finally:
        sqlite_stack.web.stop()
        sqlite_stack.web.start()
        sqlite_stack.wait_healthy()
    assert took < 3
