"""Health checks of payments for `/health`: the worker, the node, and the doctor's findings."""

from datetime import datetime

from payments.checkup_models import Checkup
from payments.models import Sweep
from payments.node.lightspark import NodeForbidden
from payments.rates import checks as rates
from ticketsuma import clock
from ticketsuma.web.health import Check


def _sweep() -> dict[str, str]:
    sweep = Sweep.objects.filter(name=Sweep.INCOMING).first()
    node = _word_for(sweep.succeeded_at if sweep else None)
    if sweep and sweep.last_error.startswith(NodeForbidden.code):
        node = "forbidden"
    return {"worker": _word_for(sweep.tried_at if sweep else None), "node": node}


def _doctor() -> dict[str, str]:
    checkup = Checkup.objects.filter(checked_at__isnull=False).first()
    return {"doctor": checkup.word} if checkup else {}


def _word_for(moment: datetime | None) -> str:
    """`ok`, `silent` or `clock` (in the future), for the last time of what is done every few seconds."""
    if clock.is_ahead(moment):
        return "clock"
    return "ok" if clock.is_recent(moment, within=Sweep.SILENT_AFTER) else "silent"


CHECKS = [
    Check(("worker", "node"), _sweep),
    Check(("doctor",), _doctor, may_be=("unknown",)),
    Check(("rates",), rates.health, may_be=("unknown", "paused")),
]
