"""Models of refunds, and of post-transaction callbacks to other VASPs."""

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, cast

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from ticketsuma.constraint_messages import Check, Unique
from ticketsuma.jobs.models import Job
from ticketsuma.money import format_msats, format_units
from ticketsuma.querysets import DatedQuerySet
from ticketsuma.state_machine import StateMachine

if TYPE_CHECKING:
    from .models import IncomingPayment

# Of a currency: 18 are those of the finest one around.
MAX_DECIMALS = 18


class Refund(StateMachine, Job):
    """Money on its way back. The id is our idempotency key at the node: it is paid at most once."""

    class Status(models.TextChoices):
        NEEDS_ADDRESS = "needs_address", pgettext_lazy("refund", "Needs an address")
        QUEUED = "queued", pgettext_lazy("refund", "Queued")
        SENDING = "sending", pgettext_lazy("refund", "Being sent")
        SENT = "sent", pgettext_lazy("refund", "Sent")
        FAILED = "failed", pgettext_lazy("refund", "Failed")
        IN_DOUBT = "in_doubt", pgettext_lazy("refund", "In doubt")

    class Reason(models.TextChoices):
        LATE = "late", pgettext_lazy("refund", "Too late")
        DUPLICATE = "duplicate", pgettext_lazy("refund", "Paid twice")
        SURPLUS = "surplus", pgettext_lazy("refund", "Too much")
        UNDERPAID = "underpaid", pgettext_lazy("refund", "Too little")
        ORDER_CANCELED = "order_canceled", pgettext_lazy("refund", "Order canceled")
        EVENT_CANCELED = "event_canceled", pgettext_lazy("refund", "Event canceled")
        EVENT_MOVED = "event_moved", pgettext_lazy("refund", "Event moved")
        GIVEN_BACK = "given_back", pgettext_lazy("refund", "Ticket given back")
        STAFF = "staff", pgettext_lazy("refund", "By staff")
        FOUND = "found", pgettext_lazy("refund", "Found at the node")
        UNMATCHED = "unmatched", pgettext_lazy("refund", "Matched no order")

    transitions = {
        Status.NEEDS_ADDRESS: {Status.QUEUED},
        Status.QUEUED: {Status.SENDING, Status.NEEDS_ADDRESS, Status.QUEUED},  # itself: another address
        Status.SENDING: {Status.SENT, Status.FAILED, Status.IN_DOUBT},
        Status.IN_DOUBT: {Status.SENT, Status.FAILED, Status.SENDING},
        Status.FAILED: {Status.QUEUED},
    }
    # More than a day: a low balance, a silent node or wallet and a doubt end by themselves until then.
    max_attempts = 200
    furthest_due = timedelta(days=1)  # the last of its BOLT11s

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    incoming_payment = models.ForeignKey(
        "payments.IncomingPayment", models.PROTECT, related_name="refunds", verbose_name=_("incoming payment")
    )
    status = models.CharField(_("status"), max_length=14, choices=Status, default=Status.QUEUED)
    amount_msats = models.BigIntegerField(_("amount"))
    to = models.CharField(
        _("destination"), max_length=255, blank=True, help_text=_("UMA or Lightning address.")
    )
    reason = models.CharField(_("reason"), max_length=16, choices=Reason)
    bolt11 = models.TextField(_("BOLT11"), blank=True)
    payment_hash = models.CharField(_("payment hash"), max_length=64, blank=True)
    bolt11_expires_at = models.DateTimeField(_("BOLT11 expires"), null=True, blank=True)
    invoices_asked = models.PositiveIntegerField(_("invoices requested"), default=0)
    dead_bolt11s = models.PositiveIntegerField(
        _("unpayable BOLT11s"), default=0, db_default=0, help_text=_("Of the address it goes to now.")
    )
    ordinal = models.PositiveIntegerField(
        _("ordinal"),
        null=True,
        blank=True,
        help_text=_("Among the refunds of the same money."),
    )
    node_key = models.CharField(
        _("idempotency key at the node"), max_length=200, blank=True, default="", db_default="",
        help_text=_("Of the last BOLT11: it is paid once, however often the node is told."),
    )  # fmt: skip
    heard_at = models.DateTimeField(
        _("last node update"),
        null=True,
        blank=True,
        help_text=_("When the node last spoke of its last payment."),
    )
    fee_cap_msats = models.BigIntegerField(
        _("fee limit"), null=True, blank=True, help_text=_("What the node may take for the last BOLT11.")
    )
    fee_msats = models.BigIntegerField(
        _("fee"),
        null=True,
        blank=True,
        help_text=_("What the node took for sending it."),
    )
    # What the wallet's server said of the last BOLT11: it may keep another currency, or take a fee (UMAD-06).
    arrives_amount = models.BigIntegerField(_("amount received"), null=True, blank=True)
    arrives_currency = models.CharField(_("currency"), max_length=16, blank=True, default="", db_default="")
    arrives_decimals = models.PositiveSmallIntegerField(_("currency decimals"), default=0, db_default=0)
    wallet_fee_msats = models.BigIntegerField(
        _("wallet fee"), null=True, blank=True, help_text=_("What the receiver's wallet keeps of it.")
    )
    node_payment_id = models.CharField(_("node's id"), max_length=120, blank=True)
    utxo_callback = models.CharField(
        _("UTXO callback"),
        max_length=500,
        blank=True,
        default="",
        db_default="",
        help_text=_("Where the payee's VASP is told."),
    )
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    objects = DatedQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("refund"), _("refunds")
        ordering = ["created_at"]
        constraints = [
            Check(condition=Q(amount_msats__gt=0), name="payments_refund_amount_positive", at="amount_msats",
                says=_("A refund is more than nothing.")),
            # Once it is sent, where to may be forgotten with its receiver.
            Check(condition=Q(status__in=["needs_address", "sent"]) | ~Q(to=""),
                name="payments_refund_has_destination", at="to",
                says=_("A refund needs an address to go to.")),
            Check(condition=~Q(status="sent") | Q(sent_at__isnull=False),
                name="payments_refund_sent_has_sent_at", at="sent_at",
                says=_("A refund that was sent says when.")),
            Unique(fields=["incoming_payment", "ordinal"], name="payments_refund_ordinal",
                says=_("This money has a refund with that number.")),
        ]  # fmt: skip
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                name="payments_refund_due",
                condition=Q(next_attempt_at__isnull=False),
            ),
            models.Index(fields=["status"], name="payments_refund_unsent", condition=~Q(status="sent")),
            models.Index(fields=["node_payment_id"], name="payments_refund_node_id"),
            models.Index(fields=["created_at", "id"], name="payments_refund_newest"),
            models.Index(fields=["updated_at"], name="payments_refund_changed"),
        ]

    def traced_payment(self) -> uuid.UUID | None:
        return self.incoming_payment.payment_id

    def __str__(self) -> str:
        return f"{format_msats(self.amount_msats)}, {self.get_status_display().lower()}"

    @property
    def is_to_connected_wallet(self) -> bool:
        return self.to.startswith("nwc:")

    @property
    def destination(self) -> str:
        """Where it goes, for people."""
        return gettext("the connected wallet") if self.is_to_connected_wallet else self.to

    def done(self) -> None:
        """It fails until it is sent: what is under way now may fail as the payment before it did."""
        if self.status == self.Status.SENT:
            super().done()

    def own_row(self) -> models.QuerySet:
        """Not once it was given another address: what the former one did is no longer of interest."""
        return super().own_row().filter(to=self.to)

    @property
    def arrives(self) -> str:
        """What the receiver's wallet said that it credits, for people; empty when it is what we send."""
        if self.arrives_amount is None or (self.arrives_currency == "SAT" and not self.wallet_fee_msats):
            return ""
        return format_units(self.arrives_amount, self.arrives_currency, self.arrives_decimals)

    @property
    def idempotency_key(self) -> str:
        """Our key at the node, as committed with the BOLT11 (`refund_recovery.key_of`).

        Made of the id before there was such a column, and where an older version of the shop asked last.
        """
        is_last = self.node_key.endswith(f"-{self.ordinal}-{self.invoices_asked}")
        return self.node_key if is_last else f"{self.pk}-{self.invoices_asked}"


class PostTransaction(Job):
    """What we tell another VASP once sats moved (UMAD-07). No money hangs on whether it is heard."""

    max_attempts = 5
    first_delay_seconds = 5.0
    furthest_due = timedelta(days=1)

    incoming_payment = models.OneToOneField(
        "payments.IncomingPayment",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="post_transaction",
        verbose_name=_("incoming payment"),
    )
    refund = models.OneToOneField(
        Refund,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="post_transaction",
        verbose_name=_("refund"),
    )
    told_at = models.DateTimeField(_("delivered"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name, verbose_name_plural = _("post-transaction callback"), _("post-transaction callbacks")
        constraints = [
            Check(condition=Q(incoming_payment=None, refund__isnull=False)
                | Q(incoming_payment__isnull=False, refund=None),
                name="payments_posttransaction_is_about_one", at="refund",
                says=_("It is about money that arrived, or about a refund."))
        ]  # fmt: skip
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                name="payments_posttransaction_due",
                condition=Q(next_attempt_at__isnull=False),
            ),
            models.Index(fields=["created_at", "id"], name="payments_posttransaction_new"),
        ]

    def __str__(self) -> str:
        return self.node_payment_id

    @property
    def url(self) -> str:
        """Where the other VASP asked to be told; empty once that was forgotten with the payer."""
        if self.refund:
            return self.refund.utxo_callback
        invoice = cast("IncomingPayment", self.incoming_payment).invoice  # it is about one or the other
        return invoice.utxo_callback if invoice else ""

    @property
    def node_payment_id(self) -> str:
        return (self.refund or cast("IncomingPayment", self.incoming_payment)).node_payment_id
