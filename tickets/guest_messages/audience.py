"""Guests whom a message is for: each address once."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, When

from tickets.mail_health.suppression import complained
from tickets.models import Answer, Order, Ticket

from .models import Message
from .unsubscribing import unsubscribed

_GOOD = Q(order__status=Order.Status.PAID, voided_at=None)
_STATES = {
    Message.Guests.GOING: _GOOD,
    Message.Guests.CAME: _GOOD & Q(check_in__isnull=False),
    Message.Guests.ABSENT: _GOOD & Q(check_in=None),
    Message.Guests.UNPAID: Q(order__status=Order.Status.PENDING, voided_at=None),
    Message.Guests.GAVE_BACK: Q(order__paid_at__isnull=False)
    & (Q(voided_at__isnull=False) | Q(order__status=Order.Status.CANCELED)),
}


@dataclass(frozen=True)
class Guest:
    """An address, and the first order by which it is one: its language is the guest's."""

    address: str
    order_id: UUID


def tickets_for(message: Message) -> QuerySet[Any, Any]:
    """The tickets that `message` is about, each with its guest's `address`: the holder's, else the buyer's.

    None of forgotten orders. Who unsubscribed is among them (`guests` leaves them out).
    """
    tickets = Ticket.objects.filter(
        _STATES[Message.Guests(message.guests)], order__event=message.event_id, order__is_forgotten=False
    )
    if message.ticket_type_id:
        tickets = tickets.filter(line__type=message.ticket_type_id)
    if message.question_id:
        tickets = tickets.filter(Exists(_answers(message)))
    address = Case(When(~Q(holder_email=""), F("holder_email")), default=F("order__email"))
    return tickets.annotate(address=address).exclude(address="")


def _answers(message: Message) -> QuerySet[Answer]:
    """Answers to its question, of the order or of the ticket itself; choices are kept one a line."""
    answers = Answer.objects.filter(
        Q(ticket_number=0) | Q(ticket_number=OuterRef("number")),
        order=OuterRef("order"), question=message.question_id,
    )  # fmt: skip
    if not (said := message.answer):
        return answers
    return answers.filter(
        Q(text__iexact=said)
        | Q(text__startswith=f"{said}\n")
        | Q(text__endswith=f"\n{said}")
        | Q(text__contains=f"\n{said}\n")
    )


def guests(message: Message) -> list[Guest]:
    """Everybody whom it is for, each address once, by their first order; of news not who unsubscribed."""
    rows = tickets_for(message).order_by("order__created_at", "order", "number")
    first: dict[str, UUID] = {}
    for address, order_id in rows.values_list("address", "order").iterator(chunk_size=5000):
        first.setdefault(address, order_id)
    if message.is_news:
        for address in _without_news(message, first):
            del first[address]
    return [Guest(address, order_id) for address, order_id in first.items()]


def is_for(message: Message, *, address: str, order_id: UUID) -> bool:
    """Whether `message` is (still) for whoever has `address` by this order."""
    if not tickets_for(message).filter(address=address, order=order_id).exists():
        return False
    return not (message.is_news and _without_news(message, [address]))


def _without_news(message: Message, addresses: Iterable[str]) -> set[str]:
    """Those of `addresses` that unsubscribed from its organizer, or complained about any mail of ours."""
    asked = list(addresses)
    return unsubscribed(message.event.organizer_id, asked) | complained(asked)
