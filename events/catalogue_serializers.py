"""Serializers of the catalogue: ticket types, and baskets with their prices."""

from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS
from django.core.exceptions import ValidationError as DjangoValidationError
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.settings import api_settings

from ticketsuma.api.fields import (
    AwareDateTimeField,
    SingleLineField,
    StrictBooleanField,
    StrictIntegerField,
    StrictMixin,
    StrictSerializer,
)
from ticketsuma.exchange import in_sats
from ticketsuma.money import MAX_SATS, SAT

from .baskets import Item
from .catalogue_models import MAX_TYPES, Admits, TicketType

MAX_ID = 2**63 - 1
TAX = "Of the tax that the price includes, in hundredths of a percent: 1900 is 19 %. null: none is told."
MAX_SEATS = 50  # of any order; each event has its own max_per_order


# -- ticket types -------------------------------------------------------------------------------
class TicketTypeSerializer(serializers.ModelSerializer):
    """What anybody may know about a ticket type."""

    name = serializers.CharField(source="shown_name")
    price = serializers.IntegerField(help_text="One seat, in the minor unit of `currency`; the least.")
    currency = serializers.CharField(help_text="`SAT`, or a code of ISO 4217.")
    price_sats = serializers.SerializerMethodField(
        help_text="One seat, in satoshis; 0 is free. Of other currencies about what it is now, or null."
    )
    pricing = serializers.ChoiceField(
        TicketType.Pricing.choices,
        help_text="`at_least`: the buyer says what a seat is paid with, no less than `price`.",
    )
    suggested_price = serializers.IntegerField(allow_null=True, help_text="For `at_least`; or null.")
    seats_left = serializers.SerializerMethodField(help_text="That can be bought: of the type and the event.")
    max_per_order = serializers.IntegerField(allow_null=True, help_text="null: as the event's.")
    admits = serializers.ChoiceField(Admits.choices, help_text="`live`, `replay` or `both`.")
    status = serializers.SerializerMethodField()
    is_default = serializers.SerializerMethodField(help_text="A purchase without `items` is of this type.")

    class Meta:
        model = TicketType
        fields = [
            "id", "name", "description", "position", "pricing", "price", "currency", "price_sats",
            "suggested_price", "seats_left", "sales_start", "sales_end", "min_per_order", "max_per_order",
            "admits", "status", "is_default",
        ]  # fmt: skip
        read_only_fields = fields

    def get_price_sats(self, ticket_type: TicketType) -> int | None:
        return in_sats(ticket_type.price, ticket_type.currency)

    def get_seats_left(self, ticket_type: TicketType) -> int:
        return ticket_type.seats_to_sell

    def get_status(self, ticket_type: TicketType) -> str:
        """One of on_sale, sold_out, not_yet, sales_closed."""
        if not ticket_type.event.sells:
            return "sales_closed"
        status = ticket_type.status
        return "sold_out" if status == "on_sale" and not ticket_type.seats_to_sell else status

    def get_is_default(self, ticket_type: TicketType) -> bool:
        return ticket_type.event.default_type_id == ticket_type.pk


class StaffTicketTypeSerializer(TicketTypeSerializer):
    """A ticket type with what its organizer's staff know besides."""

    name = serializers.CharField(help_text="May be empty while there is only one.")
    capacity = serializers.IntegerField(allow_null=True, help_text="null: as many as the event has.")
    seats_taken = serializers.IntegerField(help_text="Held or sold.")
    tax_basis_points = serializers.IntegerField(allow_null=True, help_text=TAX)

    class Meta(TicketTypeSerializer.Meta):
        fields = [
            *TicketTypeSerializer.Meta.fields, "capacity", "seats_taken", "tax_basis_points", "is_hidden",
            "is_active", "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = fields


class TicketTypeWriteSerializer(StrictMixin, serializers.ModelSerializer):
    """What staff may say about a ticket type. Seats taken are nobody's to set."""

    name = SingleLineField(max_length=80, help_text="Of the event's types, only this one has it.")
    description = SingleLineField(max_length=300, required=False, allow_blank=True)
    position = StrictIntegerField(
        min_value=0, max_value=32_767, required=False, help_text="Lower ones come first."
    )
    pricing = serializers.ChoiceField(TicketType.Pricing.choices, required=False)
    price_sats = StrictIntegerField(
        min_value=0, max_value=MAX_SATS, required=False,
        help_text="One seat, in satoshis; 0 is free; with `at_least`, the least. Only of an event in `SAT`.",
    )  # fmt: skip
    price = StrictIntegerField(
        min_value=0, max_value=MAX_SATS, required=False,
        help_text="The same in the minor unit of the event's currency; say one of the two.",
    )  # fmt: skip
    suggested_price = StrictIntegerField(
        min_value=0, max_value=MAX_SATS, required=False, allow_null=True, help_text="For `at_least`."
    )
    capacity = StrictIntegerField(
        min_value=1, max_value=1_000_000, required=False, allow_null=True,
        help_text="Seats of this type; null: as many as the event has.",
    )  # fmt: skip
    sales_start = AwareDateTimeField(required=False, allow_null=True)
    sales_end = AwareDateTimeField(required=False, allow_null=True, help_text="null: as the event's.")
    min_per_order = StrictIntegerField(min_value=1, max_value=50, required=False)
    max_per_order = StrictIntegerField(min_value=1, max_value=50, required=False, allow_null=True)
    tax_basis_points = StrictIntegerField(
        min_value=0, max_value=10_000, required=False, allow_null=True, help_text=TAX
    )
    is_hidden = StrictBooleanField(required=False, help_text="For whoever has a promo code for it.")
    admits = serializers.ChoiceField(Admits.choices, required=False)
    is_active = StrictBooleanField(required=False)
    is_default = StrictBooleanField(
        required=False, help_text="true: a purchase without `items` is of this type. There always is one."
    )

    class Meta:
        model = TicketType
        fields = [
            "name", "description", "position", "pricing", "price_sats", "price", "suggested_price",
            "capacity", "sales_start", "sales_end", "min_per_order", "max_per_order", "tax_basis_points",
            "is_hidden", "admits", "is_active", "is_default",
        ]  # fmt: skip

    def validate(self, data: dict) -> dict:
        """The rules are the database's constraints; said here at their fields."""
        event = self.context["event"]
        data, price_field = _with_price(data, event.currency, is_needed=not self.partial), "price"
        if "price_sats" in self.initial_data:
            price_field = "price_sats"
        if self.instance is None and event.ticket_types.count() >= MAX_TYPES:
            raise serializers.ValidationError(_("An event has at most %(most)s types.") % {"most": MAX_TYPES})
        row = TicketType(event=event)
        if self.instance:
            row = TicketType.objects.get(pk=self.instance.pk)
        for name, value in data.items():
            if name != "is_default":
                setattr(row, name, value)
        try:
            row.validate_constraints()
        except DjangoValidationError as refusal:
            names = {"price": price_field, NON_FIELD_ERRORS: api_settings.NON_FIELD_ERRORS_KEY}
            raise serializers.ValidationError(
                {names.get(field, field): says for field, says in refusal.message_dict.items()}
            ) from None
        return data


def _with_price(data: dict, currency: str, *, is_needed: bool) -> dict:
    """One price, in the minor units of `currency`."""
    if {"price", "price_sats"} <= {*data}:
        raise serializers.ValidationError({"price_sats": _("Say one of `price` and `price_sats`.")})
    if "price_sats" in data and currency != SAT:
        says = _("This event is priced in %(currency)s: say its `price`.")
        raise serializers.ValidationError({"price_sats": says % {"currency": currency}})
    if "price_sats" in data:
        data["price"] = data.pop("price_sats")
    if is_needed and "price" not in data:
        name = "price_sats" if currency == SAT else "price"
        raise serializers.ValidationError({name: _("This field is required.")}, code="required")
    return data


# -- baskets ------------------------------------------------------------------------------------
class ItemSerializer(StrictSerializer):
    ticket_type_id = StrictIntegerField(min_value=1, max_value=MAX_ID)
    quantity = StrictIntegerField(min_value=0, max_value=MAX_SEATS, help_text="Seats; 0 is none.")
    amount_sats = StrictIntegerField(
        min_value=0, max_value=MAX_SATS, required=False,
        help_text="For one seat, where `pricing` is `at_least`; without it the suggestion, else the least. "
        "Only of an event in `SAT`.",
    )  # fmt: skip
    amount = StrictIntegerField(
        min_value=0, max_value=MAX_SATS, required=False,
        help_text="The same in the minor unit of the event's currency; say one of the two.",
    )  # fmt: skip

    def to_internal_value(self, data: Any) -> Any:
        said = super().to_internal_value(data)
        if {"amount", "amount_sats"} <= {*said}:
            raise serializers.ValidationError({"amount_sats": _("Say one of `amount` and `amount_sats`.")})
        sats = said.get("amount_sats")
        return Item(said["ticket_type_id"], said["quantity"], said.get("amount", sats), sats is not None)


class BasketSerializer(StrictSerializer):
    """What a quote takes."""

    items = serializers.ListField(child=ItemSerializer(), min_length=1, max_length=100)
    promo_code = SingleLineField(max_length=40, required=False, allow_blank=True, default="")


class BasketLineSerializer(serializers.Serializer):
    ticket_type_id = serializers.IntegerField(source="type.pk")
    name = serializers.CharField(source="type.shown_name")
    quantity = serializers.IntegerField(help_text="Seats.")
    price = serializers.IntegerField(help_text="One seat, in the minor unit of `currency`.")
    discount = serializers.IntegerField(help_text="Off the whole line.")
    amount = serializers.IntegerField(help_text="The line: price × quantity − discount.")


class QuoteSerializer(serializers.Serializer):
    """What a basket costs now; nothing is held."""

    event_id = serializers.IntegerField()
    lines = BasketLineSerializer(many=True)
    quantity = serializers.IntegerField(help_text="Seats.")
    amount = serializers.IntegerField(help_text="All of it, in the minor unit of `currency`.")
    currency = serializers.CharField()
    amount_sats = serializers.IntegerField(
        allow_null=True,
        help_text="All of it, in satoshis; 0 is free. Of another currency about what it comes to now; null "
        "while its sales are paused for want of an exchange rate.",
    )
