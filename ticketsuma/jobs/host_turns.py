"""Turns of the worker: how many rows its threads may have in hand, and how many of them for one host."""

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


class Turns:
    """Counts the rows in hand: in all, of them external ones, and of these those for each host.

    A host has at most as many as requests are sent to it at once.
    """

    def __init__(self, threads: int, for_external: int) -> None:
        self._threads, self._for_external = threads, for_external
        self._taken = self._external = 0
        self._at_host: Counter[str] = Counter()
        self._lock = threading.Lock()

    def full_hosts(self) -> list[str]:
        with self._lock:
            return [host for host, taken in self._at_host.items() if taken >= AT_ONCE_PER_HOST]

    def free(self, *, is_external: bool) -> int:
        """How many more rows could be in hand."""
        with self._lock:
            return self._free(is_external)

    def take(self, *, is_external: bool, host: str) -> bool:
        """True when one more row may be in hand now, for `host` if it is not empty."""
        with self._lock:
            if not self._free(is_external) or (host and self._at_host[host] >= AT_ONCE_PER_HOST):
                return False
            self._taken += 1
            self._external += is_external
            self._at_host[host] += bool(host)
            return True

    def give_back(self, *, is_external: bool, host: str) -> None:
        with self._lock:
            self._taken -= 1
            self._external -= is_external
            self._at_host[host] -= bool(host)
            if not self._at_host[host]:
                del self._at_host[host]

    def _free(self, is_external: bool) -> int:
        free = self._threads - self._taken
        return min(free, self._for_external - self._external) if is_external else free
