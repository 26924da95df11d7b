"""Serializers of orders, tickets, purchases, validations and check-ins."""

import uuid
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from events.catalogue_serializers import ItemSerializer
from events.models import Event
from payments.models import Payment, Refund
from payments.serializers import AgreedQuoteSerializer, PaymentSerializer, RefundSerializer
from tickets.models import Order, OrderLine, Ticket
from tickets.offline_door.statements import MAX_LENGTH
from tickets.services.answers import known_answers
from ticketsuma.api.fields import (
    PersonNameSerializerField,
    SingleLineField,
    StrictBooleanField,
    StrictEmailField,
    StrictIntegerField,
    StrictSerializer,
)
from ticketsuma.money import MAX_SATS

from .answer_serializers import MAX_REPLIES, AnswerSerializer, ReplySerializer

MAX_ID = 2**63 - 1
MAX_SEATS_PER_ORDER = 50  # of any event; each event has its own max_per_order


# -- in ---------------------------------------------------------------------------------------
@extend_schema_serializer(component_name="Purchase")  # a request's component gets "Request" added
class PurchaseRequestSerializer(StrictSerializer):
    """What a purchase takes. A guest gives an e-mail address; for an account its own is used."""

    event_id = StrictIntegerField(min_value=1, max_value=MAX_ID)
    quantity = StrictIntegerField(min_value=1, max_value=MAX_SEATS_PER_ORDER, default=1, help_text="Seats.")
    uma_address = SingleLineField(
        max_length=255, required=False, allow_blank=True, default="",
        help_text="`$name@wallet`: we send a payment request there, and refunds. Optional.",
    )  # fmt: skip
    email = StrictEmailField(required=False, help_text="Where the tickets go. Needed without a token.")
    name = PersonNameSerializerField(required=False, allow_blank=True, help_text="The holder's name.")
    expected_price_sats = StrictIntegerField(
        min_value=0, max_value=MAX_SATS, required=False,
        help_text="Of one seat, as you have shown it: at another price it is 409 `price_changed`.",
    )  # fmt: skip
    expected_price = StrictIntegerField(
        min_value=0, max_value=MAX_SATS, required=False,
        help_text="The same in the minor unit of the event's currency.",
    )  # fmt: skip
    items = serializers.ListField(
        child=ItemSerializer(), required=False, min_length=1, max_length=100, default=list,
        help_text="Seats by ticket type; without it, `quantity` seats of the event's default type.",
    )  # fmt: skip
    promo_code = SingleLineField(max_length=40, required=False, allow_blank=True, default="")
    answers = serializers.ListField(
        child=ReplySerializer(), required=False, max_length=MAX_REPLIES, default=list,
        help_text="To the event's `questions`; those asked `before` that are required must be there.",
    )  # fmt: skip
    expected_amount_sats = StrictIntegerField(
        min_value=0, max_value=MAX_SATS, required=False,
        help_text="Of all of it, as you have shown it: at another amount it is 409 `price_changed`. "
        "Prices in other currencies come to other sats with every rate; this holds them to yours.",
    )  # fmt: skip
    expected_amount = StrictIntegerField(
        min_value=0, max_value=MAX_SATS, required=False,
        help_text="The same in the minor unit of the event's currency.",
    )  # fmt: skip
    user_id = serializers.JSONField(
        required=False, allow_null=True, write_only=True, help_text="Accepted and ignored."
    )

    def validate(self, data: dict) -> dict:
        said = self.initial_data
        if data["items"] and (twice := {"quantity", "expected_price_sats", "expected_price"} & {*said}):
            says = _("Each of the `items` says that, or `expected_amount_sats` of all of them.")
            raise serializers.ValidationError(dict.fromkeys(sorted(twice), says))
        user = self.context["request"].user
        if user.is_authenticated:
            return {"email": user.email, "name": user.name} | data
        if "email" not in data:
            raise serializers.ValidationError({"email": _("We need your e-mail address.")}, code="required")
        return {"name": ""} | data


class ValidateSerializer(StrictSerializer):
    ticket_code = SingleLineField(
        max_length=MAX_LENGTH,
        help_text="As printed (spaces, dashes, case do not matter), or all its QR holds.",
    )
    event_id = StrictIntegerField(
        min_value=1, max_value=MAX_ID, required=False, help_text="The event at whose door you are."
    )


class CheckInSerializer(StrictSerializer):
    ticket_code = SingleLineField(max_length=MAX_LENGTH)
    event_id = StrictIntegerField(min_value=1, max_value=MAX_ID, help_text="The event at whose door you are.")
    nonce = SingleLineField(
        max_length=64, required=False, allow_blank=True, default="",
        help_text="Your own id for this scan: sent again within 30 seconds it gets the same answer.",
    )  # fmt: skip


class JoinSerializer(StrictSerializer):
    take_over = StrictBooleanField(
        default=False, help_text="Watch here although another device does; it then stops."
    )


class CorrectEmailSerializer(StrictSerializer):
    email = StrictEmailField(help_text="Where the order's mails go from now on.")


class OneTicketSerializer(StrictSerializer):
    ticket_id = serializers.UUIDField(help_text="Of this order.")


class GiveBackSerializer(OneTicketSerializer):
    back_sats = StrictIntegerField(
        min_value=0, max_value=MAX_SATS, required=False,
        help_text="What you have shown to come back: another amount is 409 `give_back_changed`.",
    )  # fmt: skip


class ReplaceTicketSerializer(OneTicketSerializer):
    ticket_code = SingleLineField(
        max_length=MAX_LENGTH,
        help_text="The code that shall open nothing any more; sent again: replaced once.",
    )


class RefundAddressSerializer(StrictSerializer):
    uma_address = SingleLineField(
        max_length=255,
        help_text="`$name@wallet`, or a Lightning address `name@wallet`: the refund goes there.",
    )


# -- out --------------------------------------------------------------------------------------
class OrderLineSerializer(serializers.ModelSerializer):
    """Seats of one type at one price, as they were at the purchase."""

    ticket_type_id = serializers.IntegerField(source="type_id")
    name = serializers.CharField(source="type.shown_name", help_text="Of the ticket type.")
    price = serializers.IntegerField(help_text="One seat, in the minor unit of `currency`.")
    discount = serializers.IntegerField(help_text="Off the whole line.")
    amount = serializers.IntegerField(help_text="price × quantity − discount.")
    currency = serializers.CharField(source="order.currency", help_text="`SAT`, or a code of ISO 4217.")

    class Meta:
        model = OrderLine
        fields = ["ticket_type_id", "name", "quantity", "price", "discount", "amount", "currency", "admits"]
        read_only_fields = fields


class OrderSerializer(serializers.ModelSerializer):
    token = serializers.CharField(help_text="Opens this order: header `Order-Token`. Keep it secret.")
    user_id = serializers.IntegerField(source="buyer_id", allow_null=True)
    event_id = serializers.IntegerField()
    price_sats = serializers.IntegerField(help_text="Of one seat; of several types on average, rounded up.")
    amount_sats = serializers.IntegerField(help_text="For all seats, in satoshis.")
    currency = serializers.CharField(help_text="`SAT`, or a code of ISO 4217.")
    price = serializers.IntegerField(help_text="As `price_sats`, in the minor unit of `currency`.")
    amount = serializers.IntegerField(help_text="For all seats, in the minor unit of `currency`.")
    quote = AgreedQuoteSerializer(
        allow_null=True, source="agreed_quote",
        help_text="How `amount` came to `amount_sats`, as long as the seats are held; null of sats.",
    )  # fmt: skip
    refundable_until = serializers.DateTimeField(
        allow_null=True, help_text="Until then unused tickets may be given back for their money; null: never."
    )
    lines = OrderLineSerializer(many=True, source="known_lines")

    class Meta:
        model = Order
        fields = [
            "id", "token", "code", "status", "event_id", "user_id", "email", "name", "uma_address",
            "quantity", "price_sats", "amount_sats", "currency", "price", "amount", "quote", "lines",
            "refundable_until", "expires_at", "paid_at",
            "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = fields


class EventOfTicketSerializer(serializers.ModelSerializer):
    class Meta:
        model = Event
        fields = ["id", "title", "start_time", "end_time"]
        read_only_fields = fields


class TicketSerializer(serializers.ModelSerializer):
    """One seat; code, token and page are there while it admits. Load its `order__event` and `line__type`."""

    ticket_id = serializers.UUIDField(source="pk")
    event_id = serializers.IntegerField(source="order.event_id")
    ticket_type_id = serializers.SerializerMethodField()
    ticket_type_name = serializers.CharField(
        source="type_name", help_text="As on the ticket; empty where the event has one kind without a name."
    )
    payment_status = serializers.ChoiceField(Ticket.PaymentStatus.choices)
    ticket_code = serializers.SerializerMethodField(help_text="null until paid.")
    url = serializers.SerializerMethodField(help_text="This ticket's own page, to share; null until paid.")
    token = serializers.SerializerMethodField(
        help_text="Opens this one ticket: header `Ticket-Token`. Keep it secret; null until paid."
    )
    room_open = serializers.SerializerMethodField(
        help_text="Whether `POST /api/tickets/{id}/join` lets in now: from 15 minutes before the start to "
        "the end, and while there is a replay."
    )

    class Meta:
        model = Ticket
        fields = [
            "id", "ticket_id", "event_id", "ticket_type_id", "ticket_type_name", "number", "holder_name",
            "payment_status", "ticket_code", "url", "token", "room_open",
        ]  # fmt: skip
        read_only_fields = fields

    def get_ticket_type_id(self, ticket: Ticket) -> int | None:
        return ticket.line.type_id if ticket.line else None

    def get_ticket_code(self, ticket: Ticket) -> str | None:
        return ticket.ticket_code if ticket.admits else None

    def get_url(self, ticket: Ticket) -> str | None:
        return settings.SITE_URL + ticket.get_absolute_url() if ticket.admits else None

    def get_token(self, ticket: Ticket) -> str | None:
        return ticket.token if ticket.admits else None

    def get_room_open(self, ticket: Ticket) -> bool:
        return ticket.opens_stream


class MyTicketSerializer(TicketSerializer):
    """A ticket in its owner's list, with what it was bought for. Load `order__payment` and its invoices."""

    order_id = serializers.UUIDField()
    user_id = serializers.IntegerField(source="order.buyer_id", allow_null=True)
    event = EventOfTicketSerializer(source="order.event")
    uma_address = serializers.CharField(source="order.uma_address")
    amount_sats = serializers.IntegerField(source="price_sats", help_text="For this seat, in satoshis.")
    currency = serializers.CharField(source="order.currency", help_text="`SAT`, or a code of ISO 4217.")
    amount = serializers.IntegerField(source="price", help_text="For this seat, in the minor unit of it.")
    invoice_id = serializers.SerializerMethodField(help_text="Of the order's newest invoice, or null.")
    paid_at = serializers.DateTimeField(source="order.paid_at", allow_null=True)
    expires_at = serializers.DateTimeField(source="order.expires_at")

    class Meta(TicketSerializer.Meta):
        fields = [
            *TicketSerializer.Meta.fields, "order_id", "user_id", "event", "uma_address", "amount_sats",
            "currency", "amount", "invoice_id", "paid_at", "expires_at", "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = fields

    def get_invoice_id(self, ticket: Ticket) -> str | None:
        return PaymentSerializer().get_invoice_id(ticket.order.payment) if ticket.order.payment else None


class PurchaseResponseSerializer(serializers.Serializer):
    """An order with its tickets and what is due: the answer to a purchase and to `GET /api/orders/{id}`."""

    order = OrderSerializer(source="*")
    tickets = TicketSerializer(many=True, source="known_tickets")
    payment = PaymentSerializer(allow_null=True, help_text="null when all of it is free.")
    refunds = serializers.SerializerMethodField(help_text="Money of this order on its way back, or back.")
    answers = serializers.SerializerMethodField(help_text="To the event's questions.")
    pay_url = serializers.SerializerMethodField(help_text="The page on which the order is paid and followed.")
    live_url = serializers.SerializerMethodField(
        help_text="Server-sent events: `changed` whenever the order is worth another look. Holds its token."
    )

    @extend_schema_field(RefundSerializer(many=True))
    def get_refunds(self, order: Order) -> Any:
        if order.payment_id is None or order.tickets_in_hand is not None:  # new: nothing can have come yet
            return []
        refunds = Refund.objects.filter(incoming_payment__payment=order.payment_id)
        return RefundSerializer(refunds, many=True).data

    @extend_schema_field(AnswerSerializer(many=True))
    def get_answers(self, order: Order) -> Any:
        return AnswerSerializer(known_answers(order), many=True).data

    def get_pay_url(self, order: Order) -> str:
        return settings.SITE_URL + order.get_absolute_url()

    def get_live_url(self, order: Order) -> str:
        return f"{settings.SITE_URL}{order.get_absolute_url()}/live"


class TicketStatusSerializer(serializers.ModelSerializer):
    """What anybody who knows a ticket's id may ask: no code, no invoice, no name."""

    ticket_id = serializers.UUIDField(source="pk")
    payment_status = serializers.ChoiceField(Ticket.PaymentStatus.choices)
    order_status = serializers.ChoiceField(Order.Status.choices, source="order.status")
    event_id = serializers.IntegerField(source="order.event_id")
    expires_at = serializers.DateTimeField(source="order.expires_at")
    paid_at = serializers.DateTimeField(source="order.paid_at", allow_null=True)

    class Meta:
        model = Ticket
        fields = ["id", "ticket_id", "payment_status", "order_status", "event_id", "expires_at", "paid_at"]
        read_only_fields = fields


class ValidationSerializer(serializers.Serializer):
    """Whether a code would be let in now, and if not, why."""

    valid = serializers.BooleanField()
    reason = serializers.ChoiceField(
        [
            "ok",
            "unknown_code",
            "wrong_event",
            "not_paid",
            "void",
            "event_canceled",
            "already_checked_in",
            "replay_only",
        ]
    )
    event = EventOfTicketSerializer(allow_null=True)
    checked_in_at = serializers.DateTimeField(allow_null=True)


class CheckedInSerializer(serializers.Serializer):
    """A ticket that was let in."""

    ticket_id = serializers.UUIDField()
    holder_name = serializers.CharField(source="ticket.holder_name")
    ticket_type_name = serializers.CharField(source="ticket.type_name")
    checked_in_at = serializers.DateTimeField(source="at")


class JoinedSerializer(serializers.Serializer):
    """A place in the stream's room, kept for one browser."""

    room_url = serializers.CharField(help_text="Open it in the browser that watches: it lets one in, once.")
    expires_at = serializers.DateTimeField(help_text="Until when `room_url` may be opened.")


class PaymentStatusSerializer(serializers.Serializer):
    """What became of an order's payment, found by any of its invoices."""

    invoice_id = serializers.SerializerMethodField(help_text="The newest invoice's, whichever was asked for.")
    payment_status = serializers.ChoiceField(Ticket.PaymentStatus.choices, source="status")
    amount_sats = serializers.IntegerField(help_text="In satoshis.")
    uma_address = serializers.CharField()
    order_id = serializers.UUIDField(source="pk")
    user_id = serializers.IntegerField(source="buyer_id", allow_null=True)
    event_id = serializers.IntegerField()
    ticket_ids = serializers.SerializerMethodField()
    push = serializers.ChoiceField(Payment.Push.choices, source="payment.push")
    expires_at = serializers.DateTimeField()
    paid_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()

    def get_invoice_id(self, order: Order) -> str:
        return PaymentSerializer().get_invoice_id(order.payment)  # type: ignore[arg-type, return-value]

    def get_ticket_ids(self, order: Order) -> list[uuid.UUID]:
        return [ticket.pk for ticket in order.tickets.all()]
