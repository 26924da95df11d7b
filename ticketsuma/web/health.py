"""Health pages for monitors and for `./run`: words only, and no call to another server."""

from datetime import datetime

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from payments.checkup_models import Checkup
from payments.models import Sweep
from payments.node.lightspark import NodeForbidden
from ticketsuma import clock

_migrated = False


@require_safe
@never_cache
def live(request: HttpRequest) -> JsonResponse:
    """200 while this process answers at all: for whoever would restart it."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def health(request: HttpRequest) -> JsonResponse:
    """200 when database, migrations, worker and node are well, else 503 with the word that tells which.

    `doctor` is `wrong` when the worker found what somebody has to put right (`manage.py doctor` says what),
    and `unknown` until it has looked. The node is `forbidden` when Lightspark does not accept the API token;
    `clock` says that the last look lies in the future.
    """
    said = dict.fromkeys(("migrations", "worker", "node", "doctor"), "unknown")
    said = {"database": "down", **said}
    try:
        said["migrations"] = "ok" if _is_migrated() else "missing"
        said["database"] = "ok"
        if said["migrations"] == "ok":
            sweep = Sweep.objects.filter(name=Sweep.INCOMING).first()
            said["worker"] = _word_for(sweep.tried_at if sweep else None)
            said["node"] = _word_for(sweep.succeeded_at if sweep else None)
            if sweep and sweep.last_error.startswith(NodeForbidden.code):
                said["node"] = "forbidden"
            checkup = Checkup.objects.filter(checked_at__isnull=False).first()
            if checkup:
                said["doctor"] = checkup.word
    except DatabaseError:
        connection.close()
    well = all(word == "ok" for name, word in said.items() if name != "doctor") and said["doctor"] != "wrong"
    return JsonResponse({"status": "ok" if well else "unwell", **said}, status=200 if well else 503)


def _is_migrated() -> bool:
    """Whether the database has every migration; once it has, this process asks no more."""
    global _migrated
    if not _migrated:
        executor = MigrationExecutor(connection)
        _migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return _migrated


def _word_for(moment: datetime | None) -> str:
    """`ok`, `silent` or `clock` (in the future), for the last time of what is done every few seconds."""
    if clock.is_ahead(moment):
        return "clock"
    return "ok" if clock.is_recent(moment, within=Sweep.SILENT_AFTER) else "silent"
