"""Admin actions on events that sell as staff: at the box office, and for nothing."""

import uuid

from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.forms import PersonEmailField, PersonNameField
from accounts.roles import Ability
from events.baskets import Item
from events.catalogue_models import TicketType
from events.models import Event
from tickets.services.orders import place_order
from ticketsuma.admin.actions import ActionForm, Done, StaffAction
from ticketsuma.amount_fields import AmountField
from ticketsuma.bidi import isolate
from ticketsuma.money import SAT, format_amount, format_due
from ticketsuma.templatetags.display import seats_left


class SeatsForm(ActionForm):
    """So many seats of each type of an event, hidden ones too, and whose they are."""

    key = forms.CharField(widget=forms.HiddenInput, max_length=40)  # the same form sent twice is one order
    name = PersonNameField(label=gettext_lazy("Name of the guest"), required=False)
    email = PersonEmailField(
        label=gettext_lazy("E-mail of the guest"), required=False,
        help_text=gettext_lazy("The tickets are mailed there once they are paid."),
    )  # fmt: skip
    asks_for_amounts = True

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.initial.setdefault("key", uuid.uuid4().hex)
        self.types = list(self.row.ticket_types.filter(is_active=True))
        for each in self.types:
            self.fields[f"seats_{each.pk}"] = forms.IntegerField(
                label=self._named(each), min_value=0, max_value=self.row.max_per_order, initial=0,
                help_text=seats_left(each.seats_to_sell),
            )  # fmt: skip
            if each.asks_for_amount and self.asks_for_amounts:
                suggested = each.price if each.suggested_price is None else each.suggested_price
                self.fields[f"amount_{each.pk}"] = AmountField(
                    label=_("%(currency)s for each") % {"currency": _unit(self.row)}, required=False,
                    currency=self.row.currency, least=each.price, initial=suggested,
                )  # fmt: skip
        self.order_fields([name for name in self.fields if "_" in name])

    def _named(self, ticket_type: TicketType) -> str:
        price = format_amount(ticket_type.price, ticket_type.currency) if ticket_type.price else _("free")
        if ticket_type.asks_for_amount:
            price = _("at least %(price)s") % {"price": price}
        return f"{isolate(ticket_type.shown_name)} · {price}"

    def clean(self) -> dict:
        data = super().clean() or self.cleaned_data
        data["items"] = [
            Item(each.pk, count, data.get(f"amount_{each.pk}"))
            for each in self.types
            if (count := data.get(f"seats_{each.pk}"))
        ]
        if not data["items"] and not self.errors:
            raise ValidationError(_("Say how many seats of which kind."))
        return data


def _unit(event: Event) -> str:
    return _("Sats") if event.currency == SAT else event.currency


class GiftForm(SeatsForm):
    email = PersonEmailField(
        label=gettext_lazy("E-mail of the guest"), help_text=gettext_lazy("The tickets are mailed there.")
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"), max_length=200,
        help_text=gettext_lazy("It stays in the history of the order, so name nobody: press, crew, a prize."),
    )  # fmt: skip
    asks_for_amounts = False


class SaleAction(StaffAction):
    needs = (Ability.MANAGE_EVENTS, Ability.SEE_GUESTS)

    def is_possible(self, event: Event) -> bool:
        return event.sells

    def seen(self, event: Event) -> object:
        """Its types and their prices, which move its version."""
        return event.version

    def run(self, event: Event, data: dict) -> Done:
        order = place_order(
            event=event, items=data["items"], email=data["email"], name=data["name"], key=data["key"],
            is_staff=True, gift_reason=data.get("reason", ""),
        )  # fmt: skip
        return Done(self.says(order), reverse("admin:tickets_order_change", args=[order.pk]))

    def says(self, order) -> str:
        raise NotImplementedError


class SellAtBoxOffice(SaleAction):
    asks_again = False
    name = "sell"
    label = gettext_lazy("Sell at the box office")
    form = SeatsForm

    def preview(self, event: Event) -> list[str]:
        return [
            isolate(event.title),
            _("Holds the seats and leads to the code by which the guest pays, here and now."),
        ]

    def says(self, order) -> str:
        if order.is_paid:
            return _("Order %(code)s is free, and its tickets are good.") % {"code": order.code}
        facts = {"code": order.code, "amount": format_due(order.amount_sats, order.amount, order.currency)}
        return _("Order %(code)s waits for %(amount)s.") % facts


class GiveForNothing(SaleAction):
    name = "gift"
    label = gettext_lazy("Give tickets for nothing")
    form = GiftForm

    def preview(self, event: Event) -> list[str]:
        return [
            isolate(event.title),
            _("The seats are taken from those on sale, and the tickets are mailed to the guest at once."),
        ]

    def says(self, order) -> str:
        return _("Order %(code)s is free; its tickets go to %(address)s.") % {
            "code": order.code, "address": order.email,
        }  # fmt: skip


SALE_ACTIONS = [SellAtBoxOffice(), GiveForNothing()]
