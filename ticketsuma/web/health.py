"""Health pages for monitors and for `./run`: words only, and no call to another server."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

_migrated = False


@dataclass(frozen=True)
class Check:
    """Words of an app for the health page: `read()` gives those of `names` that it knows.

    All is well with `ok`, and with what the word of these `may_be`.
    """

    names: tuple[str, ...]
    read: Callable[[], dict[str, str]]
    may_be: tuple[str, ...] = ()


@require_safe
@never_cache
def live(request: HttpRequest) -> JsonResponse:
    """200 while this process answers at all: for whoever would restart it."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def health(request: HttpRequest, checks: Iterable[Check]) -> JsonResponse:
    """200 when database, migrations, worker and node are well, else 503 with the word that tells which.

    `checks` are read while the database has every migration, each in a query or two. `doctor` is `wrong`
    when the worker found what somebody has to put right (`manage.py doctor` says what), and `unknown` until
    it has looked. The node is `forbidden` when Lightspark does not accept the API token; `clock` says that
    the last look lies in the future. `rates` are `paused` while sales in a currency are; those in sats go on.
    """
    said = {"database": "down", "migrations": "unknown"}
    said |= {name: "unknown" for check in checks for name in check.names}
    try:
        said["migrations"] = "ok" if _is_migrated() else "missing"
        said["database"] = "ok"
        if said["migrations"] == "ok":
            for check in checks:
                said |= check.read()
    except DatabaseError:
        connection.close()
    may_be = {name: check.may_be for check in checks for name in check.names}
    well = all(word == "ok" or word in may_be.get(name, ()) for name, word in said.items())
    return JsonResponse({"status": "ok" if well else "unwell", **said}, status=200 if well else 503)


def _is_migrated() -> bool:
    """Whether the database has every migration; once it has, this process asks no more."""
    global _migrated
    if not _migrated:
        executor = MigrationExecutor(connection)
        _migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return _migrated
