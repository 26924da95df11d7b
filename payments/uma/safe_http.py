"""HTTP client for hosts named by strangers: VASPs' keys, configurations, lookups and callbacks.

Every such URL may be an attacker's (UMAD-04's vaspDomain is not even signed), so only public addresses
over https on port 443 are talked to, at the very address that was checked, without redirects or
proxies, for 5 s in all, and for at most 64 kB. Plain http goes to the exact `host:port` that
UMA_LOCAL_VASPS lists, and nowhere else.
"""

import contextlib
import http.client
import io
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection

from ticketsuma.jobs.host_turns import AT_ONCE_PER_HOST

from .address import is_allowed_domain
from .public_addresses import is_public
from .unreached import VaspForbidden, VaspUnknown, VaspUnreachable

TOTAL_SECONDS = 5.0
CONNECT_SECONDS = 2.0
MAX_BODY_BYTES = 64 * 1024
MAX_HEAD_BYTES = 32 * 1024
# Statuses after which the same request may succeed later. 401 and 424: the other side could not check our
# signature now; its copy of our keys may be old.
TRY_AGAIN = (401, 408, 424, 425, 429)
AT_ONCE = 32

# What the resolver says of a name that is not there; of trouble on the way it says other things.
_NO_SUCH_NAME = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300

    def json(self) -> dict:
        """The body as a JSON object; anything else is ValueError."""
        try:
            value = json.loads(self.body)
        except RecursionError as error:
            raise ValueError("too deep") from error
        if not isinstance(value, dict):
            raise ValueError("no JSON object")
        return value


@dataclass(frozen=True)
class _Target:
    host: str
    port: int
    path: str
    is_local: bool

    @property
    def authority(self) -> str:
        return f"{self.host}:{self.port}" if self.is_local else self.host


def base_url(domain: str) -> str:
    """`https://domain`, or `http://` for a local VASP; raises VaspForbidden for no domain of a VASP."""
    if not is_allowed_domain(domain):
        raise VaspForbidden
    return f"{'http' if domain in settings.UMA_LOCAL_VASPS else 'https'}://{domain}"


def check_url(url: str) -> None:
    """Raise VaspForbidden unless `url` is one that `fetch` may try; where its host leads is seen then."""
    _parse(url)


def way_to(url: str, deadline: float) -> tuple[str, int, list[str], ssl.SSLContext | None]:
    """Host, port, checked IP addresses to connect to, and TLS, for another protocol than ours.

    Raises VaspForbidden, VaspUnknown or OSError.
    """
    target = _parse(url)
    tls = None if target.is_local else _tls()
    return target.host, target.port, _addresses(target, deadline), tls


def fetch(
    url: str,
    *,
    payload: dict | bytes | None = None,
    headers: Mapping[str, str] | None = None,
    unless: Callable[[], bool] = lambda: False,
) -> Answer:
    """GET `url`, or POST `payload` to it as JSON or, of bytes, with `headers`, within all the limits above.

    Refuses to run inside a transaction, and gives the database connection back first. Raises
    VaspForbidden, VaspUnknown or VaspUnreachable, also when `unless()` holds once our turn has come; any HTTP
    status is an answer.
    """
    if connection.in_atomic_block:
        raise RuntimeError("Other servers are never asked inside a database transaction.")
    connection.close()
    target = _parse(url)
    if isinstance(payload, dict):
        payload, headers = json.dumps(payload).encode(), {"Content-Type": "application/json"}
    deadline = time.monotonic() + TOTAL_SECONDS
    with _turn(target.authority, deadline):
        if unless():
            raise VaspUnreachable
        try:
            with contextlib.closing(_connect(target, deadline)) as sock:
                return _exchange(sock, target, payload, headers or {}, deadline)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise VaspUnreachable from error


def _parse(url: str) -> _Target:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise VaspForbidden from error
    host = (parts.hostname or "").lower()
    plain = url.isascii() and url.isprintable() and " " not in url
    if not plain or len(url) > 2048 or parts.username is not None or "@" in parts.netloc or "#" in url:
        raise VaspForbidden
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if parts.scheme == "http" and parts.netloc.lower() in settings.UMA_LOCAL_VASPS:
        return _Target(host, port or 80, path, is_local=True)
    if parts.scheme != "https" or port not in (None, 443) or not is_allowed_domain(host):
        raise VaspForbidden
    return _Target(host, 443, path, is_local=False)


# -- taking turns -----------------------------------------------------------------------------
_all_turns = threading.BoundedSemaphore(AT_ONCE)
_hosts: dict[str, tuple[threading.Semaphore, int]] = {}
_hosts_lock = threading.Lock()


@contextlib.contextmanager
def _turn(host: str, deadline: float) -> Iterator[None]:
    """One of the AT_ONCE_PER_HOST turns with `host` in this process, waited for until `deadline`."""
    with _hosts_lock:
        turns, users = _hosts.get(host, (threading.Semaphore(AT_ONCE_PER_HOST), 0))
        _hosts[host] = (turns, users + 1)
    try:
        with _held(turns, deadline), _held(_all_turns, deadline):
            yield
    finally:
        with _hosts_lock:
            turns, users = _hosts[host]
            if users == 1:
                del _hosts[host]
            else:
                _hosts[host] = (turns, users - 1)


@contextlib.contextmanager
def _held(turns: threading.Semaphore, deadline: float) -> Iterator[None]:
    if not turns.acquire(timeout=max(0.0, deadline - time.monotonic())):
        raise VaspUnreachable
    try:
        yield
    finally:
        turns.release()


# -- the connection ---------------------------------------------------------------------------
@cache
def _resolvers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=16, thread_name_prefix="resolve")


def _addresses(target: _Target, deadline: float) -> list[str]:
    """Where `target` is, asked once. One private address among public ones refuses them all."""
    asked = _resolvers().submit(socket.getaddrinfo, target.host, target.port, type=socket.SOCK_STREAM)
    try:
        found = asked.result(timeout=max(0.0, deadline - time.monotonic()))
    except FutureTimeout as error:
        asked.cancel()
        raise TimeoutError from error
    except socket.gaierror as error:
        if error.errno in _NO_SUCH_NAME:
            raise VaspUnknown from error
        raise
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not target.is_local and not all(is_public(address) for address in addresses):
        raise OSError("not public")
    return addresses


def _connect(target: _Target, deadline: float) -> socket.socket:
    """A connection to one of the checked addresses, its certificate checked against the host's name."""
    refusal: OSError = OSError("no address")
    for address in _addresses(target, deadline)[:4]:
        try:
            sock = socket.create_connection(
                (address, target.port), timeout=min(CONNECT_SECONDS, _left(deadline))
            )
        except OSError as error:
            refusal = error
            continue
        if target.is_local:
            return sock
        try:
            sock.settimeout(_left(deadline))
            return _tls().wrap_socket(sock, server_hostname=target.host)
        except OSError:
            sock.close()
            raise
    raise refusal


@cache
def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


# -- one request, one answer ------------------------------------------------------------------
class _BoundedReader(io.RawIOBase):
    """Reads a socket until `deadline`, however slowly it drips, and at most `limit` bytes."""

    def __init__(self, sock: socket.socket, deadline: float, limit: int):
        self._sock, self._deadline, self._bytes_left = sock, deadline, limit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        if self._bytes_left <= 0:
            raise OSError("too much")
        self._sock.settimeout(_left(self._deadline))
        count = self._sock.recv_into(buffer, min(len(buffer), self._bytes_left))
        self._bytes_left -= count
        return count


class _ReadableSocket:
    """The part of a socket that http.client reads an answer from."""

    def __init__(self, reader: io.RawIOBase):
        self._reader = reader

    def makefile(self, *_args) -> io.BufferedReader:
        return io.BufferedReader(self._reader)


def _exchange(
    sock: socket.socket, target: _Target, body: bytes | None, headers: Mapping[str, str], deadline: float
) -> Answer:
    method = "GET" if body is None else "POST"
    head = [
        f"{method} {target.path} HTTP/1.1",
        f"Host: {target.authority}",
        "User-Agent: tickets-by-uma",
        "Accept: application/json",
        "Accept-Encoding: identity",
        "Connection: close",
        *(f"{name}: {value}" for name, value in headers.items()),
        *([f"Content-Length: {len(body)}"] if body is not None else []),
    ]
    sock.settimeout(_left(deadline))
    sock.sendall("\r\n".join([*head, "", ""]).encode("ascii") + (body or b""))
    reader = _BoundedReader(sock, deadline, MAX_HEAD_BYTES + MAX_BODY_BYTES)
    response = http.client.HTTPResponse(_ReadableSocket(reader), method=method)  # type: ignore[arg-type]
    with contextlib.closing(response):
        response.begin()
        if response.getheader("Content-Encoding", "identity").lower() not in ("", "identity"):
            raise ValueError("compressed, though we asked for plain")
        content = response.read(MAX_BODY_BYTES + 1)
    if len(content) > MAX_BODY_BYTES:
        raise ValueError("too much")
    return Answer(response.status, content)
