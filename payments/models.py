"""Models of money: payments, invoices, incoming payments, refunds. None refers to tickets."""

import uuid
from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from ticketsuma.constraint_messages import Check, Unique
from ticketsuma.jobs.models import Job
from ticketsuma.money import MAX_SATS, MSATS_PER_SAT, SAT
from ticketsuma.querysets import DatedQuerySet
from ticketsuma.state_machine import StateMachine

from .checkup_models import Checkup  # noqa: F401, Django looks for models here
from .querysets import InvoiceQuerySet
from .refund_models import PostTransaction, Refund  # noqa: F401, Django looks for models here


class Payment(StateMachine, Job):
    """An amount due. As a job of the worker (`next_attempt_at`) it is the push of its UMA Request.

    `amount_sats` is what settles it. Of a price in another currency it is the quote that was agreed: what
    `amount_minor` minor units of `currency` came to at `rate`, the price of one bitcoin in whole units, as
    `rate_sources` said at `rate_at`. All five are frozen.
    """

    class Status(models.TextChoices):
        PENDING = "pending", pgettext_lazy("payment", "Pending")
        SETTLED = "settled", pgettext_lazy("payment", "Settled")
        CLOSED = "closed", pgettext_lazy("payment", "Closed")

    class Push(models.TextChoices):
        NONE = "none", pgettext_lazy("payment request", "None")
        QUEUED = "queued", pgettext_lazy("payment request", "Queued")
        DELIVERED = "delivered", pgettext_lazy("payment request", "Delivered")
        REFUSED = "refused", pgettext_lazy("payment request", "Refused")
        UNREACHABLE = "unreachable", pgettext_lazy("payment request", "Unreachable")

    transitions = {
        Status.PENDING: {Status.SETTLED, Status.CLOSED},
        Status.CLOSED: {Status.SETTLED},  # late money
    }
    max_attempts = 4

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.PENDING)
    reference = models.CharField(
        _("reference"), max_length=40, unique=True, help_text=_("The name before @ in its pay address.")
    )
    amount_sats = models.BigIntegerField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3, default=SAT, db_default=SAT)
    amount_minor = models.BigIntegerField(_("amount in its currency"), null=True, blank=True)
    rate = models.DecimalField(
        _("price of a bitcoin"), max_digits=30, decimal_places=15, null=True, blank=True
    )
    rate_sources = models.JSONField(_("sources"), null=True, blank=True)
    rate_at = models.DateTimeField(_("rate taken"), null=True, blank=True)
    memo = models.CharField(_("memo"), max_length=200)
    uma_address = models.CharField(
        _("UMA address"), max_length=255, blank=True, help_text=_("As the buyer typed it.")
    )
    payer_uma = models.CharField(
        _("verified payer"), max_length=255, blank=True, help_text=_("Who signed for what was paid.")
    )
    due_at = models.DateTimeField(_("due"))
    uma_invoice = models.TextField(_("UMA invoice"), blank=True)
    push = models.CharField(_("UMA request"), max_length=12, choices=Push, default=Push.NONE)
    pushed_at = models.DateTimeField(_("UMA request delivered"), null=True, blank=True)
    paid_at = models.DateTimeField(_("paid"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    invoices_in_hand: "list[Invoice] | None" = None  # by whoever has just written the payment

    objects = DatedQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("payment"), _("payments")
        constraints = [
            Check(condition=Q(amount_sats__gt=0) & Q(amount_sats__lte=MAX_SATS),
                name="payments_payment_amount_in_range", at="amount_sats",
                says=_("At least one sat is due.")),
            Check(
                condition=Q(
                    currency=SAT, amount_minor=None, rate=None, rate_sources__isnull=True, rate_at=None)
                | ~Q(currency=SAT) & Q(amount_minor__gt=0, rate__gt=0)
                & Q(rate_sources__isnull=False, rate_at__isnull=False),
                name="payments_payment_quote_is_whole", at="currency",
                says=_("A price in another currency has its rate.")),
            Check(condition=~Q(status="settled") | Q(paid_at__isnull=False),
                name="payments_payment_settled_has_paid_at", at="paid_at",
                says=_("A settled payment says when it was paid.")),
        ]  # fmt: skip
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                name="payments_payment_due",
                condition=Q(next_attempt_at__isnull=False),
            ),
            models.Index(
                fields=["parked_at"], name="payments_payment_parked", condition=Q(parked_at__isnull=False)
            ),
            models.Index(fields=["created_at", "id"], name="payments_payment_newest"),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def amount_msats(self) -> int:
        return self.amount_sats * MSATS_PER_SAT

    @property
    def amount(self) -> int:
        """In minor units of `currency`: what was agreed."""
        return self.amount_sats if self.amount_minor is None else self.amount_minor

    @property
    def uma_pay_address(self) -> str:
        """`$reference@shop`: any UMA wallet can pay it."""
        return f"${self.reference}@{settings.UMA_DOMAIN}"

    @property
    def pay_address(self) -> str:
        """`reference@shop`: any wallet that knows Lightning addresses can pay it (LUD-16)."""
        return f"{self.reference}@{settings.UMA_DOMAIN}"

    def traced_payment(self) -> uuid.UUID:
        return self.pk

    @property
    def is_payable(self) -> bool:
        return self.status == self.Status.PENDING and self.due_at > timezone.now()

    def slot_of(self, payer: str) -> "Invoice.Slot":
        """Whose invoice it is that the verified `payer` asks for; without a payer it is everybody's."""
        if not payer:
            return Invoice.Slot.PLAIN
        return Invoice.Slot.TYPED if payer == self.uma_address else Invoice.Slot.OTHER

    @property
    def known_invoices(self) -> "Iterable[Invoice]":
        """Those in hand, else as they are stored; prefetched ones cost no query."""
        return self.invoices.all() if self.invoices_in_hand is None else self.invoices_in_hand

    @property
    def open_invoice(self) -> "Invoice | None":
        """The BOLT11 that anybody may pay now."""
        plain = (i for i in self.known_invoices if i.slot == Invoice.Slot.PLAIN)
        return next((i for i in plain if i.status == Invoice.Status.OPEN), None)

    @property
    def latest_invoice(self) -> "Invoice | None":
        """The newest BOLT11 that ever opened, whatever became of it; one that was paid before the others."""
        opened = [i for i in self.known_invoices if i.invoice_id]
        return max(opened, key=lambda i: (i.status == Invoice.Status.PAID, i.created_at), default=None)


class Invoice(StateMachine, Job):
    """One BOLT11. As a job of the worker it is its request at the node, or a leftover's cancelation."""

    class Status(models.TextChoices):
        REQUESTED = "requested", pgettext_lazy("invoice", "Requested")
        OPEN = "open", pgettext_lazy("invoice", "Open")
        FAILED = "failed", pgettext_lazy("invoice", "Failed")
        PAID = "paid", pgettext_lazy("invoice", "Paid")
        CANCELED = "canceled", pgettext_lazy("invoice", "Canceled")
        EXPIRED = "expired", pgettext_lazy("invoice", "Expired")

    class Kind(models.TextChoices):
        LIGHTNING = "lightning", "Lightning"
        LNURL = "lnurl", "LNURL"
        UMA = "uma", "UMA"

    class Slot(models.TextChoices):
        PLAIN = "plain", pgettext_lazy("invoice", "Anybody's")
        TYPED = "typed", pgettext_lazy("invoice", "The typed address's")
        OTHER = "other", pgettext_lazy("invoice", "Another payer's")
        NWC = "nwc", pgettext_lazy("invoice", "The connected wallet's")

    transitions = {
        Status.REQUESTED: {Status.OPEN, Status.FAILED},
        Status.OPEN: {Status.PAID, Status.CANCELED, Status.EXPIRED},
        # Late money: the node took a payment in flight while we were closing.
        Status.CANCELED: {Status.PAID},
        Status.EXPIRED: {Status.PAID},
    }
    LIVE = (Status.REQUESTED, Status.OPEN)
    max_attempts = 10**9  # until the payment is no longer due
    longest_delay_seconds = 10.0

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="invoices", verbose_name=_("payment"))
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.LIGHTNING)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.REQUESTED)
    payer = models.CharField(_("payer"), max_length=255, blank=True)
    slot = models.CharField(_("slot"), max_length=5, choices=Slot, default="plain", db_default="plain")
    invoice_id = models.CharField(  # noqa: DJ001
        _("invoice id"), max_length=120, null=True, unique=True, help_text=_("The node's id.")
    )
    bolt11 = models.TextField(_("BOLT11"), blank=True)
    payment_hash = models.CharField(_("payment hash"), max_length=64, null=True, unique=True)  # noqa: DJ001
    expires_at = models.DateTimeField(_("expires"), null=True)
    # What the asker says beside asking. Defaults in the database: an older version has no such columns.
    comment = models.CharField(_("comment"), max_length=140, blank=True, default="", db_default="")
    utxo_callback = models.CharField(
        _("UTXO callback"),
        max_length=500,
        blank=True,
        default="",
        db_default="",
        help_text=_("Where its payer's VASP is told."),
    )
    travel_rule = models.TextField(
        _("travel rule information"),
        blank=True,
        default="",
        db_default="",
        help_text=_("Kept only if the shop is set to."),
    )
    travel_rule_format = models.CharField(
        _("travel rule format"), max_length=60, blank=True, default="", db_default=""
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    objects = InvoiceQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("invoice"), _("invoices")
        ordering = ["created_at"]
        constraints = [
            Unique(fields=["payment", "slot"], condition=Q(status__in=["requested", "open"]),
                name="payments_invoice_one_live_per_slot",
                says=_("This payment has such an invoice that can be paid.")),
            Check(condition=Q(status__in=["requested", "failed"])
                | Q(invoice_id__isnull=False, payment_hash__isnull=False, expires_at__isnull=False),
                name="payments_invoice_opened_is_complete", at="invoice_id",
                says=_("An invoice that was opened has the node's id, a hash and an end.")),
        ]  # fmt: skip
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                name="payments_invoice_work",
                condition=Q(next_attempt_at__isnull=False),
            ),
            models.Index(
                fields=["parked_at"], name="payments_invoice_parked", condition=Q(parked_at__isnull=False)
            ),
            models.Index(fields=["created_at", "id"], name="payments_invoice_newest"),
        ]

    def __str__(self) -> str:
        return self.invoice_id or f"{self.get_kind_display()}, {self.get_status_display().lower()}"


class IncomingPayment(Job):
    """Sats that arrived at our node. As a job of the worker it is their allocation.

    `amount = applied + kept + refunds + what is unmatched`, in msats, always: a row without
    `allocated_at` is still to be allocated, an allocated row without a payment is unmatched money.
    """

    node_payment_id = models.CharField(_("node's id"), max_length=120, unique=True)
    payment_hash = models.CharField(_("payment hash"), max_length=64, blank=True)
    invoice = models.ForeignKey(
        Invoice,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="incoming_payments",
        verbose_name=_("invoice"),
    )
    payment = models.ForeignKey(
        Payment,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="incoming_payments",
        verbose_name=_("payment"),
    )
    amount_msats = models.BigIntegerField(_("amount"))
    applied_msats = models.BigIntegerField(_("applied"), default=0)
    kept_msats = models.BigIntegerField(_("kept"), default=0)
    received_at = models.DateTimeField(_("received"))
    allocated_at = models.DateTimeField(_("allocated"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name, verbose_name_plural = _("incoming payment"), _("incoming payments")
        ordering = ["received_at"]
        constraints = [
            Check(condition=Q(amount_msats__gt=0, applied_msats__gte=0, kept_msats__gte=0)
                & Q(amount_msats__gte=F("applied_msats") + F("kept_msats")),
                name="payments_incoming_allocates_at_most_amount", at="applied_msats",
                says=_("No more can be used than arrived.")),
            # One payment's due amount is applied once, whatever arrives twice.
            Unique(
                fields=["payment"], condition=Q(applied_msats__gt=0), name="payments_incoming_applied_once",
                says=_("Other money has paid this already.")),
        ]  # fmt: skip
        indexes = [
            models.Index(
                fields=["next_attempt_at"], name="payments_incoming_due", condition=Q(allocated_at=None)
            ),
            models.Index(fields=["received_at", "id"], name="payments_incoming_newest"),
            models.Index(fields=["allocated_at"], name="payments_incoming_allocated"),
        ]

    def __str__(self) -> str:
        return self.node_payment_id

    @property
    def is_unmatched(self) -> bool:
        return self.payment_id is None


class WebhookEvent(Job):
    """What the node told us, kept before it is acted on."""

    max_attempts = 30  # four hours: a node that is away comes back

    event_id = models.CharField(_("event id"), max_length=120, unique=True)
    type = models.CharField(_("type"), max_length=60)
    entity_id = models.CharField(_("entity id"), max_length=120)
    received_at = models.DateTimeField(_("received"), auto_now_add=True)
    processed_at = models.DateTimeField(_("processed"), null=True, blank=True)

    class Meta:
        verbose_name, verbose_name_plural = _("webhook event"), _("webhook events")
        indexes = [
            models.Index(
                fields=["next_attempt_at"], name="payments_webhook_due", condition=Q(processed_at=None)
            ),
            models.Index(fields=["entity_id"], name="payments_webhook_entity"),
            models.Index(fields=["received_at", "id"], name="payments_webhook_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"


class VaspNonce(models.Model):
    """A nonce another VASP signed and used up (UMAD-04, UMAD-05): a second use is a replay."""

    domain = models.CharField(_("domain"), max_length=255)
    nonce = models.CharField(_("nonce"), max_length=64)
    seen_at = models.DateTimeField(_("used at"), default=timezone.now, db_index=True)

    class Meta:
        verbose_name, verbose_name_plural = _("used nonce"), _("used nonces")
        constraints = [
            Unique(fields=["domain", "nonce"], name="payments_vaspnonce_once",
                says=_("This wallet has used that number before."))
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.domain} {self.nonce}"


class Sweep(Job):
    """How far a list of the node's has been read; that of incoming payments is the worker's heartbeat too."""

    INCOMING, AGAIN, OUTGOING = "incoming", "incoming again", "outgoing"
    # The worker asks the node every 10 s, and every 36 s at most while it does not answer.
    SILENT_AFTER = timedelta(seconds=90)
    max_attempts = 10**9  # never given up
    longest_delay_seconds = 30.0
    furthest_due = timedelta(minutes=5)

    name = models.CharField(_("name"), max_length=20, primary_key=True, default=INCOMING)
    read_until = models.DateTimeField(_("read until"))
    tried_at = models.DateTimeField(_("last attempt"), null=True)
    succeeded_at = models.DateTimeField(_("last success"), null=True)
    available_msats = models.BigIntegerField(
        _("spendable balance"), null=True, help_text=_("What the node can send.")
    )

    class Meta:
        verbose_name, verbose_name_plural = _("node synchronization"), _("node synchronizations")

    def __str__(self) -> str:
        return self.name
