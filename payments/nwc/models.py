"""Connected wallets, and presses of "Pay from it"."""

import uuid
from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from ticketsuma import encryption
from ticketsuma.constraint_messages import Check, Unique
from ticketsuma.jobs.models import Job
from ticketsuma.money import MSATS_PER_SAT
from ticketsuma.state_machine import StateMachine

from .link import Link, read_link

_PURPOSE = "wallet connection"


class ConnectedWallet(StateMachine, Job):
    """A wallet that takes our requests to pay (NIP-47): an account's, or a guest's for one payment.

    As a job of the worker it is the question what it can do, and what is left of its budget. Its link is
    spending power: it is kept encrypted, nothing shows it, and with the row it is gone.
    """

    class Status(models.TextChoices):
        CHECKING = "checking", pgettext_lazy("connected wallet", "Being checked")
        READY = "ready", pgettext_lazy("connected wallet", "Ready")
        FAILED = "failed", pgettext_lazy("connected wallet", "Failed")

    transitions = {
        Status.CHECKING: {Status.READY, Status.FAILED},
        Status.READY: {Status.READY},  # its budget was asked for anew
    }
    max_attempts = 2
    ADDRESS = "nwc:"  # what refunds are addressed to, before the id

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="connected_wallet",
        verbose_name=_("user"),
    )  # fmt: skip
    payment = models.OneToOneField(
        "payments.Payment", models.CASCADE, null=True, blank=True, related_name="connected_wallet",
        verbose_name=_("payment"), help_text=_("Of a guest, for this one only."),
    )  # fmt: skip
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.CHECKING)
    encrypted_link = models.TextField(_("connection link, encrypted"), editable=False)
    name = models.CharField(_("name"), max_length=255, help_text=_("Its Lightning address, else its relay."))
    relay = models.CharField(_("relay"), max_length=255, help_text=_("The host of the first one."))
    has_nip44 = models.BooleanField(_("encrypts by NIP-44"), default=False)
    can_receive = models.BooleanField(_("makes invoices"), default=False)
    tells_budget = models.BooleanField(_("tells its budget"), default=False)
    budget_msats = models.BigIntegerField(_("budget"), null=True, blank=True)
    spent_msats = models.BigIntegerField(_("spent of the budget"), null=True, blank=True)
    budget_period = models.CharField(_("budget's period"), max_length=10, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name, verbose_name_plural = _("connected wallet"), _("connected wallets")
        constraints = [
            Check(condition=Q(user=None, payment__isnull=False) | Q(user__isnull=False, payment=None),
                name="nwc_connectedwallet_has_one_owner", at="user",
                says=_("A connected wallet is an account's or a payment's."))
        ]  # fmt: skip
        indexes = [
            models.Index(
                fields=["next_attempt_at"], name="nwc_wallet_due", condition=Q(next_attempt_at__isnull=False)
            ),
            models.Index(fields=["created_at"], name="nwc_wallet_created"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_ready(self) -> bool:
        return self.status == self.Status.READY

    @property
    def left_sats(self) -> int | None:
        """What is left of its budget, in whole sats; None where the wallet does not tell."""
        if self.budget_msats is None or self.spent_msats is None:
            return None
        return max(0, self.budget_msats - self.spent_msats) // MSATS_PER_SAT

    @property
    def budget_sats(self) -> int | None:
        return None if self.budget_msats is None else self.budget_msats // MSATS_PER_SAT

    def keep_link(self, text: str) -> None:
        self.encrypted_link = encryption.encrypt(text, _PURPOSE)

    def link(self) -> Link:
        """Raises encryption.Unreadable, or BadLink when its relays may not be reached any more."""
        return read_link(encryption.decrypt(self.encrypted_link, _PURPOSE))

    def encrypt_anew(self) -> None:
        """With the first of the keys. Raises encryption.Unreadable."""
        self.keep_link(encryption.decrypt(self.encrypted_link, _PURPOSE))


class Tap(StateMachine, Job):
    """A press of "Pay from my wallet". It is over only when no money can come through its invoice any more.

    What the wallet says is told to the buyer and decides nothing: the node is asked.
    """

    class Status(models.TextChoices):
        QUEUED = "queued", pgettext_lazy("tap", "Queued")
        SENT = "sent", pgettext_lazy("tap", "Sent")
        PAID = "paid", pgettext_lazy("tap", "Paid")
        ENDED = "ended", pgettext_lazy("tap", "Ended")

    class Word(models.TextChoices):
        """Why it ended, or what the wallet said so far."""

        BUDGET = "budget", pgettext_lazy("tap", "Over budget")
        BALANCE = "balance", pgettext_lazy("tap", "Not enough sats")
        REVOKED = "revoked", pgettext_lazy("tap", "Connection revoked")
        EXPIRED = "expired", pgettext_lazy("tap", "Connection expired")
        REFUSED = "refused", pgettext_lazy("tap", "Refused")
        RELAY = "relay", pgettext_lazy("tap", "Relay away")
        SILENT = "silent", pgettext_lazy("tap", "No answer")
        CLAIMED = "claimed", pgettext_lazy("tap", "Said to be paid")
        FORGOTTEN = "forgotten", pgettext_lazy("tap", "Wallet forgotten")
        NODE = "node", pgettext_lazy("tap", "Node did not confirm")

    transitions = {
        Status.QUEUED: {Status.SENT, Status.PAID, Status.ENDED},
        Status.SENT: {Status.PAID, Status.ENDED},
    }
    LIVE = (Status.QUEUED, Status.SENT)
    max_attempts = 10**9  # until the node says what became of it
    longest_delay_seconds = 5.0
    # How long a wallet may take, and then the node to take the invoice back.
    patience = timedelta(seconds=20)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    payment = models.ForeignKey(
        "payments.Payment", models.PROTECT, related_name="taps", verbose_name=_("payment")
    )
    wallet = models.ForeignKey(
        ConnectedWallet, models.SET_NULL, null=True, blank=True, related_name="taps", verbose_name=_("wallet")
    )
    invoice = models.OneToOneField(
        "payments.Invoice",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="tap",
        verbose_name=_("invoice"),
    )
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.QUEUED)
    word = models.CharField(_("word"), max_length=10, choices=Word, blank=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name, verbose_name_plural = _("payment by a press"), _("payments by a press")
        ordering = ["created_at"]
        constraints = [
            Unique(fields=["payment"], condition=Q(status__in=["queued", "sent"]),
                name="nwc_tap_one_live_per_payment", says=_("Your wallet is being asked already.")),
            Check(condition=~Q(status="sent") | Q(invoice__isnull=False, sent_at__isnull=False),
                name="nwc_tap_sent_has_invoice", at="invoice",
                says=_("A request that was sent has an invoice and a time.")),
        ]  # fmt: skip
        indexes = [
            models.Index(
                fields=["next_attempt_at"], name="nwc_tap_due", condition=Q(next_attempt_at__isnull=False)
            )
        ]

    def __str__(self) -> str:
        return f"{self.payment_id}, {self.get_status_display().lower()}"

    @property
    def is_live(self) -> bool:
        return self.status in self.LIVE
