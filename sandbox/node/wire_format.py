"""Faulty connections: slow, dripping, hanging and dropped answers."""

import contextlib
import socket
import time
from collections.abc import Iterator

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse


def wait(seconds: float) -> None:
    time.sleep(seconds)


def drop(request: HttpRequest) -> HttpResponse:
    """Close the connection without an answer; the client sees the connection end."""
    connection = request.environ.get("gunicorn.socket")
    if connection is not None:
        with contextlib.suppress(OSError):  # the client hung up first
            connection.shutdown(socket.SHUT_RDWR)
    return HttpResponse(status=500)


def hang(request: HttpRequest, seconds: float) -> HttpResponse:
    wait(seconds)
    return drop(request)


def slow_headers(request: HttpRequest, seconds: float) -> HttpResponse:
    """A status line and then a header every half second: every read is in time, the head never ends."""
    lines = (f"X-Slow-{number}: yes" for number in range(max(2, int(seconds / 0.5))))
    return _write_head(request, lines, pause=0.5)


def endless_headers(request: HttpRequest, megabytes: int) -> HttpResponse:
    line = f"X-Long: {'x' * 1000}"
    return _write_head(request, (line for _ in range(megabytes * 1000)), pause=0)


def _write_head(request: HttpRequest, lines: Iterator[str], *, pause: float) -> HttpResponse:
    connection = request.environ["gunicorn.socket"]
    with contextlib.suppress(OSError):  # the client hung up
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        for line in lines:
            connection.sendall(f"{line}\r\n".encode())
            wait(pause)
    return drop(request)


def drip(text: str, seconds: float) -> StreamingHttpResponse:
    """The whole answer, in small pieces spread over `seconds`: no single read ever times out."""
    pieces = max(2, int(seconds / 0.4))
    size = max(1, -(-len(text) // pieces))

    def parts() -> Iterator[str]:
        for begin in range(0, len(text), size):
            yield text[begin : begin + size]
            time.sleep(seconds / pieces)

    return StreamingHttpResponse(parts(), content_type="application/json")
