"""The read replica, for reports: sums over much that may be some seconds old, and must not slow a sale."""

import logging
from collections.abc import Callable
from typing import TypeVar

from django.db import DatabaseError, InterfaceError, connections

logger = logging.getLogger(__name__)
T = TypeVar("T")
REPLICA, PRIMARY = "replica", "default"


def for_reports(read: Callable[[str], T]) -> T:
    """What `read(database)` says by the replica, or by the primary where there is none or it is away.

    For nothing that decides: a replica may be behind. Inside a transaction it does not see what was written.
    """
    if REPLICA in connections.settings:
        try:
            return read(REPLICA)
        except (DatabaseError, InterfaceError) as error:
            logger.warning("the replica is away: %s", type(error).__name__)
            connections[REPLICA].close()
    return read(PRIMARY)
