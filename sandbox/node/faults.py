"""Faults: switching them on, and asking where one applies whether it is on now."""

import threading

from django.db import transaction
from django.db.models import F, Q

from node.fault_kinds import KINDS, Kind
from node.models import NETWORKS, Fault


class UnknownFault(ValueError):
    """No such kind of fault, or parameters that make no sense."""


class _Kinds:
    """The kinds of the faults there are, read once after each change: a call asks for ten of them.

    Right for one process, which the sandbox is. A kind too many costs a query; none is ever missing.
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._changes = 0
        self._kinds: frozenset[str] | None = None

    def changed(self) -> None:
        with self._lock:
            self._changes += 1
            self._kinds = None

    def read(self) -> frozenset[str]:
        with self._lock:
            kinds, changes = self._kinds, self._changes
        if kinds is None:
            kinds = frozenset(Fault.objects.values_list("kind", flat=True))
            with self._lock:
                if changes == self._changes:
                    self._kinds = kinds
        return kinds


_there_are = _Kinds()


def switch_on(
    *,
    kind: str,
    count: int | None = None,
    delay_s: float | None = None,
    match: str = "",
    params: dict | None = None,
) -> Fault:
    """From now on `kind` strikes `count` times (always, when None). Raises UnknownFault."""
    known = KINDS.get(kind)
    if known is None:
        raise UnknownFault(f"unknown fault {kind!r}; GET /api/faults lists them")
    _check_params(known, params or {})
    if count is not None and (isinstance(count, bool) or not isinstance(count, int) or count < 1):
        raise UnknownFault("count must be a positive integer")
    if delay_s is not None and (not isinstance(delay_s, (int, float)) or not 0 <= delay_s <= 86400):
        raise UnknownFault("delay_s must be between 0 and 86400 seconds")
    fault = Fault.objects.create(
        kind=kind,
        remaining=count,
        delay_s=known.delay_s if delay_s is None else delay_s,
        match=str(match),
        params={**known.params, **(params or {})},
    )
    transaction.on_commit(_there_are.changed)
    return fault


def switch_off(**which) -> int:
    """Delete the faults that the filter `which` names, or all; how many."""
    count = Fault.objects.filter(**which).delete()[0]
    transaction.on_commit(_there_are.changed)
    return count


def _check_params(kind: Kind, params: dict) -> None:
    unknown = set(params) - set(kind.params)
    if unknown:
        raise UnknownFault(f"{kind.name} takes no {', '.join(sorted(unknown))}")
    for name, value in params.items():
        wanted = type(kind.params[name])
        if type(value) is not wanted:
            raise UnknownFault(f"{name} must be of type {wanted.__name__}")
    if params.get("network", "MAINNET") not in NETWORKS:
        raise UnknownFault(f"network must be one of {', '.join(NETWORKS)}")
    if not 1 <= params.get("times", 1) <= 1000 or not 200 <= params.get("status", 400) <= 599:
        raise UnknownFault("times or status is out of range")
    if params.get("fee_msats", 0) < 0 or params.get("msats_per_unit", 1) < 1 or params.get("decimals", 0) < 0:
        raise UnknownFault("fees, rates and decimals are not negative")
    if not 0 < params.get("factor", 1) <= 1e9:
        raise UnknownFault("factor must be above 0")
    if not 1 <= params.get("megabytes", 1) <= 2048:
        raise UnknownFault("megabytes must be between 1 and 2048")


def strike(kind: str, *subjects: str) -> Fault | None:
    """The fault of this kind that strikes now, counted down; None when there is none.

    A fault with `match` strikes only when one of `subjects` equals it. Two callers never share one count.
    """
    if kind not in _there_are.read():
        return None
    for fault in Fault.objects.filter(kind=kind).filter(Q(match="") | Q(match__in=subjects)).order_by("pk"):
        if fault.remaining is None:
            Fault.objects.filter(pk=fault.pk).update(hits=F("hits") + 1)
            return fault
        taken = Fault.objects.filter(pk=fault.pk, remaining__gt=0)
        if taken.update(remaining=F("remaining") - 1, hits=F("hits") + 1):
            return fault
    return None


def is_on(kind: str, *subjects: str) -> bool:
    """Like `strike`, for callers that only need yes or no."""
    return strike(kind, *subjects) is not None
