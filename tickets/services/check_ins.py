"""Check-in at the door: validating a code, and admitting its ticket, once."""

import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import cast

from django.db import IntegrityError, transaction
from django.db.models import Count, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from events.catalogue_models import Admits
from events.models import Event
from tickets.models import CheckIn, Order, Ticket
from tickets.offline_door.statements import code_of
from ticketsuma import clock
from ticketsuma.errors import DomainError

# For so long a scan may be sent again because its answer was lost; later the next person may stand there.
SAME_SCAN = timedelta(seconds=30)


@dataclass(frozen=True)
class Validation:
    """Result of validating a code at a door. `reason` is `ok` exactly when `valid`.

    `is_repeat`: the same scan let somebody in a moment ago; nobody else comes in by it.
    """

    reason: str
    event: Event | None = None
    ticket: Ticket | None = None
    checked_in_at: datetime | None = None
    is_repeat: bool = False

    @property
    def valid(self) -> bool:
        return self.reason == "ok"


def validate_code(code: str, *, event_id: int | None = None) -> Validation:
    """Look a typed or scanned code up; nothing changes. With `event_id`, at that event's door."""
    return _validate(Ticket.objects.filter(ticket_code=code_of(code)), event_id)


def validate_ticket(ticket_id: uuid.UUID, *, event_id: int) -> Validation:
    """`validate_code` for a ticket that was picked from the guest list, or scanned while there was no net."""
    return _validate(Ticket.objects.filter(pk=ticket_id), event_id)


def _validate(tickets: QuerySet[Ticket], event_id: int | None) -> Validation:
    ticket = tickets.select_related("order__event", "check_in", "line__type").first()
    if ticket is None:
        return Validation("unknown_code")
    checked_in_at = ticket.check_in.at if ticket.is_used else None
    return Validation(_reason(ticket, event_id), ticket.order.event, ticket, checked_in_at)


def _reason(ticket: Ticket, event_id: int | None) -> str:
    if event_id is not None and ticket.order.event_id != event_id:
        return "wrong_event"
    if ticket.order.event.is_canceled:
        return "event_canceled"
    if ticket.voided_at or ticket.order.status == Order.Status.CANCELED:
        return "void"
    if not ticket.admits:
        return "not_paid"
    if not ticket.admits_to(Admits.LIVE):
        return "replay_only"
    return "already_checked_in" if ticket.is_used else "ok"


# -- letting in -------------------------------------------------------------------------------
class NotAdmitted(DomainError):
    """`code` is the reason `validate_code` gives."""

    message = _("This ticket does not admit to this event.")

    def __init__(self, reason: str):
        self.code = reason
        self.status = 404 if reason == "unknown_code" else 409
        super().__init__()


class AlreadyCheckedIn(DomainError):
    code = "already_checked_in"

    def __init__(self, at: datetime):
        self.at = at
        super().__init__(_("Already checked in at %(at)s.") % {"at": f"{at:%Y-%m-%dT%H:%M:%SZ}"})


def check_in(*, code: str, event_id: int, by: User | None, nonce: str = "") -> CheckIn:
    """Use the ticket at the door of `event_id`, once: of two scanners at once one succeeds.

    The same scan (same `nonce`) sent again within SAME_SCAN, by the database's clock, gets the same answer
    and `is_repeat`: afterwards a browser's Back would let a second person in. Raises NotAdmitted,
    AlreadyCheckedIn.
    """
    return let_in(validate_code(code, event_id=event_id), by=by, nonce=nonce)


def let_in(found: Validation, *, by: User | None, nonce: str, at: datetime | None = None) -> CheckIn:
    """`check_in` of what was just validated; `at` a moment before now when they came, None for now."""
    ticket = cast(Ticket, found.ticket)  # none only when the code is unknown
    if found.reason == "already_checked_in":
        return _same_scan(ticket.check_in, nonce)
    if not found.valid:
        raise NotAdmitted(found.reason)
    try:
        with transaction.atomic():
            Order.objects.select_for_update().get(pk=ticket.order_id)  # a refund waits, or came first
            if not Ticket.objects.admitting(Admits.LIVE).filter(pk=ticket.pk).exists():
                raise NotAdmitted("void")
            return CheckIn.objects.create(
                ticket=ticket, at=at or clock.now(), by=by, by_name=by.email if by else "", nonce=nonce
            )
    except IntegrityError:
        return _same_scan(CheckIn.objects.select_related("ticket").get(ticket=ticket), nonce)


def _same_scan(earlier: CheckIn, nonce: str) -> CheckIn:
    if nonce and earlier.nonce == nonce and clock.is_recent(earlier.at, within=SAME_SCAN):
        earlier.is_repeat = True
        return earlier
    raise AlreadyCheckedIn(earlier.at)


# -- a door's page ----------------------------------------------------------------------------
def scan(found: Validation, *, by: User, nonce: str) -> Validation:
    """`let_in`, with the refusal as an answer: `ok` means that this very scan let somebody in."""
    try:
        used = let_in(found, by=by, nonce=nonce)
    except (NotAdmitted, AlreadyCheckedIn) as refusal:
        return replace(_again(found), reason=refusal.code)
    return replace(_again(found), reason="ok", checked_in_at=used.at, is_repeat=used.is_repeat)


def _again(found: Validation) -> Validation:
    return _validate(Ticket.objects.filter(pk=found.ticket.pk), None) if found.ticket else found


def last_check_ins(event: Event, most: int = 8) -> QuerySet[CheckIn]:
    """The latest check-ins, at any door and by joining the stream; newest first."""
    came = CheckIn.objects.filter(ticket__order__event=event)
    return came.select_related("ticket__order").order_by("-at", "-pk")[:most]


def turnout(event: Event) -> dict[str, int]:
    """How many tickets admit, and how many of them have been used."""
    admitting = Ticket.objects.admitting(Admits.LIVE).filter(order__event=event)
    return admitting.aggregate(sold=Count("pk"), inside=Count("check_in"))
