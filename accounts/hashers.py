"""Password hashing: Argon2, with few hashes at once, so that a wave of sign-ins leaves CPU for the shop."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import connection
from django.utils.translation import gettext_lazy as _

from ticketsuma.errors import DomainError

# Of one process. Each takes 100 MB and, for some 50 ms, a core.
AT_ONCE = 2
WAIT_SECONDS = 3.0
_turns = threading.BoundedSemaphore(AT_ONCE)


class HashingBusy(DomainError):
    code = "unavailable"
    message = _("The shop is busy. Please try again in a moment.")
    status = 503
    retry_after = 5


@contextmanager
def turn() -> Iterator[None]:
    """One of AT_ONCE turns to hash; raises HashingBusy when none came free in WAIT_SECONDS.

    Who has to wait gives the database connection back first, so that the waiting do not drain the pool.
    """
    if not _turns.acquire(blocking=False):
        if not connection.in_atomic_block:
            connection.close()
        if not _turns.acquire(timeout=WAIT_SECONDS):
            raise HashingBusy
    try:
        yield
    finally:
        _turns.release()


class BoundedArgon2PasswordHasher(Argon2PasswordHasher):
    """Argon2id with Django's parameters; pages, API and admin share the turns."""

    def encode(self, password: str, salt: str) -> str:
        with turn():
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        with turn():
            return super().verify(password, encoded)
