"""The list that a door takes along: every ticket of an event, in what state, without its code."""

import base64
import hashlib
import json
import uuid
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.history import record
from accounts.models import User
from accounts.rate_limits import hit
from events.catalogue_models import Admits
from events.models import Event
from tickets.models import Order, Ticket
from ticketsuma import clock
from ticketsuma.errors import DomainError

from .models import DoorList
from .scans import conflicts_of
from .statements import public_keys

OPEN, VOID, REPLAY = "open", "void", "replay"


class NoList(DomainError):
    code = "no_door_list"
    message = _("This event is over or canceled: there is no list to take along.")


def take_list(event: Event, *, device: uuid.UUID, by: User, known: str = "") -> dict[str, Any]:
    """The list of `event` for a `device` that will be without a net: a JSON object.

    `tickets` are arrays of id, SHA-256 of the code (base64), generation, state (`open`, `void`, `replay`),
    since when it is in (or null), holder's name, type, order's code, number in the order, and how many
    those are; null when `known` is the version that the device has. `keys` are those of statements. `gone_at`
    is when the device must forget it all. Taken the first time it stands in the event's history; of two at
    once both get it. Raises NoList, RateLimited.
    """
    hit("DOOR_LIST_PER_USER", str(by.pk))
    if event.is_past or event.is_canceled:
        raise NoList
    taken_at = clock.now()
    with transaction.atomic():
        row, is_new = DoorList.objects.get_or_create(
            event=event, device=device,
            defaults={"by": by, "by_name": by.email, "taken_at": taken_at, "renewed_at": taken_at},
        )  # fmt: skip
        if is_new:
            record("take_list", event)
        else:
            DoorList.objects.filter(pk=row.pk).update(renewed_at=taken_at)
    tickets = _tickets(event)
    version = hashlib.sha256(json.dumps(tickets).encode()).hexdigest()
    return {
        "list": row.pk,
        "event": event.pk,
        "taken_at": _said(taken_at),
        "gone_at": _said(event.end_time),
        "keys": public_keys(),
        "version": version,
        "tickets": None if version == known else tickets,
        "conflicts": conflicts_of(event),
    }


def _tickets(event: Event) -> list[list[Any]]:
    """Of orders that are or were paid: no statement was signed for any other."""
    sold = Ticket.objects.filter(
        order__event=event, order__status__in=[Order.Status.PAID, Order.Status.CANCELED]
    )
    sold = sold.exclude(order__paid_at=None).order_by("search_key", "order__code", "number")
    rows = sold.values_list(
        "pk", "ticket_code", "generation", "voided_at", "order__status", "line__admits", "check_in__at",
        "holder_name", "order__name", "line__type__name", "order__code", "number", "order__quantity",
    )  # fmt: skip
    return [
        [
            pk.hex,
            _digest(code),
            generation,
            _state(voided_at, status, admits),
            _said(used),
            holder or buyer,
            *rest,
        ]
        for pk, code, generation, voided_at, status, admits, used, holder, buyer, *rest in rows.iterator()
    ]


def _state(voided_at: datetime | None, status: str, admits: str | None) -> str:
    if voided_at or status != Order.Status.PAID:
        return VOID
    return REPLAY if admits == Admits.REPLAY else OPEN


def _digest(code: str) -> str:
    """A code has 130 random bits: nobody who finds the list guesses it, and so makes no ticket of it."""
    return base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()


def _said(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None
