"""The door: would this code be let in, and letting it in, once."""

from dataclasses import dataclass
from datetime import datetime

from events.models import Event
from ticketsuma.codes import normalize_code

from .models import Order, Ticket


@dataclass(frozen=True)
class Validation:
    """What a code is worth at a door. `reason` is `ok` exactly when `valid`."""

    reason: str
    event: Event | None = None
    ticket: Ticket | None = None
    checked_in_at: datetime | None = None

    @property
    def valid(self) -> bool:
        return self.reason == "ok"


def validate_code(code: str, *, event_id: int | None = None) -> Validation:
    """Look a typed or scanned code up; nothing changes. With `event_id`, at that event's door."""
    ticket = (
        Ticket.objects.select_related("order__event", "check_in")
        .filter(ticket_code=normalize_code(code))
        .first()
    )
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
    return "already_checked_in" if ticket.is_used else "ok"
