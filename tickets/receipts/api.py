"""Receipts in the API, for whoever may read their order."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from tickets.api.voiding import OWN
from tickets.models import Order
from ticketsuma.api.fields import SingleLineField, StrictCharField, StrictSerializer
from ticketsuma.api.schema import problems
from ticketsuma.api.viewsets import filled

from .addressees import make_out, receipt_of
from .models import MAX_ADDRESS, MAX_NAME, MAX_TAX_NUMBER, Receipt
from .views import document_of, pdf_of

BASIS_POINTS = "In hundredths of a percent; null where no tax is told."


class ReceiptLineSerializer(serializers.Serializer):
    text = serializers.CharField(help_text="Of a ticket type.")
    quantity = serializers.IntegerField(allow_null=True, help_text="Seats; null in a credit note.")
    price = serializers.IntegerField(help_text="One seat; 0 in a credit note.")
    discount = serializers.IntegerField(help_text="Off the whole line.")
    amount = serializers.IntegerField(help_text="The line, with its tax.")
    rate = serializers.IntegerField(allow_null=True, help_text=BASIS_POINTS)
    tax = serializers.IntegerField(help_text="That the amount includes.")


class AddresseeSerializer(StrictSerializer):
    """Whom the receipt is made out to, as plain text."""

    name = SingleLineField(max_length=MAX_NAME)
    address = StrictCharField(max_length=MAX_ADDRESS, required=False, allow_blank=True, default="")
    tax_number = SingleLineField(max_length=MAX_TAX_NUMBER, required=False, allow_blank=True, default="")


class CreditNoteSerializer(serializers.Serializer):
    """A receipt or a credit note. Amounts are in minor units of `currency`, also of what was sent back."""

    number = serializers.CharField(source="name", help_text="Of its organizer, such as 2026-000123.")
    issued_at = serializers.DateTimeField(help_text="When it was paid, or sent back.")
    seller = serializers.CharField()
    seller_address = serializers.CharField()
    seller_tax_number = serializers.CharField()
    event = serializers.CharField(source="event_title")
    currency = serializers.CharField()
    lines = ReceiptLineSerializer(many=True)
    amount = serializers.IntegerField(help_text="With tax.")
    tax = serializers.IntegerField(help_text="The sum of the lines' taxes.")
    amount_sats = serializers.IntegerField(source="sats")
    btc_price = serializers.DecimalField(
        source="rate", max_digits=30, decimal_places=15, allow_null=True,
        help_text="Whole units of `currency` for one bitcoin, as agreed; null of sats.",
    )  # fmt: skip
    payment_hash = serializers.CharField()


class ReceiptSerializer(CreditNoteSerializer):
    addressee = AddresseeSerializer(allow_null=True, help_text="null until somebody is named.")
    credit_notes = CreditNoteSerializer(many=True, source="notes")


class ReceiptMixin:
    """For the viewset of orders."""

    @extend_schema(
        operation_id="get_receipt",
        responses={200: ReceiptSerializer} | problems("not_found", "no_receipt", "receipt_not_drawn"), **OWN,
    )  # fmt: skip
    @action(detail=True, methods=["get"])
    def receipt(self, request, pk=None):
        """The receipt of a paid order, and the credit notes of what went back."""
        return self._shown(receipt_of(self.get_object()))

    @extend_schema(
        operation_id="make_receipt_out", request=AddresseeSerializer,
        responses={200: ReceiptSerializer}
        | problems("not_found", "no_receipt", "too_many_addressees", body=True), **OWN,
    )  # fmt: skip
    @action(detail=True, methods=["post"], url_path="receipt/addressee")
    def receipt_addressee(self, request, pk=None):
        """Have the receipt made out to a company. It keeps its number, and is drawn now if it was not yet."""
        order: Order = self.get_object()
        return self._shown(make_out(order, **self.read(AddresseeSerializer)))

    @extend_schema(
        operation_id="receipt_pdf",
        responses={(200, "application/pdf"): OpenApiTypes.BINARY}
        | problems("not_found", "no_receipt", "receipt_not_drawn"),
        **OWN | {"parameters": [*OWN["parameters"], OpenApiParameter(
            "number", {"type": "string", "pattern": "^[0-9]{4}-[0-9]{6,9}$"}, OpenApiParameter.QUERY,
            description="Of a credit note of the order; left out: its receipt.")]},
    )  # fmt: skip
    @action(detail=True, methods=["get"], url_path="receipt/pdf")
    def receipt_pdf(self, request, pk=None):
        """The same as a PDF, in the language of `Accept-Language`."""
        order: Order = self.get_object()
        number = request.query_params.get("number")
        return pdf_of(receipt_of(order) if number is None else document_of(order, number))

    def _shown(self, receipt: Receipt) -> Response:
        return Response(filled(ReceiptSerializer)(receipt))
