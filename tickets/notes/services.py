"""Notes: writing one, and forgetting those of guests who are forgotten."""

import uuid
from collections.abc import Iterable

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.history import record
from accounts.models import User
from tickets.models import FORGOTTEN, Order
from ticketsuma.errors import DomainError

from .models import Note


class GuestForgotten(DomainError):
    code = "guest_forgotten"
    message = _("The guest was forgotten: nothing is kept about them any more.")


def may_have_notes(order: Order) -> bool:
    return not order.is_forgotten and order.scope != FORGOTTEN


def write_note(order: Order, text: str, *, by: User) -> Note:
    """Keep `text` with the order; the history says that it was done, and not what it says.

    The order is locked, as by whoever forgets its guest. Raises GuestForgotten.
    """
    with transaction.atomic():
        if not may_have_notes(Order.objects.select_for_update(no_key=True).get(pk=order.pk)):
            raise GuestForgotten
        record("note", order)
        return Note.objects.create(order=order, text=text, by=by, by_name=by.email)


def forget_notes(orders: Iterable[uuid.UUID]) -> None:
    """Of orders whose buyer is forgotten, in that transaction: a note may name them."""
    Note.objects.filter(order__in=list(orders)).delete()
