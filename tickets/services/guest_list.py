"""The door's guest list: found by name, order code or e-mail, picked from, and let out again."""

import uuid

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.history import record
from accounts.models import normalize_email
from events.models import Event
from tickets.models import ORDER_CODE_LENGTH, TICKET_CODE_LENGTH, CheckIn, Order, Ticket
from tickets.offline_door.statements import code_of
from ticketsuma.addresses import InvisibleSign
from ticketsuma.codes import normalize_code
from ticketsuma.errors import DomainError
from ticketsuma.search_keys import fold

MOST_FOUND = 20
LEAST_LETTERS = 2
_LOOKED_AT = 500  # rows whose key has the words: an e-mail address is in an order's key as well


class NotCheckedIn(DomainError):
    code = "not_checked_in"
    message = _("This ticket is not checked in.")


class JoinedStream(DomainError):
    code = "joined_stream"
    message = _("They joined the stream: that cannot be undone at the door.")


def looks_like_code(typed: str) -> bool:
    """Whether `typed` is as long as a ticket's code; anything else is looked for in the guest list."""
    return len(code_of(typed)) == TICKET_CODE_LENGTH


def guests(event: Event) -> QuerySet[Ticket]:
    """The tickets of paid orders, by name; void ones too, so that the door sees why."""
    tickets = Ticket.objects.filter(order__event=event, order__status=Order.Status.PAID)
    tickets = tickets.select_related("order__event", "check_in", "line__type")
    return tickets.order_by("search_key", "order__code", "number")


def find_guests(event: Event, typed: str) -> list[Ticket]:
    """Up to MOST_FOUND tickets of an order's code, a whole e-mail address, or parts of a name's words.

    A part of an address finds nobody: the door is told of an address what it knows already. Less than
    LEAST_LETTERS is nobody.
    """
    typed = typed.strip()
    if len(typed) < LEAST_LETTERS or "\0" in typed:
        return []
    code = normalize_code(typed)
    if len(code) == ORDER_CODE_LENGTH and (whole := list(guests(event).filter(order__code=code))):
        return whole
    if "@" in typed:
        try:
            email = normalize_email(typed)
        except InvisibleSign:
            return []
        return list(guests(event).filter(Q(holder_email=email) | Q(order__email=email))[:MOST_FOUND])
    words = fold(typed).split()
    found = guests(event)
    for word in words:
        found = found.filter(Q(search_key__folded=word) | Q(order__search_key__folded=word))
    named = [t for t in found[:_LOOKED_AT] if all(word in fold(guest_name(t)) for word in words)]
    return named[:MOST_FOUND]


def guest_name(ticket: Ticket) -> str:
    """Whose ticket it is, as far as known: its holder's name, and the buyer's; its order is loaded."""
    return " / ".join(dict.fromkeys(filter(None, (ticket.holder_name, ticket.order.name))))


def undo_check_in(ticket_id: uuid.UUID, *, event_id: int) -> Ticket:
    """Take back that a ticket of `event_id` was let in: it may be used once more. In the history.

    Of two at once one does; the other gets NotCheckedIn, as for any ticket that was not let in.
    JoinedStream where nobody let them in: they watch.
    """
    with transaction.atomic():
        here = Ticket.objects.select_related("order__event", "line__type").filter(order__event=event_id)
        ticket = here.filter(pk=ticket_id).first()
        if ticket is None:
            raise NotCheckedIn
        Order.objects.select_for_update().get(pk=ticket.order_id)  # as who lets in does
        used = CheckIn.objects.filter(ticket=ticket).first()
        if used is None:
            raise NotCheckedIn
        if not used.by_name:
            raise JoinedStream
        used.delete()
        record("undo_check_in", ticket, at=f"{used.at:%F %T} UTC")
    return ticket
