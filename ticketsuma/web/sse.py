"""Live pages by server-sent events: one watcher per process reads what the open pages show and wakes
those that changed.

A stream says only "changed"; the page then fetches its part anew. Streams live a minute, so that dead
sockets never pile up; the browser comes back by itself.
"""

import hashlib
import logging
import threading
import time
import weakref
from collections.abc import Callable, Hashable, Iterable, Mapping, Set
from functools import reduce
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from prometheus_client import Gauge

from ticketsuma.listening import Listener

logger = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 0.25
SLOW_LOOK_SECONDS = 0.5  # where the watcher is told of changes
GLANCE_EVERY_SECONDS = 0.04
STREAM_LIFE_SECONDS = 60.0
HEARTBEAT_SECONDS = 15.0
RECONNECT_MILLISECONDS = 1000
OPEN_STREAMS = Gauge("tickets_open_streams", "Live pages that listen", multiprocess_mode="livesum")

Read = Callable[[Iterable[Any]], Mapping[Any, tuple]]
Glance = Callable[[], Set[Any]]
_hubs: "weakref.WeakSet[Hub]" = weakref.WeakSet()


def version_of(state: tuple | None) -> str:
    """A short name for what a page shows; equal names mean that there is nothing to fetch."""
    return hashlib.blake2s(repr(state).encode(), digest_size=6).hexdigest()


def version_of_row(row: Model, paths: tuple[str, ...]) -> str:
    """`version_of` what `paths` ("order__status") lead to from `row` as it was loaded, not as it is now."""

    def value(path: str):
        return reduce(lambda of, name: None if of is None else getattr(of, name), path.split("__"), row)

    return version_of(tuple(value(path) for path in paths))


def stop_all() -> None:
    """End every stream of this process now and refuse new ones: for SIGTERM, before the graceful wait."""
    for hub in list(_hubs):
        hub.stop()


class Hub:
    """Open streams by key. `read(keys)` answers, in one query, what each key's page shows right now.

    `glance()` says cheaply, and more often, which keys of any were changed in the last seconds: they are
    looked at first. What it does not know of waits for the next look at all. On PostgreSQL it is asked when
    something is told to `channel` (`tell_after_commit`), as long as the line stands.
    """

    def __init__(self, read: Read, glance: Glance = frozenset, channel: str = ""):
        self._read, self._glance, self._channel = read, glance, channel
        self._news = threading.Event()
        self._lock = threading.Lock()
        self._streams: set[Stream] = set()
        self._someone = threading.Event()  # set while there are streams
        self._watcher: threading.Thread | None = None
        self._stopped = False
        _hubs.add(self)

    def open(self, key: Hashable, version: str, network: str) -> "Stream | None":
        """A stream for a page in `network` that shows `version` of `key`; None when there is no room for it,
        or this process is stopping.

        The watcher starts with the first stream, thus after the fork of a server's worker process.
        """
        with self._lock:
            if self._stopped or not self._has_room(key, network):
                return None
            stream = Stream(self, key, version, network)
            self._streams.add(stream)
            OPEN_STREAMS.inc()
            self._someone.set()
            if self._watcher is None or not self._watcher.is_alive():
                self._watcher = threading.Thread(target=self._watch, name="live", daemon=True)
                self._watcher.start()
        return stream

    def _has_room(self, key: Hashable, network: str) -> bool:
        return (
            len(self._streams) < settings.LIVE_STREAMS_PER_PROCESS
            and sum(each.key == key for each in self._streams) < settings.LIVE_STREAMS_PER_PAGE
            and sum(each.network == network for each in self._streams) < settings.LIVE_STREAMS_PER_NETWORK
        )

    def leave(self, stream: "Stream") -> None:
        with self._lock:
            if stream in self._streams:
                self._streams.remove(stream)
                OPEN_STREAMS.dec()
            if not self._streams:
                self._someone.clear()

    def stop(self) -> None:
        self._stopped = True
        for stream in list(self._streams):
            stream.end()

    def _watch(self) -> None:
        next_look = 0.0
        listener: Listener | None = None
        while not self._stopped:
            if not self._someone.is_set():
                connection.close()
                if listener:
                    listener.stop()
                    listener = None
                self._someone.wait()
            if self._channel and not listener:
                listener = Listener(self._channel, self._news.set).start()
            is_told = bool(listener and listener.is_up)
            try:
                if time.monotonic() >= next_look:
                    self._look()
                    next_look = time.monotonic() + (SLOW_LOOK_SECONDS if is_told else LOOK_EVERY_SECONDS)
                elif self._news.is_set() or not is_told:
                    self._news.clear()
                    self._look(self._glance())
            except Exception:  # the database may be away for a while; the pages also ask by themselves
                logger.exception("live pages could not be looked after")
                connection.close()
                time.sleep(1)
            time.sleep(GLANCE_EVERY_SECONDS)
            if is_told:
                self._news.wait(max(0.0, next_look - time.monotonic()))

    def _look(self, keys: Set[Any] | None = None) -> None:
        """Wake the streams whose page changed: all of them, or those of `keys`."""
        with self._lock:
            streams = [each for each in self._streams if keys is None or each.key in keys]
        if not streams:
            return
        states = self._read({stream.key for stream in streams})
        versions = {key: version_of(state) for key, state in states.items()}
        for stream in streams:
            current = versions.get(stream.key)
            if current and current != stream.version:
                stream.tell(current)


class Stream:
    """One open page, as the body of its response. `close()` is called by the server, whatever happened.

    Only the watcher writes `version`, only the response's thread `_told`: nothing is lost between them.
    """

    def __init__(self, hub: Hub, key: Hashable, version: str, network: str):
        self._hub, self.key, self.network = hub, key, network
        self.version = self._told = version
        self._wake = threading.Event()
        self._started = self._ended = False
        self._until = time.monotonic() + STREAM_LIFE_SECONDS

    def tell(self, version: str) -> None:
        self.version = version
        self._wake.set()

    def end(self) -> None:
        self._ended = True
        self._wake.set()

    def __iter__(self) -> "Stream":
        return self

    def __next__(self) -> bytes:
        if not self._started:
            self._started = True
            return f"retry: {RECONNECT_MILLISECONDS}\n\n".encode()
        left = self._until - time.monotonic()
        if not self._ended and left > 0:
            self._wake.wait(min(left, HEARTBEAT_SECONDS))
            self._wake.clear()
        if self._ended or left <= 0:
            raise StopIteration
        version = self.version
        if version == self._told:
            return b": here\n\n"
        self._told = version
        return f"event: changed\ndata: {version}\n\n".encode()

    def close(self) -> None:
        self._hub.leave(self)


def stream_response(request: HttpRequest, hub: Hub, key: Hashable, network: str) -> HttpResponseBase:
    """The event stream of `key` for a page in `network` that shows `?v=`; 204, on which it polls, when there
    is no room.
    """
    # A stream holds a thread for a minute; it must not hold a database connection as well.
    connection.close()
    stream = hub.open(key, request.GET.get("v", ""), network)
    if stream is None:
        return HttpResponse(status=204)
    answer = StreamingHttpResponse(stream, content_type="text/event-stream")
    answer["Cache-Control"] = "no-store"
    answer["X-Accel-Buffering"] = "no"
    return answer
