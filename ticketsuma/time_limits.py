"""Time limits of PostgreSQL, set on the role, so that no connection pooler loses them.

PgBouncer refuses the startup parameter `options`, and where it pools transactions a SET reaches one of its
server connections only. What ALTER ROLE says holds for each new connection to the server, pooled or not.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.checks import CheckMessage, Info, Warning
from django.db import DatabaseError, connection, connections, transaction

# Waiting is bounded everywhere, so that a stuck session cannot hold a sale.
TIME_LIMITS = {"lock_timeout": "5s", "statement_timeout": "15s", "idle_in_transaction_session_timeout": "20s"}


def missing_limits(using: str = "default") -> list[str]:
    """The names of the limits this connection does not have. Raises DatabaseError when it cannot be asked."""
    with connections[using].cursor() as cursor:
        return [name for name in TIME_LIMITS if _shown(cursor, name) == "0"]


def set_missing_limits(using: str, **signal) -> None:
    """After each `migrate`: our role gets the limits it lacks in this database, for new connections.

    What the operator set, on the role, the database or in DATABASE_URL, is left as it is. A flush sends
    the same signal, without a plan.
    """
    if "plan" not in signal or connections[using].vendor != "postgresql":
        return
    quote = connections[using].ops.quote_name
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT current_database()")
        database = quote(cursor.fetchone()[0])
        for name in missing_limits(using):
            cursor.execute(
                f"ALTER ROLE SESSION_USER IN DATABASE {database} SET {name} = '{TIME_LIMITS[name]}'"
            )


@contextmanager
def minutes_for_each(minutes: int, using: str = "default") -> Iterator[None]:
    """A statement inside may take so many minutes: in a transaction, whose setting no pooler passes on."""
    if connections[using].vendor != "postgresql":
        yield
        return
    with transaction.atomic(using), connections[using].cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = '{minutes}min'")
        yield


def check_time_limits(app_configs, **kwargs) -> list[CheckMessage]:
    """`check --deploy`: what a connection by DATABASE_URL, through whatever stands between, has in force."""
    if connection.vendor != "postgresql":
        return []
    try:
        missing = missing_limits()
    except DatabaseError as error:
        says = f"The database's time limits could not be asked for ({type(error).__name__})."
        return [Info(says, id="ticketsuma.I001")]
    hint = "Run `migrate` as this role, or see 'A connection pooler' in docs/operations.md."
    says = "No {} is in force on connections to the database: a stuck one can hold a sale."
    return [Warning(says.format(name), hint=hint, id="ticketsuma.W001") for name in missing]


def _shown(cursor, name: str) -> str:
    cursor.execute(f"SHOW {name}")
    return cursor.fetchone()[0]
