"""Serializers of payments: the amount due and the ways to pay it."""

from rest_framework import serializers

from ticketsuma.money import MSATS_PER_SAT

from .models import Payment, Refund


class AgreedQuoteSerializer(serializers.ModelSerializer):
    """What was agreed of an amount in another currency than sats, frozen when it fell due."""

    amount = serializers.IntegerField(help_text="In the minor unit of `currency`.")
    amount_msats = serializers.IntegerField(help_text="What it came to, whole sats.")
    rate = serializers.SerializerMethodField(help_text="Whole units of `currency` for one bitcoin.")
    sources = serializers.ListField(child=serializers.CharField(), source="rate_sources")
    at = serializers.DateTimeField(source="rate_at", help_text="When the rate was taken.")

    class Meta:
        model = Payment
        fields = ["currency", "amount", "amount_sats", "amount_msats", "rate", "sources", "at"]
        read_only_fields = fields

    def get_rate(self, payment: Payment) -> str:
        return f"{payment.rate:f}".rstrip("0").rstrip(".") if payment.rate else ""


class PaymentSerializer(serializers.ModelSerializer):
    """Money due, and every way to pay it. Prefetch `invoices`, or each payment costs a query."""

    invoice_id = serializers.SerializerMethodField(
        help_text="The open, paid or newest invoice's id at our node, or null."
    )
    bolt11 = serializers.SerializerMethodField(help_text="Lightning invoice that may be paid now, or null.")
    uma_invoice = serializers.SerializerMethodField(help_text="UMA invoice (`uma1…`), or null.")
    pay_address = serializers.CharField(source="uma_pay_address", help_text="`$name@shop`; any UMA wallet.")
    amount_sats = serializers.IntegerField(help_text="In satoshis: what is to be paid.")
    currency = serializers.CharField(help_text="Of the price: `SAT`, or a code of ISO 4217.")
    amount = serializers.IntegerField(help_text="The price in the minor unit of `currency`.")
    expires_at = serializers.DateTimeField(source="due_at")

    class Meta:
        model = Payment
        fields = [
            "status", "amount_sats", "currency", "amount", "invoice_id", "bolt11", "uma_invoice",
            "pay_address", "push", "expires_at", "paid_at",
        ]  # fmt: skip
        read_only_fields = fields

    def get_invoice_id(self, payment: Payment) -> str | None:
        invoice = payment.open_invoice or payment.latest_invoice
        return invoice.invoice_id if invoice else None

    def get_bolt11(self, payment: Payment) -> str | None:
        invoice = payment.open_invoice
        return invoice.bolt11 if invoice and payment.is_payable else None

    def get_uma_invoice(self, payment: Payment) -> str | None:
        return payment.uma_invoice if payment.uma_invoice and payment.is_payable else None


class RefundSerializer(serializers.ModelSerializer):
    """Money of an order on its way back. An order may have several: paid twice, then canceled."""

    amount_sats = serializers.SerializerMethodField(help_text="In satoshis, rounded down.")
    to = serializers.SerializerMethodField(
        help_text="Where to, all but the first letter of its name hidden; empty while nobody has said, "
        "and once it was sent to a buyer who has left."
    )

    class Meta:
        model = Refund
        fields = ["id", "amount_sats", "status", "reason", "to", "created_at", "sent_at"]
        read_only_fields = fields

    def get_amount_sats(self, refund: Refund) -> int:
        return refund.amount_msats // MSATS_PER_SAT

    def get_to(self, refund: Refund) -> str:
        return masked(refund.to)


def masked(address: str) -> str:
    """`$ann@wallet.com` as `$a…@wallet.com`: enough to know one's own wallet by."""
    name, at, domain = address.rpartition("@")
    seen = 2 if name.startswith("$") else 1
    return f"{name[:seen]}…@{domain}" if at else ""
