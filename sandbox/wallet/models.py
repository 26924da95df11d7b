"""Models of the pretend wallet: its keys, its users and their books. All sats lie on one node."""

# ruff: noqa: DJ008 - no page lists rows by their text
import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from node.models import Invoice, Node, Payment


class Vasp(models.Model):
    """The wallet company itself; one row. Private keys as hex, certificates as PEM."""

    node = models.OneToOneField(Node, models.PROTECT)
    signing_private_key = models.CharField(max_length=64)
    signing_cert_chain = models.TextField()
    encryption_private_key = models.CharField(max_length=64)
    encryption_cert_chain = models.TextField()
    earned_msats = models.BigIntegerField(default=0, help_text="fees that users left with it")
    nwc_secret = models.CharField(max_length=64, blank=True, help_text="signs answers to connected programs")


class User(models.Model):
    """A person with a wallet; the name is the part before `@` of both addresses."""

    name = models.SlugField(primary_key=True, max_length=40)
    balance_msats = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(balance_msats__gte=0), name="user_solvent")]

    def __str__(self) -> str:
        return self.name

    @property
    def lightning_address(self) -> str:
        return f"{self.name}@{settings.SANDBOX_DOMAIN}"

    @property
    def uma_address(self) -> str:
        return f"${self.lightning_address}"

    @property
    def balance_sats(self) -> int:
        return self.balance_msats // 1000


class UmaRequest(models.Model):
    """A UMA invoice somebody pushed to a user (UMAD-11), waiting for Approve or Decline."""

    class Status(models.TextChoices):
        WAITING = "waiting"
        PAYING = "paying"
        PAID = "paid"
        DECLINED = "declined"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    user = models.ForeignKey(User, models.CASCADE, related_name="requests")
    uma_invoice = models.TextField()
    invoice_uuid = models.CharField(max_length=255)
    receiver_uma = models.CharField(max_length=255)
    amount = models.BigIntegerField(help_text="in the smallest unit of the currency")
    currency = models.CharField(max_length=10)
    decimals = models.PositiveSmallIntegerField(default=0)
    expires_at = models.DateTimeField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING)
    error = models.CharField(max_length=400, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "receiver_uma", "invoice_uuid"], name="request_pushed_once"
            )
        ]

    @property
    def is_expired(self) -> bool:
        return self.expires_at <= timezone.now()

    @property
    def amount_text(self) -> str:
        if self.currency == "SAT":
            return f"{self.amount:,} sats"
        return f"{self.amount / 10**self.decimals:,.{self.decimals}f} {self.currency}"


class Entry(models.Model):
    """One line of a user's history."""

    class Status(models.TextChoices):
        PENDING = "pending"
        SUCCEEDED = "succeeded"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    user = models.ForeignKey(User, models.CASCADE, related_name="entries")
    is_incoming = models.BooleanField()
    amount_msats = models.BigIntegerField()
    counterparty = models.CharField(max_length=255, blank=True)
    note = models.CharField(max_length=400, blank=True)
    status = models.CharField(max_length=10, choices=Status.choices)
    error = models.CharField(max_length=400, blank=True)
    thanks = models.CharField(max_length=200, blank=True, help_text="success action (LUD-09)")
    thanks_url = models.CharField(max_length=500, blank=True)
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="entries")
    request = models.ForeignKey(UmaRequest, models.SET_NULL, null=True, related_name="entries")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-created_at"]
        constraints = [models.UniqueConstraint(fields=["payment", "is_incoming"], name="one_entry_per_side")]

    @property
    def amount_sats(self) -> int:
        return self.amount_msats // 1000


class Receivable(models.Model):
    """A BOLT11 the wallet made for one of its users, and who asked for it."""

    invoice = models.OneToOneField(Invoice, models.CASCADE, related_name="receivable")
    user = models.ForeignKey(User, models.CASCADE, related_name="receivables")
    payer = models.CharField(max_length=255, blank=True)
    note = models.CharField(max_length=400, blank=True)
    utxo_callback = models.CharField(max_length=500, blank=True, help_text="whom to tell about our UTXOs")
    fee_msats = models.BigIntegerField(default=0, help_text="what the wallet keeps of it")


class Connection(models.Model):
    """A program that may spend a user's sats (NIP-47), known by its public key."""

    user = models.ForeignKey(User, models.CASCADE, related_name="connections")
    client = models.CharField(max_length=64, unique=True)
    secret = models.CharField(max_length=64)
    budget_msats = models.BigIntegerField(null=True, help_text="null is without end")
    spent_msats = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)

    @property
    def left_sats(self) -> int | None:
        return None if self.budget_msats is None else (self.budget_msats - self.spent_msats) // 1000


class PostTransaction(models.Model):
    """What another VASP reported after a payment (UMAD-07)."""

    domain = models.CharField(max_length=255)
    is_verified = models.BooleanField()
    message = models.JSONField()
    received_at = models.DateTimeField(default=timezone.now)


class SeenNonce(models.Model):
    domain = models.CharField(max_length=255)
    nonce = models.CharField(max_length=255)
    seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["domain", "nonce"], name="wallet_nonce_once")]
