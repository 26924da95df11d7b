"""Offers: ticket types as an event's page shows them, by the clock, what is left, and a promo code."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef

from ticketsuma.money import MAX_SATS

from .catalogue_models import PromoCode, PromoCodeRefused, TicketType
from .models import Event


@dataclass(frozen=True)
class Offer:
    """A ticket type as it may be bought now; `code` is there where it makes this type cheaper.

    Prices are of one seat, in the minor unit of the event's currency.
    """

    type: TicketType
    event: Event
    code: PromoCode | None = None

    @property
    def status(self) -> str:
        """One of on_sale, sold_out, not_yet, sales_closed; the event's own sale is another matter."""
        status = self.type.status
        return "sold_out" if status == "on_sale" and self.left == 0 else status

    @property
    def is_on_sale(self) -> bool:
        return self.status == "on_sale"

    @property
    def left(self) -> int | None:
        """Seats that are left of it, by its own bound and the event's; None where there is no bound."""
        of_event = self.event.seats_left if self.type.takes_event_seats else None
        bounds = [left for left in (self.type.seats_left, of_event) if left is not None]
        return min(bounds, default=None)

    @property
    def price(self) -> int:
        return self.type.price - self.off - self.type.price * self.percent // 100

    @property
    def percent(self) -> int:
        return self.code.value if self.code and self.code.kind == PromoCode.Kind.PERCENT else 0

    @property
    def off(self) -> int:
        """What a code that is no percentage takes off a seat."""
        return self.code.discount_of(self.type.price, 1) if self.code and not self.percent else 0

    @property
    def suggested(self) -> int:
        """What a buyer who says the price is asked to pay."""
        return self.type.price if self.type.suggested_price is None else self.type.suggested_price

    @property
    def is_free(self) -> bool:
        return self.price == 0 and not self.type.asks_for_amount

    @property
    def most(self) -> int:
        """Of one order: what staff allow, as far as there are bitcoin to pay them with."""
        most = min(self.type.max_per_order or self.event.max_per_order, self.event.max_per_order)
        return min(most, MAX_SATS // self.type.price) if self.type.price else most

    def costs(self, quantity: int) -> int:
        return (self.type.price - self.off) * quantity - self.type.price * quantity * self.percent // 100


def read_for_page(typed_code: str = "", *, drafts: bool = False, **which) -> Event | None:
    """The public event `which` with its organizer and all of its types in hand: one statement for any number.

    Each type knows what `typed_code` does for it, and the event whether it has codes at all (`has_codes`).
    With `drafts` the event need not be public.
    """
    shown = {} if drafts else {"is_active": True}
    types = TicketType.objects.filter(**{f"event__{name}": value for name, value in (shown | which).items()})
    if typed_code:
        types = types.with_code(typed_code)
    codes = PromoCode.objects.filter(event=OuterRef("event"), is_active=True)
    found: list[Any] = list(types.select_related("event__organizer").annotate(has_codes=Exists(codes)))
    if not found:  # of the version before
        event = Event.objects.select_related("organizer").filter(**shown, **which).first()
        if event:
            event.types_in_hand, event.has_codes = [], False
        return event
    event = found[0].event
    event.types_in_hand, event.has_codes = found, found[0].has_codes
    for ticket_type in found:
        ticket_type.event = event
        if ticket_type.pk == event.default_type_id:
            event.default_type = ticket_type
    return event


def code_in_hand(event: Event) -> PromoCode:
    """The promo code that `read_for_page` was asked with. Raises PromoCodeRefused when it is not good now."""
    code = next((each.code for each in event.types_in_hand or [] if each.code), None)
    if code is None:
        raise PromoCodeRefused
    code.check_good()
    return code


def offers_of(event: Event, code: PromoCode | None = None) -> list[Offer]:
    """What `event`, from `read_for_page`, offers to everybody, or to whoever has `code`, as it is shown."""
    types = event.types_in_hand or [TicketType(event=event, price=event.lowest_price)]
    shown = [
        each for each in types if each.is_active and (not each.is_hidden or (code and not each.is_locked))
    ]
    return [Offer(each, event, code if code and each.is_cheaper_by_code else None) for each in shown]
