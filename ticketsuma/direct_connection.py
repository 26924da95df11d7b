"""Connections to PostgreSQL itself, past a pooler of transactions, for what belongs to a session."""

from typing import Any

import psycopg
from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.conninfo import conninfo_to_dict


def connect_directly(
    connection: BaseDatabaseWrapper, options: str = "", **parameters: Any
) -> psycopg.Connection:
    """A new connection in autocommit to the database of `connection`, by DATABASE_DIRECT_URL if that is set.

    `parameters` are libpq's; `options` come after what the address says of them, as in `-c lock_timeout=0`,
    and a pooler refuses them. The caller closes it. Raises psycopg.Error.
    """
    url = settings.DATABASE_DIRECT_URL
    given: dict[str, Any] = conninfo_to_dict(url) if url else connection.get_connection_params()
    if options:
        parameters["options"] = f"{given.get('options', '')} {options}"
    return psycopg.connect(**given | parameters, autocommit=True)
