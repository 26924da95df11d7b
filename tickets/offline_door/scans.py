"""Scans of doors that had no net, merged: who was let in, and who twice."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from accounts.history import record
from accounts.models import User
from accounts.rate_limits import hit
from events.models import Event
from tickets.models import CheckIn, Ticket
from tickets.services import check_ins
from ticketsuma import clock

from .models import DoorList, OfflineScan

Outcome = OfflineScan.Outcome
MOST_AT_ONCE = 500
MOST_CONFLICTS = 50
UNKNOWN = "unknown"  # no ticket of this event: nothing is kept of it
_REFUSED = {"void": Outcome.VOID, "event_canceled": Outcome.NOT_ADMITTING}


@dataclass(frozen=True)
class Scan:
    """What a device says of one ticket that it let in: its own id for it, which ticket, in which generation,
    and when by its own clock, in milliseconds since 1970."""

    scan: uuid.UUID
    ticket: uuid.UUID
    generation: int
    at: int


def merge(
    event: Event, *, list_id: int, sent_at: int, scans: Sequence[Scan], by: User
) -> list[dict[str, Any]]:
    """Keep what a device did at `event` without a net; for each scan its outcome, in the order given.

    The first who let a ticket in checks it in; another one is a conflict, which doors and staff see with both
    times. Sent again, or by two at once, a scan is kept once and has the outcome it had. The device's clock
    (`sent_at` is what it shows now) counts for how long ago a scan was, and no scan was before its list was
    taken nor after now; what it said is kept as well. Each scan is a transaction of its own: what a crash
    leaves is sent again. Raises DoorList.DoesNotExist for a list that is none of this event's, RateLimited.
    """
    hit("DOOR_MERGE_PER_USER", str(by.pk))
    door_list = DoorList.objects.get(pk=list_id, event=event)
    now = clock.now()
    return [_told(_merge_one(door_list, scan, sent_at, now, by), scan) for scan in scans]


def _merge_one(door_list: DoorList, scan: Scan, sent_at: int, now: datetime, by: User) -> OfflineScan | None:
    known = OfflineScan.objects.filter(door_list=door_list, scan=scan.scan)
    if row := known.first():
        return row
    try:
        with transaction.atomic():
            return _keep(door_list, scan, sent_at, now, by)
    except IntegrityError:
        return known.get()


def _keep(door_list: DoorList, scan: Scan, sent_at: int, now: datetime, by: User) -> OfflineScan | None:
    found = check_ins.validate_ticket(scan.ticket, event_id=door_list.event_id)
    ticket = found.ticket
    if ticket is None or found.reason == "wrong_event":
        return None
    row = OfflineScan(
        door_list=door_list, scan=scan.scan, ticket=ticket, merged_at=now, by=by, by_name=by.email,
        said_at=_moment(scan.at), at=_when(door_list, scan, sent_at, now),
    )  # fmt: skip
    row.outcome, row.first_at = _outcome(found, ticket, scan, row.at, by)
    row.save(force_insert=True)
    if row.outcome != Outcome.ADMITTED:
        _tell_staff(row)
    return row


def _outcome(
    found: check_ins.Validation, ticket: Ticket, scan: Scan, at: datetime, by: User
) -> tuple[str, datetime | None]:
    if ticket.generation != scan.generation:
        return Outcome.REPLACED, found.checked_in_at
    try:
        check_ins.let_in(found, by=by, nonce=scan.scan.hex, at=at)
    except check_ins.NotAdmitted as refusal:
        return _REFUSED.get(refusal.code, Outcome.NOT_ADMITTING), None
    except check_ins.AlreadyCheckedIn as refusal:
        # It may have been this very scan, whose answer was lost when the net went.
        same = CheckIn.objects.filter(ticket=ticket, nonce=scan.scan.hex).exists()
        return (Outcome.ADMITTED, None) if same else (Outcome.CONFLICT, refusal.at)
    return Outcome.ADMITTED, None


def _when(door_list: DoorList, scan: Scan, sent_at: int, now: datetime) -> datetime:
    """A wrong clock is wrong by as much at the scan as now, so what lies between is right."""
    ago = timedelta(milliseconds=max(sent_at - scan.at, 0))
    return max(now - min(ago, now - door_list.taken_at), door_list.taken_at)


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, tz=UTC)


# -- what doors and staff see -----------------------------------------------------------------
def _tell_staff(row: OfflineScan) -> None:
    first = {"first": _at(row.first_at)} if row.first_at else {}
    record("door_conflict", row.ticket, said=str(row.get_outcome_display()), at=_at(row.at), **first)


def _at(moment: datetime) -> str:
    return f"{moment:%F %T} UTC"


def _told(row: OfflineScan | None, scan: Scan) -> dict[str, Any]:
    return {"scan": scan.scan.hex, "outcome": row.outcome if row else UNKNOWN}


def conflicts_of(event: Event) -> list[dict[str, Any]]:
    """What went wrong at doors of `event` without a net, newest first, for every door's page."""
    rows = OfflineScan.objects.filter(door_list__event=event).exclude(outcome=Outcome.ADMITTED)
    rows = rows.select_related("ticket__order").order_by("-merged_at", "-pk")[:MOST_CONFLICTS]
    return [
        {
            "outcome": row.outcome,
            "says": str(row.get_outcome_display()),
            "who": row.ticket.holder_name or row.ticket.order.code,
            "order": row.ticket.order.code,
            "at": row.at.isoformat(),
            "first_at": row.first_at.isoformat() if row.first_at else None,
        }
        for row in rows
    ]
