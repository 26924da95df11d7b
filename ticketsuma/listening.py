"""LISTEN and NOTIFY of PostgreSQL: whoever waits for others' news is woken, and need not ask all the time.

What is told may be lost (nobody listened, the line was cut, a process ended between commit and telling), so
a listener also looks by itself now and then. On SQLite nobody tells and nobody listens.
"""

import logging
import threading
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import psycopg
from django.db import connection, transaction

from ticketsuma.direct_connection import connect_directly

logger = logging.getLogger(__name__)

PAGES = "pages"  # the channel by which web processes are told that an order was changed
ASK_SECONDS = 15.0  # so often a line is asked whether it still stands
AGAIN_SECONDS = 1.0  # after which a lost one is made anew; a listener that was stopped ends as soon
# A peer that is gone without a word is noticed by the operating system, too.
_LINE: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}


def tell_after_commit(channel: str) -> None:
    """Wake whoever listens to `channel` once this transaction is committed; once, however often it is called.

    After the commit, by a statement of its own: commits that notify wait for each other, with their flushes.
    Outside of a transaction, and on SQLite, it does nothing.
    """
    if connection.vendor != "postgresql" or not connection.in_atomic_block:
        return
    tell = _tell(channel)
    if all(waiting[1] is not tell for waiting in connection.run_on_commit):
        transaction.on_commit(tell, robust=True)


@cache
def _tell(channel: str) -> Callable[[], None]:
    def tell() -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"NOTIFY {channel}")

    return tell


class Listener:
    """Calls `on_news` for what is told to `channel`, from a thread and a connection of its own.

    Also when it begins to listen, as it may have missed something. `is_up` says whether it listens. The
    connection goes by DATABASE_DIRECT_URL, past a pooler of transactions, behind which nobody is told.
    """

    def __init__(self, channel: str, on_news: Callable[[], object]):
        self._channel, self._on_news = channel, on_news
        self._stop = threading.Event()
        self.is_up = False

    def start(self) -> "Listener":
        if connection.vendor == "postgresql":
            threading.Thread(target=self._run, name=f"listens to {self._channel}", daemon=True).start()
        return self

    def stop(self) -> None:
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._listen()
            except psycopg.Error as error:
                logger.warning("nobody listens to %s: %s", self._channel, type(error).__name__)
            finally:
                self.is_up = False
                self._on_news()  # whoever relies on it should not
            self._stop.wait(AGAIN_SECONDS)

    def _listen(self) -> None:
        with connect_directly(connection, **_LINE) as line:
            line.execute(f"LISTEN {self._channel}")
            self.is_up = True
            self._on_news()
            ask_at = time.monotonic() + ASK_SECONDS
            while not self._stop.is_set():
                for _news in line.notifies(timeout=AGAIN_SECONDS):
                    self._on_news()
                if time.monotonic() > ask_at:
                    line.execute("SELECT 1")
                    ask_at = time.monotonic() + ASK_SECONDS
