"""Whose server the threads of a worker wait for."""

import threading
from collections import Counter

from .fetch import AT_ONCE_PER_HOST


class Hosts:
    """How many threads each stranger's server may hold: as many as `fetch` asks it questions at once."""

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
