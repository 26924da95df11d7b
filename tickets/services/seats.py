"""Seats of orders: what an order takes of its code, its types and its event, and gives back.

Locks are taken in that order; the event's row, the hot one, last.
"""

from collections import Counter
from collections.abc import Iterable

from django.db.models import Count, Q, Subquery
from django.db.models.functions import Coalesce

from events.catalogue_models import Admits, PromoCode
from tickets.models import Order, Ticket
from ticketsuma.kept_queries import Condition


def claim_seats(order: Order, *, within: Condition | None = None) -> bool:
    """Take the seats of `order`, all or none, and a use of its code; False when `within` forbids it.

    Call it last in a transaction, which must end when it refuses. Raises PromoCodeRefused, SoldOut or
    SalesClosed.
    """
    if order.promo_code:
        PromoCode.objects.claim(order.promo_code, _is_left_for_person(order))
    types, live = _of_lines(order)
    return order.event.claim(live, within=within, types=types)


def give_back_seats(order: Order) -> None:
    """Give back what `claim_seats` took, where the order ends; void tickets, of paid ones, hold none."""
    if order.promo_code_id:
        PromoCode.objects.release(order.promo_code_id)
    if order.paid_at:
        held = order.tickets.filter(voided_at=None).order_by().values_list("line__type", "line__admits")
        types, live = _count(held.annotate(seats=Count("pk")))
    else:
        types, live = _of_lines(order)
    order.event.release(live, types=types)


def give_back_tickets(order: Order, tickets: Iterable[Ticket]) -> None:
    """Give back the seats of tickets of `order` that were just voided; load their lines with several."""
    lines = [ticket.line for ticket in tickets]
    types, live = _count((line.type_id, line.admits, 1) if line else (None, None, 1) for line in lines)
    order.event.release(live, types=types)


def _of_lines(order: Order) -> tuple[Counter[int], int]:
    lines = order.lines.all() if order.lines_in_hand is None else order.lines_in_hand
    types, live = _count((line.type_id, line.admits, line.quantity) for line in lines)
    return (types, live) if types else (types, order.quantity)  # without lines: of the version before


def _count(rows: Iterable[tuple[int | None, str | None, int]]) -> tuple[Counter[int], int]:
    """Seats by type, and those of the event, of (type, admits, seats); None is of the version before."""
    types: Counter[int] = Counter()
    live = 0
    for type_id, admits, seats in rows:
        if type_id is not None:
            types[type_id] += seats
        if admits != Admits.REPLAY:
            live += seats
    return types, live


def _is_left_for_person(order: Order) -> Q:
    """Whether the order's person may use its code; counted under the lock of their mailbox."""
    others = Order.objects.holding().filter(promo_code=order.promo_code, email=order.email).exclude(email="")
    count = others.exclude(pk=order.pk).order_by().values("promo_code").annotate(n=Count("pk")).values("n")
    return Q(max_per_person=None) | Q(max_per_person__gt=Coalesce(Subquery(count), 0))
