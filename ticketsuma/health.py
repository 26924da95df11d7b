"""Is the shop well? For monitors and for `./run`; words only, and no call to anybody else."""

from datetime import datetime, timedelta

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from payments.models import Sweep

# The worker asks the node every 10 s, and every 36 s at most while it does not answer.
SILENT_AFTER = timedelta(seconds=90)
_migrated = False


@require_safe
@never_cache
def live(request: HttpRequest) -> JsonResponse:
    """200 while this process answers at all: for whoever would restart it."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def health(request: HttpRequest) -> JsonResponse:
    """200 when database, migrations, worker and node are well, else 503 with the word that tells which."""
    said = {"database": "down", "migrations": "unknown", "worker": "unknown", "node": "unknown"}
    try:
        said["migrations"] = "ok" if _is_migrated() else "missing"
        said["database"] = "ok"
        if said["migrations"] == "ok":
            sweep = Sweep.objects.filter(name="incoming").first()
            said["worker"] = "ok" if sweep and _is_recent(sweep.tried_at) else "silent"
            said["node"] = "ok" if sweep and _is_recent(sweep.succeeded_at) else "silent"
    except DatabaseError:
        connection.close()
    well = all(word == "ok" for word in said.values())
    return JsonResponse({"status": "ok" if well else "unwell", **said}, status=200 if well else 503)


def _is_migrated() -> bool:
    """Whether the database has every migration; once it has, this process asks no more."""
    global _migrated
    if not _migrated:
        executor = MigrationExecutor(connection)
        _migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return _migrated


def _is_recent(moment: datetime | None) -> bool:
    return moment is not None and timezone.now() - moment < SILENT_AFTER
