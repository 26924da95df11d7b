"""gunicorn's threaded worker for clients that may be slow on purpose: no thread waits for any of them."""

import contextlib
import json
import mmap
import re
import selectors
import socket
import struct
import time
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from gunicorn import util
from gunicorn.workers.gthread import TConn, ThreadWorker

READ_SECONDS = 20.0  # for a whole request, from its connection or its first byte on
LINGER_SECONDS = 2.0  # RFC 9112 section 9.6: what still comes is read, so that our answer arrives
STALLED_SECONDS = 20  # a client that takes nothing of its answer for so long is left
MAX_REQUEST_HEAD_BYTES = 64 * 1024
MAX_REQUEST_BODY_BYTES = 256 * 1024  # a longer one is staff's upload, or refused unread
MAX_HELD_BYTES = 64 * 1024 * 1024  # of all half-read requests of this process
_AT_ONCE = 64 * 1024
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,18})[ \t]*(?=\r\n)", re.IGNORECASE)
_CODING = re.compile(rb"\r\ntransfer-encoding[ \t]*:", re.IGNORECASE)


class Board:
    """Connections of each worker of this machine's arbiter, where all of them read it; 0: no such worker."""

    SLOTS = 64
    _PLACE = struct.Struct("i")

    def __init__(self):
        self._shared = mmap.mmap(-1, self.SLOTS * self._PLACE.size)

    def write(self, age: int, connections: int | None) -> None:
        """`age` is gunicorn's number of the worker; None when it is gone."""
        place = age % self.SLOTS * self._PLACE.size
        self._PLACE.pack_into(self._shared, place, 0 if connections is None else connections + 1)

    def least(self) -> int:
        """Of the workers there are, the one with the fewest has so many."""
        shown = [count for (count,) in self._PLACE.iter_unpack(self._shared[:]) if count]
        return min(shown, default=1) - 1


_board = Board()  # before the workers are forked


def write_problem(sock, status, reason, said):
    """What gunicorn refuses itself (a request it cannot read, or that is too long) in the API's one shape.

    Its own HTML repeats what was `said` by the sender; this does not.
    """
    from ticketsuma.api.exceptions import CONTENT_TYPE, bare_problem

    body = json.dumps(bare_problem(status)).encode()
    head = f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Type: {CONTENT_TYPE}\r\n"
    util.write_nonblock(sock, f"{head}Content-Length: {len(body)}\r\n\r\n".encode("latin1") + body)


util.write_error = write_problem  # gunicorn knows no setting for it


@dataclass
class Reading:
    """What has come of one request so far."""

    until: float
    data: bytearray = field(default_factory=bytearray)
    wanted: int = 0  # bytes of head and body, once the head is here
    is_whole: bool = True  # nothing of it is left to be read from the socket
    is_over: bool = False  # the last answer is sent: what comes now is thrown away
    _seen: int = 0

    def is_ready(self) -> bool:
        """Whether a thread can have it: all of it is here, or all that is waited for."""
        if not self.wanted:
            end = self.data.find(b"\r\n\r\n", max(0, self._seen - 3))
            self._seen = len(self.data)
            if end < 0:
                return False
            self.wanted = end + 4 + self._body_bytes(bytes(self.data[: end + 2]))
        return len(self.data) >= self.wanted

    def _body_bytes(self, head: bytes) -> int:
        """How long a body to wait for. None for one that is chunked, or too long: it is refused unread."""
        lengths = _LENGTH.findall(head)
        length = int(lengths[0]) if len(lengths) == 1 else 0
        self.is_whole = not _CODING.search(head) and len(lengths) < 2 and length <= MAX_REQUEST_BODY_BYTES
        return length if self.is_whole else 0


class ReadingWorker(ThreadWorker):
    """The event loop reads head and body; a thread gets the request once all of it is here.

    gthread reads both in its threads, without end, and waits in the loop itself for a client that does not
    hang up: as many half-open requests as there are threads, or a few open ends, silence it. Here they cost
    a socket and what they have sent, for READ_SECONDS at most, and when connections or MAX_HELD_BYTES run
    out, the oldest makes room.

    Whoever wakes first accepts, and kept connections stay: one process once had all sixteen. A worker with
    more of them than its share says `Connection: close`, and the next one is as likely another's.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._readings: dict[TConn, Reading] = {}  # oldest first
        self._held_bytes = 0

    @property
    def max_keepalived(self) -> int:
        """gunicorn keeps no connection beyond so many; asked before each answer."""
        return 0 if self._has_more_than_its_share() else self._max_keepalived

    @max_keepalived.setter
    def max_keepalived(self, most: int) -> None:
        self._max_keepalived = most

    def _has_more_than_its_share(self) -> bool:
        return self.nr_conns > _board.least() * 1.25 + 1

    def leave(self) -> None:
        """Called by the arbiter when this worker has ended."""
        _board.write(self.age, None)

    def init_process(self):
        _board.write(self.age, self.nr_conns)
        super().init_process()

    def murder_keepalived(self, force: bool = False) -> None:
        """The loop calls it each time round."""
        super().murder_keepalived(force)
        _board.write(self.age, self.nr_conns)

    def accept(self, listener):
        super().accept(listener)
        while self.nr_conns >= self.worker_connections and self._make_room():
            pass

    def enqueue_req(self, conn: TConn) -> None:
        """Read a request on `conn`, new or kept alive; the loop's own thread calls it."""
        reading = Reading(until=time.monotonic() + READ_SECONDS)
        if conn.parser:
            reading.data += conn.parser.unreader.take_buffered()
        else:
            with contextlib.suppress(OSError):  # gone already
                for option in (socket.SO_SNDTIMEO, socket.SO_RCVTIMEO):
                    conn.sock.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", STALLED_SECONDS, 0))
        self._watch(conn, reading)
        if reading.is_ready():
            self._hand_over(conn, reading)
        else:
            self._read(conn)

    def finish_request(self, conn: TConn, fs: Any) -> None:
        if not fs.cancelled() and fs.exception() is None and fs.result():
            super().finish_request(conn, fs)
        else:
            self._hang_up(conn)

    def murder_pending(self) -> None:
        """Close what takes too long; a stopping worker does not wait for those who say nothing."""
        now = time.monotonic()
        for conn, reading in list(self._readings.items()):
            if reading.until <= now or not (self.alive or reading.data or reading.is_over):
                self._drop(conn)

    def _keepalive_after(self, conn: Any, keepalive: bool) -> bool:
        return conn.is_whole and super()._keepalive_after(conn, keepalive)

    def _watch(self, conn: TConn, reading: Reading) -> None:
        conn.sock.setblocking(False)
        self._readings[conn] = reading
        self._held_bytes += len(reading.data)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._read, conn))

    def _unwatch(self, conn: TConn) -> None:
        self._held_bytes -= len(self._readings.pop(conn).data)
        self.poller.unregister(conn.sock)

    def _read(self, conn: TConn, _sock: Any = None) -> None:
        """Take what has come; called by the poller."""
        reading = self._readings.get(conn)
        if reading is None:  # made room a moment ago, in the same round of the loop
            return
        try:
            data = conn.sock.recv(_AT_ONCE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._drop(conn)
        elif not reading.is_over:
            reading.data += data
            self._held_bytes += len(data)
            if reading.is_ready():
                self._hand_over(conn, reading)
            elif not reading.wanted and len(reading.data) > MAX_REQUEST_HEAD_BYTES:
                self._unwatch(conn)
                with contextlib.suppress(OSError):
                    write_problem(conn.sock, 431, "Request Header Fields Too Large", "")
                self._hang_up(conn)
            while self._held_bytes > MAX_HELD_BYTES and self._make_room():
                pass

    def _hand_over(self, conn: Any, reading: Reading) -> None:
        self._unwatch(conn)
        conn.init()
        conn.parser.unreader.unread(bytes(reading.data))
        conn.data_ready, conn.is_whole = True, reading.is_whole
        super().enqueue_req(conn)

    def _make_room(self) -> bool:
        """Close the connection that has waited longest; False when all of them are being answered."""
        if self._readings:
            self._drop(next(iter(self._readings)))
        elif self.keepalived_conns:
            conn = self.keepalived_conns.popleft()
            self.poller.unregister(conn.sock)
            self._close(conn)
        else:
            return False
        return True

    def _hang_up(self, conn: TConn) -> None:
        """Nothing more is said; close once the client has hung up too, or LINGER_SECONDS later."""
        try:
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._close(conn)
        else:
            self._watch(conn, Reading(until=time.monotonic() + LINGER_SECONDS, is_over=True))

    def _drop(self, conn: TConn) -> None:
        self._unwatch(conn)
        self._close(conn)

    def _close(self, conn: TConn) -> None:
        self.nr_conns -= 1
        conn.close()
