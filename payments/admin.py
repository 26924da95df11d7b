"""Admin of payments: read-only rows and buttons. Services alone move states."""

from django.contrib import admin
from django.db.models import QuerySet
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _

from accounts.roles import Ability
from ticketsuma.admin.actions import JobAdmin
from ticketsuma.admin.base import ParkedFilter, ReadOnlyAdmin, ReadOnlyInline, amount_column, sats_column

from .checkup_models import Checkup
from .models import (
    IncomingPayment,
    Invoice,
    Payment,
    PostTransaction,
    Refund,
    Sweep,
    VaspNonce,
    WebhookEvent,
)
from .unmatched import unmatched_money

LATEST = 1000


class InvoiceInline(ReadOnlyInline):
    sees = (Ability.SEE_MONEY,)
    model = Invoice
    fields = [
        "slot", "kind", "status", "payer", "comment", "invoice_id", "payment_hash", "expires_at", "created_at"
    ]  # fmt: skip
    readonly_fields = fields


class IncomingPaymentInline(ReadOnlyInline):
    sees = (Ability.SEE_MONEY,)
    model = IncomingPayment
    fields = [
        "node_payment_id", sats_column("amount_msats", _("amount")),
        sats_column("applied_msats", _("applied")), sats_column("kept_msats", _("kept")), "received_at",
        "allocated_at",
    ]  # fmt: skip
    readonly_fields = fields


@admin.display(description=_("arrives"))
def arrives_column(refund: Refund) -> str:
    return refund.arrives or "-"


class RefundInline(ReadOnlyInline):
    sees = (Ability.SEE_MONEY,)
    model = Refund
    fields = [
        "status",
        sats_column("amount_msats", _("amount")),
        "to",
        arrives_column,
        "reason",
        "attempts",
        "last_error",
        "sent_at",
    ]
    readonly_fields = fields


class WaitingFilter(admin.SimpleListFilter):
    title = _("waiting for")
    parameter_name = "waiting"

    def lookups(self, request, model_admin):
        return [("money", _("Money (pending payments)")), ("invoice", _("An invoice from the node"))]

    def queryset(self, request, queryset: QuerySet) -> QuerySet:
        pending = queryset.filter(status=Payment.Status.PENDING)
        match self.value():
            case "money":
                return pending
            case "invoice":
                shown = Invoice.objects.filter(status=Invoice.Status.OPEN, slot=Invoice.Slot.PLAIN)
                return pending.exclude(invoices__in=shown)
        return queryset


@admin.register(Payment)
class PaymentAdmin(JobAdmin):
    sees = (Ability.SEE_MONEY,)
    list_display = [
        "reference", "status", sats_column("amount_sats", _("amount")),
        amount_column("amount", _("price"), "currency", "amount_minor"), "push", "uma_address", "due_at",
        "paid_at",
    ]  # fmt: skip
    list_filter = [WaitingFilter, "status", "push", ParkedFilter, "created_at"]
    search_fields = [
        "=reference", "uma_address", "payer_uma", "=invoices__payment_hash", "=invoices__invoice_id",
        "=incoming_payments__node_payment_id",
    ]  # fmt: skip
    ordering = ["-created_at"]
    inlines = [InvoiceInline, IncomingPaymentInline]


@admin.register(Invoice)
class InvoiceAdmin(JobAdmin):
    sees = (Ability.SEE_MONEY,)
    list_display = ["__str__", "payment", "kind", "slot", "status", "payer", "expires_at", "created_at"]
    list_filter = ["status", "kind", "slot", ParkedFilter, "created_at"]
    list_select_related = ["payment"]
    search_fields = ["=invoice_id", "=payment_hash", "=payment__reference", "payer"]
    ordering = ["-created_at"]


class PurposeFilter(admin.SimpleListFilter):
    title = _("purpose")
    parameter_name = "purpose"

    def lookups(self, request, model_admin):
        return [
            ("unmatched", _("None: unmatched")),
            ("waiting", _("Not allocated yet")),
            ("applied", _("Pays an order")),
            ("refunded", _("Goes back")),
        ]

    def queryset(self, request, queryset: QuerySet) -> QuerySet:
        match self.value():
            case "unmatched":
                return queryset.filter(pk__in=unmatched_money().values("pk"))
            case "waiting":
                return queryset.filter(allocated_at=None, payment__isnull=False)
            case "applied":
                return queryset.filter(applied_msats__gt=0)
            case "refunded":
                return queryset.filter(refunds__isnull=False).distinct()
        return queryset


@admin.register(IncomingPayment)
class IncomingPaymentAdmin(JobAdmin):
    """Money that arrived. Its buttons reach orders, so `tickets.admin` adds them."""

    sees = (Ability.SEE_MONEY,)
    staff_actions = []
    list_display = [
        "node_payment_id", "payment", sats_column("amount_msats", _("amount")),
        sats_column("applied_msats", _("applied")), sats_column("kept_msats", _("kept")), "received_at",
    ]  # fmt: skip
    list_filter = [PurposeFilter, ParkedFilter, "received_at"]
    list_select_related = ["payment"]
    search_fields = ["=node_payment_id", "=payment_hash", "=payment__reference", "=invoice__invoice_id"]
    ordering = ["-received_at"]
    inlines = [RefundInline]


@admin.register(Refund)
class RefundAdmin(JobAdmin):
    """Money on its way back. Its buttons are `tickets.staff.money_actions`, which `tickets.admin` adds."""

    sees = (Ability.SEE_MONEY,)
    staff_actions = []
    list_display = [
        "payment", sats_column("amount_msats", _("amount")), "status", "to", arrives_column, "reason",
        "created_at", "sent_at",
    ]  # fmt: skip
    list_filter = ["status", "reason", ParkedFilter, "created_at"]
    list_select_related = ["incoming_payment__payment"]
    search_fields = [
        "to", "=payment_hash", "=node_payment_id", "=incoming_payment__payment__reference",
        "=incoming_payment__node_payment_id",
    ]  # fmt: skip
    ordering = ["-created_at"]

    def get_fields(self, request, obj=None):
        """What arrives is one fact of three columns."""
        parts = ("arrives_currency", "arrives_decimals")
        fields = [field for field in super().get_fields(request, obj) if field not in parts]
        return [arrives_column if field == "arrives_amount" else field for field in fields]

    @admin.display(description=_("payment"))
    def payment(self, refund: Refund) -> str:
        return str(refund.incoming_payment.payment or _("unmatched"))


class OpenFilter(admin.SimpleListFilter):
    title = _("processed")
    parameter_name = "processed"

    def lookups(self, request, model_admin):
        return [("no", _("Not yet")), ("yes", _("Yes"))]

    def queryset(self, request, queryset: QuerySet) -> QuerySet:
        if self.value() is None:
            return queryset
        return queryset.filter(processed_at__isnull=self.value() == "no")


class EventTypeFilter(admin.SimpleListFilter):
    """The types of the latest events: to look for all there ever were is to read the whole table."""

    title = _("type")
    parameter_name = "type"

    def lookups(self, request, model_admin):
        latest = WebhookEvent.objects.order_by("-received_at").values_list("type", flat=True)
        return [(name, name) for name in sorted(set(latest[:LATEST]))]

    def queryset(self, request, queryset: QuerySet) -> QuerySet:
        return queryset.filter(type=self.value()) if self.value() else queryset


@admin.register(WebhookEvent)
class WebhookEventAdmin(JobAdmin):
    sees = (Ability.OPERATE,)
    list_display = ["event_id", "type", "entity_id", "received_at", "processed_at", "attempts", "last_error"]
    list_filter = [OpenFilter, ParkedFilter, EventTypeFilter, "received_at"]
    search_fields = ["=event_id", "=entity_id"]
    ordering = ["-received_at"]


@admin.register(PostTransaction)
class PostTransactionAdmin(ReadOnlyAdmin):
    sees = (Ability.OPERATE,)
    list_display = ["__str__", "created_at", "told_at", "attempts", "last_error"]
    list_filter = [ParkedFilter, "created_at"]
    list_select_related = ["incoming_payment", "refund"]
    search_fields = ["=incoming_payment__node_payment_id", "=refund__node_payment_id"]
    ordering = ["-created_at"]


@admin.register(VaspNonce)
class VaspNonceAdmin(ReadOnlyAdmin):
    sees = (Ability.OPERATE,)
    list_display = ["domain", "nonce", "seen_at"]
    search_fields = ["=domain", "=nonce"]
    ordering = ["-seen_at"]


@admin.register(Checkup)
class CheckupAdmin(ReadOnlyAdmin):
    sees = (Ability.OPERATE,)
    list_display = ["name", "checked_at", "last_error"]
    fields = ["checked_at", "said", "last_error"]

    @admin.display(description=_("findings"))
    def said(self, checkup: Checkup) -> str:
        lines = ((f["level"], f["check"], f["says"]) for f in checkup.findings)
        return format_html_join("", "<p>{} · {} · {}</p>", lines)


@admin.register(Sweep)
class SweepAdmin(ReadOnlyAdmin):
    sees = (Ability.OPERATE,)
    list_display = [
        "name",
        "tried_at",
        "succeeded_at",
        "read_until",
        sats_column("available_msats", _("spendable balance")),
        "last_error",
    ]
