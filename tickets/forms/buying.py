"""Form of an event's page: how many seats of which types, which wallet, and where the tickets go."""

import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

from accounts.forms import PersonEmailField, PersonNameField
from accounts.models import User
from events.baskets import Item
from events.models import Event, PromoCode
from events.offers import Offer, offers_of
from events.question_models import Question
from payments.quotes import is_paused
from payments.uma.address import EMAIL_INSTEAD
from tickets.services.answers import places_of
from tickets.services.idempotency import request_hash
from tickets.services.personal_data import last_wallet
from tickets.services.prices import Expected
from ticketsuma.amount_fields import in_minor
from ticketsuma.templatetags.display import about, seats_left

from .orders import DescribedForm, UmaAddressField
from .questions import AsksQuestions, replies_in, with_several
from .shown_prices import as_shown, own_price_field, parsed

# What a form says of the page that it was on, not of its buyer's wish.
AS_SHOWN = ("key", "price_sats", "shown", "refund_policy", "csrfmiddlewaretoken")
_SEATS = re.compile(r"seats_([0-9]{1,18})")
_NUMBER = re.compile(r"[0-9]{1,16}")


def say_left(offer: Offer) -> str:
    return "" if offer.left is None else seats_left(offer.left)


@dataclass(frozen=True)
class Row:
    """A ticket type in the form; without `seats` where it cannot be bought now."""

    offer: Offer
    left: str
    about: str
    seats: forms.BoundField | None = None
    amount: forms.BoundField | None = None


class BuyForm(AsksQuestions, DescribedForm):
    """How many seats, which wallet, from guests where to send the tickets, and what the event asks first.

    One type at a fixed price is a number of seats and nothing more; of several types each has a number of
    its own, named by its id. What was sent is bought as it was sent, whatever the page would offer now: the
    service refuses what cannot be, after it looked for the order that the same form placed before.
    """

    code_refusal = ""  # why the code that was typed changes nothing
    say_left: Callable[[Offer], str] = staticmethod(say_left)
    say_about: Callable[[int, str], str] = staticmethod(about)

    quantity = forms.IntegerField(
        label=_("Seats"), initial=1, min_value=1, widget=forms.NumberInput(attrs={"inputmode": "numeric"})
    )
    promo_code = forms.CharField(
        label=_("Promo code"), required=False, max_length=60,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}
        ),
    )  # fmt: skip
    uma_address = UmaAddressField(
        label=_("Your UMA address"),
        required=False,
        help_text=_("We send the payment request there, and refunds. Without one you pay by QR code."),
    )
    email = PersonEmailField(
        label=_("E-mail"),
        help_text=_("Your tickets go here as well."),
        elsewhere=_("Put it into the field “Your UMA address”."),
    )
    name = PersonNameField(label=_("Name"), required=False)
    # The same form sent twice is one order; with other fields it is another one.
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4, required=False)
    # What a seat cost on the page that was sent, of one type or of each, in minor units whatever its name
    # says (pages of before have it); and what was said of giving it back.
    price_sats = forms.IntegerField(widget=forms.HiddenInput, required=False)
    shown = forms.CharField(widget=forms.HiddenInput, required=False, max_length=5000)
    refund_policy = forms.CharField(widget=forms.HiddenInput, required=False, max_length=5)

    def __init__(
        self, data: Mapping | None = None, *, event: Event, user: User | None, code: PromoCode | None = None,
        **kwargs,
    ):  # fmt: skip
        offers = offers_of(event, code)
        self.event, self.offers, self.code = event, offers, code
        self.is_simple = is_simple(event, offers)
        self.sent: dict[str, Any] = with_several(data) if data else {}
        super().__init__(None if data is None else self._translated(), **kwargs)
        self.fields["refund_policy"].initial = event.refund_policy
        self._name_quantities()
        if not (event.has_codes or self.data.get("promo_code") or self.initial.get("promo_code")):
            del self.fields["promo_code"]
        if all(offer.is_free for offer in offers):
            del self.fields["uma_address"]
            email: Any = self.fields["email"]
            email.elsewhere = ""
        elif user:
            self.fields["uma_address"].initial = last_wallet(user)
        self.buyer_email = user.email if user else ""
        if user:
            del self.fields["email"], self.fields["name"]
        self.ask(places_of(event, {}, Question.Asked.BEFORE))

    def _translated(self) -> dict[str, Any]:
        """What was sent, named as now, from a page that showed one type where there are several, or back."""
        default = f"seats_{self.event.default_type_id}"
        if self.is_simple and default in self.sent:
            return {"quantity": self.sent[default]} | self.sent
        if not self.is_simple and "quantity" in self.sent:
            return {default: self.sent["quantity"]} | self.sent
        return self.sent

    def _name_quantities(self) -> None:
        if self.is_simple:
            [offer] = self.offers
            del self.fields["shown"]
            self.fields["price_sats"].initial = offer.type.price
            self._bound_quantity(offer)
            self.fields["quantity"].required = not self.items
            return
        del self.fields["quantity"], self.fields["price_sats"]
        self.fields["shown"].initial = as_shown(self.offers)
        for offer in self.offers:
            if not offer.is_on_sale or offer.type.pk is None:
                continue
            attrs = {"inputmode": "numeric", "min": 0, "max": offer.most, "class": ""}
            self.fields[f"seats_{offer.type.pk}"] = forms.IntegerField(
                label=offer.type.shown_name, required=False, initial=0, min_value=0, max_value=99,
                widget=forms.NumberInput(attrs=attrs),
            )  # fmt: skip
            if offer.type.asks_for_amount:
                self.fields[f"amount_{offer.type.pk}"] = own_price_field(offer)

    def _bound_quantity(self, offer: Offer) -> None:
        least, most = offer.type.min_per_order, offer.most
        quantity: Any = self.fields["quantity"]
        quantity.min_value, quantity.max_value, quantity.initial = least, most, least
        at_least = _("At least %(limit_value)s seats.") if least > 1 else _("At least one seat.")
        quantity.validators = [
            MinValueValidator(least, at_least),
            MaxValueValidator(most, _("At most %(limit_value)s seats in one order.")),
        ]
        quantity.widget.attrs |= {"min": least, "max": most, "class": ""}

    def clean(self) -> dict[str, Any]:
        """An e-mail address that was typed into both fields is no wallet's address without its $."""
        data = super().clean() or {}
        wallet: Any = self.fields.get("uma_address")
        if wallet and wallet.suggestion == f"${data.get('email') or self.buyer_email}":
            wallet.suggestion = ""
            del self.errors["uma_address"]
            self.add_error("uma_address", str(EMAIL_INSTEAD))
        if not (self.is_simple or self.errors or self.items or _number(self.sent.get("quantity"))):
            self.add_error(None, str(_("Please choose your tickets: none is chosen yet.")))
        return data

    # -- what was asked for -------------------------------------------------------------------
    @property
    def items(self) -> list[Item]:
        """Seats by type as they were sent, of types that are on the page no more, too."""
        items = []
        for name, value in self.sent.items():
            found = _SEATS.fullmatch(name)
            if found and "quantity" not in self.sent and (seats := _number(value)):
                amount = in_minor(self.sent.get(f"amount_{found[1]}"), self.event.currency)
                items.append(Item(int(found[1]), seats, amount))
        return items

    @property
    def wish(self) -> dict[str, Any]:
        """What `place_order` is asked for: answers, seats, the code, and the price that the page showed."""
        return {"answers": replies_in(self.sent)} | self._wished_seats

    @property
    def _wished_seats(self) -> dict[str, Any]:
        items, code = self.items, self.sent.get("promo_code", "").strip()
        price = _number(self.sent.get("price_sats"))
        if items:
            shown = Expected(amount=self._total_shown(items))
            return {"items": items, "promo_code": code, "expected": shown}
        seats = _number(self.sent.get("quantity")) or 0
        if not code:
            return {"quantity": seats, "expected": Expected(price=price)}
        expected = Expected(amount=None if price is None else price * seats)
        items = [Item(self.event.default_type_id or 0, seats)]
        return {"items": items, "promo_code": code, "expected": expected}

    def _total_shown(self, items: list[Item]) -> int | None:
        shown = {pk: prices for pk, *prices in parsed(self.sent.get("shown", ""))}
        total = 0
        for item in items:
            if item.type_id not in shown:
                return None
            price, percent, off = shown[item.type_id]
            price = price if item.amount is None else item.amount
            total += (price - off) * item.quantity - price * item.quantity * percent // 100
        return total

    @property
    def idempotency_key(self) -> str | None:
        key = self.cleaned_data.get("key")
        said = [[name, str(said)] for name, said in sorted(self.sent.items()) if name not in AS_SHOWN]
        return f"page:{key}:{request_hash(said)}" if key else None

    def show_price(self) -> None:
        """Before it is shown again: it then carries the prices and the policy that stand beside it."""
        shown: dict[str, Any] = {"refund_policy": self.event.refund_policy}
        if self.is_simple:
            shown["price_sats"] = self.offers[0].type.price
        else:
            shown["shown"] = as_shown(self.offers)
        self.data = {name: value for name, value in self.data.items() if name != "quantity" or self.is_simple}
        self.data |= shown

    @property
    def price_is_other(self) -> bool:
        """Whether the page that was sent showed another price of its one type than that of now."""
        seen = self.wish["expected"].price
        return self.is_simple and seen not in (None, self.offers[0].type.price)

    # -- how it is shown ----------------------------------------------------------------------
    @property
    def rows(self) -> list[Row]:
        rows = []
        for offer in self.offers:
            names = [f"{part}_{offer.type.pk}" for part in ("seats", "amount")]
            seats, amount = [self[name] if name in self.fields else None for name in names]
            says = self.say_about(offer.price, self.event.currency)
            rows.append(Row(offer, self.say_left(offer), says, seats, amount))
        return rows

    @property
    def about_from(self) -> str:
        """About how many sats the lowest price is."""
        return self.say_about(self.price_from, self.event.currency)

    @property
    def is_paused(self) -> bool:
        """Whether there is no exchange rate to sell at now."""
        return not self.is_free and is_paused(self.event.currency)

    @property
    def can_buy(self) -> bool:
        return any(offer.is_on_sale for offer in self.offers)

    @property
    def comes(self) -> bool:
        """Whether something will be on sale."""
        return any(offer.status == "not_yet" for offer in self.offers)

    @property
    def price_from(self) -> int:
        """The lowest price that is on sale, or else of all."""
        offers = [offer for offer in self.offers if offer.is_on_sale] or self.offers
        return min((offer.price for offer in offers), default=self.event.lowest_price)

    @property
    def is_from(self) -> bool:
        """Whether somebody may pay more than that."""
        prices = {offer.price for offer in self.offers}
        return len(prices) > 1 or any(offer.type.asks_for_amount for offer in self.offers)

    @property
    def is_free(self) -> bool:
        return all(offer.is_free for offer in self.offers)


def is_simple(event: Event, offers: Sequence[Offer]) -> bool:
    """Whether the page shows one number of seats at one price, as if there were no types."""
    if len(offers) != 1 or offers[0].type.asks_for_amount or offers[0].code:
        return False
    return offers[0].type.pk in (None, event.default_type_id)


def _number(text: Any) -> int | None:
    text = str(text or "").strip()
    return int(text) if _NUMBER.fullmatch(text) else None
