"""Hosts that the worker's threads wait for, and how many threads each may hold."""

import re
import threading
from collections import Counter
from urllib.parse import urlsplit

from django.db.models import Q

# Nor are more requests sent to it at once, by anybody in a process.
AT_ONCE_PER_HOST = 2


def host_of_url(url: str) -> str:
    """Host of an allowed URL, with its port if that is not 443."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return host if parts.port in (None, 443) else f"{host}:{parts.port}"


def urls_at(field: str, host: str) -> Q:
    """The rows whose URL in `field` is at `host`, however it is spelled."""
    return Q(**{f"{field}__iregex": rf"^https?://{re.escape(host)}(:443)?([/?]|$)"})


class Hosts:
    """Counts the threads per external host: at most as many as requests are sent to it at once."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()
        self._lock = threading.Lock()

    def full(self) -> list[str]:
        with self._lock:
            return [host for host, taken in self._taken.items() if taken >= AT_ONCE_PER_HOST]

    def take_turn(self, host: str) -> bool:
        """True when a thread may work for `host` now; work for nobody's host always may."""
        with self._lock:
            if host and self._taken[host] >= AT_ONCE_PER_HOST:
                return False
            self._taken[host] += bool(host)
            return True

    def give_back(self, host: str) -> None:
        with self._lock:
            self._taken[host] -= bool(host)
            if not self._taken[host]:
                del self._taken[host]
