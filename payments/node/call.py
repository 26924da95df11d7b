"""Calls to the node: bounded in time, with errors mapped to ours.

Every answer is yes, no (`NodeRefused`) or unknown (`NodeUnknown`): a timeout is never a failure.
"""

import io
import logging
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from functools import partial
from typing import Any, TypeVar

import requests
from django.conf import settings
from django.db import connection
from django.utils.translation import gettext_lazy as _
from prometheus_client import Histogram
from requests.adapters import HTTPAdapter

from ticketsuma.conf import traces
from ticketsuma.errors import DomainError

logger = logging.getLogger(__name__)
T = TypeVar("T")

MAX_REASON = 200
NODE_SECONDS = Histogram(
    "tickets_node_seconds", "Calls to the node, by what they came to", ["answer"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 20),
)  # fmt: skip
# What may not be repeated: who holds a BOLT11 may pay it, and an address is a person's.
_PRIVATE = re.compile(r"\bln[a-z]{2,6}[0-9a-z]{20,}|\S+@\S+", re.IGNORECASE)
# What GraphQL errors of Lightspark are named when the API token may not do what was asked.
_FORBIDDEN = re.compile(r"permission|unauthori[sz]ed|unauthenticated|authentication|forbidden", re.IGNORECASE)


class NodeRefused(DomainError):
    """The node understood and said no."""

    code = "node_refused"
    message = _("The Lightning node refused.")
    status = 503
    retry_after = 5


class NodeUnknown(DomainError):
    """The node did not answer in time or not in words we know: what it did is unknown."""

    code = "node_unreachable"
    message = _("The Lightning node does not answer right now. Please try again in a moment.")
    status = 503
    retry_after = 5


class NodeForbidden(NodeUnknown):
    """Lightspark does not accept our API token, or it may not do this: nothing works until staff act."""

    code = "node_forbidden"


# -- how long ---------------------------------------------------------------------------------
_call = threading.local()  # .ends_at: when the call that this thread works on must be over (monotonic)


class BoundedAdapter(HTTPAdapter):
    """Gives every request of the SDK what is left of its call's time, for the whole answer, drop by drop."""

    def send(self, request, stream=False, timeout=None, verify=True, cert=None, proxies=None):
        connect_seconds = min(settings.NODE_CONNECT_SECONDS, _seconds_left())
        response = super().send(request, True, (connect_seconds, _seconds_left()), verify, cert, proxies)
        body = bytearray()
        while chunk := response.raw.read1(65536, decode_content=True):
            body += chunk
            if time.monotonic() > _call.ends_at:
                response.close()
                raise requests.ReadTimeout("The node's answer took too long.")
        response.raw.release_conn()
        response.raw = io.BytesIO(body)
        return response


def _seconds_left() -> float:
    left = _call.ends_at - time.monotonic()
    if left <= 0:
        raise requests.Timeout("The time of this call is over.")
    return left


_threads = ThreadPoolExecutor(max_workers=48, thread_name_prefix="node")


def call(ask: Callable[[], T], *, seconds: float | None = None) -> T:
    """Ask the node, for at most `seconds` (default NODE_TIMEOUT_SECONDS) of wall-clock time.

    Refuses to run inside a transaction, and gives the database connection back first, so that
    waiting requests do not drain the pool. What still waits for a thread when the time is over is never
    asked; what was asked is hung up on. Raises NodeRefused, NodeForbidden or NodeUnknown.
    """
    if connection.in_atomic_block:
        raise RuntimeError("The node is never asked inside a database transaction.")
    connection.close()
    seconds = settings.NODE_TIMEOUT_SECONDS if seconds is None else seconds
    ends_at = time.monotonic() + seconds

    def work() -> T:
        _call.ends_at = ends_at
        return ask()

    future, answer, started = _threads.submit(work), "ok", time.monotonic()
    try:
        with traces.step(f"node {_name(ask)}"):
            return future.result(timeout=seconds)
    except DomainError as refusal:
        answer = refusal.code
        logger.warning("the node: %s", refusal.noted)
        raise
    except FutureTimeout as error:
        answer = "timeout"
        future.cancel()
        logger.warning("the node did not answer within %s s", seconds)
        raise NodeUnknown from error
    except Exception as error:
        answer = NodeUnknown.code
        logger.warning("the node's answer is unknown: %s", type(error).__name__)
        raise NodeUnknown from error
    finally:
        NODE_SECONDS.labels(answer).observe(time.monotonic() - started)


def _name(ask: Callable) -> str:
    """The function that asks, for traces: `cancel_invoice` of its `<locals>.<lambda>`."""
    asks = ask.func if isinstance(ask, partial) else ask
    return asks.__qualname__.partition(".")[0].lstrip("_")


# -- what it means ----------------------------------------------------------------------------
def understand(response: requests.Response, **_options) -> requests.Response:
    """Raise our own errors, with Lightspark's sentence, where the SDK would say less (a hook of requests).

    The SDK takes `"errors": null`, which GraphQL allows, for an error; it never gets to see it.
    """
    answer = _json(response)
    errors = answer.get("errors")
    said = _sentence(errors)
    if response.status_code in (401, 403):
        raise NodeForbidden(reason=f"HTTP {response.status_code} {said}".strip())
    if response.status_code >= 400 and not errors:
        raise NodeUnknown(reason=f"HTTP {response.status_code}")
    if response.status_code >= 500 or response.status_code == 429:
        raise NodeUnknown(reason=f"HTTP {response.status_code} {said}")
    if errors:
        names = " ".join(_error_name(error) for error in errors if isinstance(error, dict))
        raise NodeForbidden(reason=said) if _FORBIDDEN.search(names) else NodeRefused(reason=said)
    if "errors" in answer:
        del answer["errors"]
        response.json = lambda **_options: answer  # type: ignore[method-assign]
    return response


def _json(response: requests.Response) -> dict[str, Any]:
    try:
        answer = response.json()
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _error_name(error: dict) -> str:
    extensions = error.get("extensions")
    return str(extensions.get("error_name") or "") if isinstance(extensions, dict) else ""


def _sentence(errors: object) -> str:
    """Lightspark's own words, on one line, cut, without BOLT11s and addresses."""
    each = errors if isinstance(errors, list) else []
    words = [
        f"{_error_name(error)} {error.get('message') or ''}" for error in each if isinstance(error, dict)
    ]
    text = " ".join(_PRIVATE.sub("(hidden)", "; ".join(words)).split())
    return "".join(sign for sign in text if sign.isprintable())[:MAX_REASON]
