"""Baskets: what somebody wants of an event, and what it costs by the types' prices and a promo code."""

import functools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import BigIntegerField, F, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ticketsuma.errors import DomainError
from ticketsuma.kept_queries import KeptQuery
from ticketsuma.money import MAX_SATS, SAT, format_amount

from .catalogue_models import (
    PromoCode,
    PromoCodeRefused,
    SalesClosed,
    SoldOut,
    TicketType,
    default_type_of,
)
from .models import Event


class QuantityNotAllowed(DomainError):
    code = "quantity_not_allowed"
    status = 400
    field = "quantity"


class UnknownTicketType(DomainError):
    """Of another event, hidden, or not there: the three look the same."""

    code = "unknown_ticket_type"
    message = _("This event has no such ticket type.")
    status = 400
    field = "items"


class AmountNotAllowed(DomainError):
    """`price` is the least that a seat may be paid with."""

    code = "amount_not_allowed"
    status = 400
    field = "amount_sats"

    def __init__(self, message: str | Promise, price: int):
        super().__init__(message)
        self.members = {"price": price}

    @classmethod
    def of(cls, says: Promise | str, ticket_type: TicketType) -> "AmountNotAllowed":
        price = format_amount(ticket_type.price, ticket_type.currency)
        return cls(str(says) % {"type": ticket_type.shown_name, "price": price}, ticket_type.price)


@dataclass(frozen=True)
class Item:
    """So many seats of a type; where buyers say what they pay, `amount` is that, for one seat.

    It is in minor units of the event's currency; `is_in_sats` says that it was said to be sats.
    """

    type_id: int
    quantity: int
    amount: int | None = None
    is_in_sats: bool = False


@dataclass(frozen=True)
class BasketLine:
    """`price` is of one seat; `discount` of the whole line."""

    type: TicketType
    quantity: int
    price: int
    discount: int = 0

    @property
    def amount(self) -> int:
        return self.price * self.quantity - self.discount


@dataclass(frozen=True)
class Basket:
    """Lines in the order in which the types are shown, at most one of each type and price."""

    lines: list[BasketLine]
    code: PromoCode | None = None

    @property
    def quantity(self) -> int:
        return sum(line.quantity for line in self.lines)

    @property
    def amount(self) -> int:
        return sum(line.amount for line in self.lines)

    @property
    def seat_price(self) -> int:
        """What a seat costs on average, rounded up: 0 exactly when all are free."""
        return -(-self.amount // self.quantity)


@functools.partial(KeptQuery, field=BigIntegerField())
def _public_event(pk: int) -> QuerySet[Any, Any]:
    return Event.objects.public().select_related("default_type").filter(pk=pk)


def read_event(*, items: Sequence[Item] = (), promo_code: str = "", **which) -> Event | None:
    """The public event `which`, with what a basket of it needs in hand: one statement."""
    if not items and not promo_code:
        pk = which.get("pk")
        if isinstance(pk, int) and 0 < pk < 2**63:
            return next(iter(_public_event(pk)), None)
        return Event.objects.public().select_related("default_type").filter(**which).first()
    types = TicketType.objects.select_related("event").filter(event__is_active=True)
    found = _wanted(
        types.filter(**{f"event__{name}": value for name, value in which.items()}), items, promo_code
    )
    if not found:
        return Event.objects.public().filter(**which).first()
    event = found[0].event
    event.types_in_hand = found
    return event


def _wanted(types, items: Sequence[Item], promo_code: str) -> list[TicketType]:
    if items:
        types = types.filter(pk__in={item.type_id for item in items})
    else:
        types = types.filter(pk=F("event__default_type"))
    return list(types.with_code(promo_code) if promo_code else types)


def fill_basket(
    event: Event,
    items: Sequence[Item] = (),
    promo_code: str = "",
    *,
    quantity: int = 1,
    is_staff: bool = False,
) -> Basket:
    """What `items`, or `quantity` seats of the default type, cost now. Nothing is held.

    To staff hidden types are open. Items of 0 seats are none, and those of one type and price are one line.
    Raises QuantityNotAllowed, UnknownTicketType, AmountNotAllowed, PromoCodeRefused.
    """
    if items or promo_code:
        types = event.types_in_hand
        if types is None:
            types = _wanted(TicketType.objects.filter(event=event), items, promo_code)
    else:
        types = [default_type_of(event)]
    code = next((each.code for each in types if each.code), None) if promo_code else None
    if promo_code and code is None:
        raise PromoCodeRefused
    if code:
        code.check_good()
    if not items:
        items = [Item(each.pk, quantity) for each in types]
    lines = _lines(event, {each.pk: each for each in types if is_staff or not each.is_locked}, items, code)
    if code and not any(line.type.is_for_code for line in lines):
        raise PromoCodeRefused(_("This code is for other tickets of this event."))
    return Basket(lines, code)


def check_seats(event: Event, basket: Basket) -> None:
    """Raise SoldOut or SalesClosed as far as one can tell without taking the seats."""
    if not event.sells:
        raise SalesClosed
    for line in basket.lines:
        if not line.type.sells:
            raise SalesClosed(line.type.why_closed)
        if line.type.has_fewer_than(sum(each.quantity for each in basket.lines if each.type == line.type)):
            raise SoldOut.of(line.type)
    if sum(line.quantity for line in basket.lines if line.type.takes_event_seats) > event.seats_left:
        raise SoldOut


def _lines(
    event: Event, types: Mapping[int, TicketType], items: Sequence[Item], code: PromoCode | None
) -> list[BasketLine]:
    counts: Counter[tuple[TicketType, int]] = Counter()
    for item in items:
        ticket_type = types.get(item.type_id)
        if ticket_type is None:
            raise UnknownTicketType
        if item.is_in_sats and event.currency != SAT:
            says = _("This event is priced in %(currency)s: say the `amount` in its minor unit.")
            raise AmountNotAllowed(says % {"currency": event.currency}, ticket_type.price)
        if item.quantity < 0:
            raise QuantityNotAllowed(_("A number of seats is 0 or more."))
        if item.quantity:
            counts[ticket_type, _price(ticket_type, item.amount)] += item.quantity
    _check_quantities(event, counts)
    lines = []
    for (ticket_type, price), quantity in counts.items():
        discount = code.discount_of(price, quantity) if code and ticket_type.is_cheaper_by_code else 0
        lines.append(BasketLine(ticket_type, quantity, price, discount))
    if sum(line.price * line.quantity for line in lines) > MAX_SATS:
        raise QuantityNotAllowed(_("That is more than all the bitcoin there is."))
    return sorted(lines, key=lambda line: (line.type.position, line.type.pk, line.price))


def _price(ticket_type: TicketType, amount: int | None) -> int:
    """Of one seat, as the buyer says where that is asked; an `amount` elsewhere must be the price."""
    if not ticket_type.asks_for_amount:
        if amount not in (None, ticket_type.price):
            says = _("A seat of “%(type)s” costs %(price)s.")
            raise AmountNotAllowed(
                says
                % {
                    "type": ticket_type.shown_name,
                    "price": format_amount(ticket_type.price, ticket_type.currency),
                },
                ticket_type.price,
            )
        return ticket_type.price
    if amount is None:
        return ticket_type.price if ticket_type.suggested_price is None else ticket_type.suggested_price
    if not ticket_type.price <= amount <= MAX_SATS:
        says = _("A seat of “%(type)s” costs at least %(price)s.")
        raise AmountNotAllowed(
            says
            % {
                "type": ticket_type.shown_name,
                "price": format_amount(ticket_type.price, ticket_type.currency),
            },
            ticket_type.price,
        )
    return amount


def _check_quantities(event: Event, counts: Counter[tuple[TicketType, int]]) -> None:
    """Bounds of the order, then of each type."""
    most = event.max_per_order
    for _type, price in counts:
        if price:
            most = min(most, MAX_SATS // price)
    if not 1 <= counts.total() <= most:
        raise QuantityNotAllowed(_("Between 1 and %(most)s seats can be bought at once.") % {"most": most})
    of_type: Counter[TicketType] = Counter()
    for (ticket_type, _price), quantity in counts.items():
        of_type[ticket_type] += quantity
    for ticket_type, quantity in of_type.items():
        least, most = ticket_type.min_per_order, ticket_type.max_per_order or event.max_per_order
        if not least <= quantity <= most:
            says = _("Between %(least)s and %(most)s seats of “%(type)s” can be bought at once.")
            raise QuantityNotAllowed(says % {"least": least, "most": most, "type": ticket_type.shown_name})
