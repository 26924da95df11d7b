"""Faults: switching them on, and asking where one applies whether it is on now."""

from django.db.models import F, Q

from node.fault_kinds import KINDS, Kind
from node.models import NETWORKS, Fault


class UnknownFault(ValueError):
    """No such kind of fault, or parameters that make no sense."""


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
    return Fault.objects.create(
        kind=kind,
        remaining=count,
        delay_s=known.delay_s if delay_s is None else delay_s,
        match=str(match),
        params={**known.params, **(params or {})},
    )


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
    if not 1 <= params.get("megabytes", 1) <= 2048:
        raise UnknownFault("megabytes must be between 1 and 2048")


def strike(kind: str, *subjects: str) -> Fault | None:
    """The fault of this kind that strikes now, counted down; None when there is none.

    A fault with `match` strikes only when one of `subjects` equals it. Two callers never share one count.
    """
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
