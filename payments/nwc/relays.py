"""Talking to relays, which strangers name and run: by the guard's rules, all of a link's at a time.

A socket goes to an address that `safe_http` checked and to no other, without proxies or redirects to other
hosts; whatever a relay sends is bounded in size, number and time. All talks run on one thread of the worker's
(asyncio), so that a wallet which is silent for 20 seconds holds none of its job threads.
"""

import asyncio
import functools
import json
import logging
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from django.db import connection
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from payments.uma.safe_http import way_to
from ticketsuma.errors import DomainError

from .link import Link, http_url
from .protocol import Info, RelayAway, Request, Silent, info_filter, read_info

logger = logging.getLogger(__name__)
T = TypeVar("T")
Read = Callable[[object], T | None]

MAX_MESSAGE_BYTES = 64 * 1024
MAX_MESSAGES = 50
CONNECT_SECONDS = 4.0
AT_ONCE = 200


_after = ThreadPoolExecutor(max_workers=4, thread_name_prefix="heard")


def in_background(
    talk: Coroutine[Any, Any, T], then: Callable[["Future[T]"], object] | None = None
) -> "Future[T]":
    """Run a talk on the worker's thread for them, and `then` on another, which may ask the database.

    Refuses to run inside a transaction.
    """
    if connection.in_atomic_block:
        talk.close()
        raise RuntimeError("Wallets are never asked inside a database transaction.")
    future = asyncio.run_coroutine_threadsafe(_in_turn(talk), _loop())
    if then:
        future.add_done_callback(lambda heard: _after.submit(then, heard))
    return future


async def _in_turn(talk: Coroutine[Any, Any, T]) -> T:
    async with _turns():
        return await talk


_making = threading.Lock()


def _loop() -> asyncio.AbstractEventLoop:
    with _making:
        return _running_loop()


@functools.cache
def _running_loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="relays", daemon=True).start()
    return loop


@functools.cache
def _turns() -> asyncio.Semaphore:
    return asyncio.Semaphore(AT_ONCE)


# -- what is asked ----------------------------------------------------------------------------
async def info_of(link: Link, *, seconds: float) -> Info:
    """What the wallet says that it can do. Raises Silent or RelayAway."""
    return await _first(link, [info_filter(link)], None, lambda event: read_info(event, link), seconds)


async def ask(
    link: Link, method: str, params: Mapping[str, Any], *, nip44: bool, seconds: float
) -> dict[str, Any]:
    """The wallet's `result` of a request, which is published once and good for `seconds`.

    Raises SaidNo, Silent or RelayAway. Whichever it is, a request to pay may yet be followed.
    """
    request = Request(link, method, params, nip44=nip44, ends_at=int(time.time() + seconds))
    return await _first(link, [request.filter], request.event, request.read, seconds)


async def _first(link: Link, filters: list[dict], event: dict | None, read: Read[T], seconds: float) -> T:
    """What `read` makes of the first message, from any of the relays, of which it makes something."""
    took: list[str] = []
    talks = [asyncio.create_task(_talk(url, filters, event, read, seconds, took)) for url in link.relays]
    try:
        for talk in asyncio.as_completed(talks, timeout=seconds):
            try:
                return await talk
            except (OSError, WebSocketException, DomainError, ValueError) as error:
                logger.info("a relay left: %s", type(error).__name__)
    except TimeoutError:
        raise (Silent if took else RelayAway) from None
    finally:
        for each in talks:
            each.cancel()
        await asyncio.gather(*talks, return_exceptions=True)
    raise Silent if took else RelayAway


async def _talk(
    url: str, filters: list[dict], event: dict | None, read: Read[T], seconds: float, took: list[str]
) -> T:
    """One relay: subscribe, publish, listen until `read` has something. Raises OSError and the like."""
    async with await _connect(url, seconds) as socket:
        await socket.send(json.dumps(["REQ", "answer", *filters]))
        if event:
            await socket.send(json.dumps(["EVENT", event]))
        else:
            took.append(url)
        for _count in range(MAX_MESSAGES):
            message = _parse(await socket.recv())
            if event and message[:3] == ["OK", event["id"], True]:
                took.append(url)
            elif event and message[:3] == ["OK", event["id"], False]:
                raise OSError("not taken")
            elif message[:2] == ["CLOSED", "answer"]:
                raise OSError("closed")
            elif message[:2] == ["EVENT", "answer"] and len(message) == 3:
                answer = read(message[2])
                if answer is not None:
                    return answer
        raise OSError("too many messages")


async def _connect(url: str, seconds: float) -> ClientConnection:
    """A WebSocket to one of the checked addresses, its certificate checked against the host's name."""
    ends_at = time.monotonic() + min(CONNECT_SECONDS, seconds)
    host, port, addresses, tls = await asyncio.to_thread(way_to, http_url(url), ends_at)
    named: dict[str, Any] = {"server_hostname": host} if tls else {}
    refusal: Exception = OSError("no address")
    for address in addresses[:3]:
        try:
            return await connect(
                url, host=address, port=port, ssl=tls, **named,
                proxy=None, compression=None, max_size=MAX_MESSAGE_BYTES, max_queue=4, ping_interval=None,
                open_timeout=max(0.1, ends_at - time.monotonic()), close_timeout=1,
                user_agent_header="tickets-by-uma",
            )  # fmt: skip
        except (OSError, WebSocketException) as error:
            refusal = error
    raise refusal


def _parse(text: str | bytes) -> list:
    try:
        message = json.loads(text)
    except RecursionError as error:
        raise ValueError("too deep") from error
    return message if isinstance(message, list) else []
