"""Models of the pretend Lightspark. Amounts are millisatoshi integers named `*_msats`."""

# ruff: noqa: DJ008 - no page lists rows by their text
import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone

NETWORKS = {"MAINNET": "bc", "TESTNET": "tb", "SIGNET": "tbs", "REGTEST": "bcrt"}


def new_id(kind: str) -> str:
    """A Lightspark id: the GraphQL type name, a colon, a UUID."""
    return f"{kind}:{uuid.uuid4()}"


class Account(models.Model):
    """One customer of the pretend Lightspark; sees only what belongs to its own nodes."""

    id = models.CharField(primary_key=True, max_length=80)
    name = models.CharField(max_length=80)
    created_at = models.DateTimeField(default=timezone.now)


class ApiToken(models.Model):
    id = models.CharField(primary_key=True, max_length=80)
    account = models.ForeignKey(Account, models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=80)
    client_id = models.CharField(max_length=80, unique=True)
    client_secret = models.CharField(max_length=120)
    permissions = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)


class Node(models.Model):
    """A Lightning node whose operation signing key (OSK) the account can recover with `password`.

    The node `is_world` stands for everybody else on the network: it may owe any amount, so that the balances
    of all nodes always sum up to zero.
    """

    id = models.CharField(primary_key=True, max_length=80)
    account = models.ForeignKey(Account, models.CASCADE, related_name="nodes")
    name = models.CharField(max_length=80)
    network = models.CharField(max_length=10, choices=[(name, name) for name in NETWORKS])
    balance_msats = models.BigIntegerField(default=0)
    is_world = models.BooleanField(default=False)
    secret_hex = models.CharField(max_length=64, help_text="the Lightning identity key that signs BOLT11")
    public_key = models.CharField(max_length=66, unique=True)
    password = models.CharField(max_length=120)
    signing_public_key = models.TextField(help_text="PEM, verifies signed operations")
    encrypted_signing_key = models.TextField(help_text="base64 of salt and AES-GCM cipher text")
    webhook_url = models.CharField(max_length=500, blank=True)
    webhook_secret = models.CharField(max_length=120)
    # What sending costs and how long it takes; a node that was not told otherwise sends free and at once.
    reserve_percent = models.PositiveSmallIntegerField(default=0, help_text="of the balance: not to be sent")
    fee_base_msats = models.PositiveIntegerField(default=0, help_text="of a route, as in BOLT7")
    fee_ppm = models.PositiveIntegerField(default=0, help_text="of a route: millionths of the amount")
    settle_s = models.FloatField(default=0, help_text="how long what it sends is PENDING")
    float_percent = models.PositiveSmallIntegerField(
        default=0, help_text="what its operator adds of all that arrives, so that it can be sent back"
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(balance_msats__gte=0) | Q(is_world=True), name="node_solvent")
        ]

    @property
    def reserve_msats(self) -> int:
        """What the channels hold back, rounded up."""
        return -(-self.balance_msats * self.reserve_percent // 100)


class Invoice(models.Model):
    class Kind(models.TextChoices):
        STANDARD = "standard"
        LNURL = "lnurl"
        UMA = "uma"

    id = models.CharField(primary_key=True, max_length=80)
    node = models.ForeignKey(Node, models.CASCADE, related_name="invoices")
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.STANDARD)
    bolt11 = models.TextField(unique=True)
    payment_hash = models.CharField(max_length=64, unique=True)
    preimage = models.CharField(max_length=64, blank=True, help_text="empty: only its maker knows it")
    network = models.CharField(max_length=10)
    amount_msats = models.BigIntegerField(help_text="0: the payer chooses")
    amount_paid_msats = models.BigIntegerField(default=0)
    memo = models.TextField(blank=True)
    description_hash = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)
    expires_at = models.DateTimeField()
    canceled_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["node", "created_at"])]

    @property
    def is_open(self) -> bool:
        """Lightspark says CLOSED for paid, canceled and expired alike."""
        return not (self.amount_paid_msats or self.canceled_at or self.expires_at <= timezone.now())


class Payment(models.Model):
    """Sats on their way from one node to another: an OutgoingPayment to the payer, an IncomingPayment to
    the payee, one row for both sides."""

    class Status(models.TextChoices):
        PENDING = "PENDING"
        SUCCESS = "SUCCESS"
        FAILED = "FAILED"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    payer = models.ForeignKey(Node, models.CASCADE, related_name="outgoing")
    payee = models.ForeignKey(Node, models.CASCADE, related_name="incoming", null=True)
    invoice = models.ForeignKey(Invoice, models.CASCADE, related_name="payments", null=True)
    bolt11 = models.TextField(blank=True)
    payment_hash = models.CharField(max_length=64, db_index=True)
    amount_msats = models.BigIntegerField()
    fee_msats = models.BigIntegerField(default=0, help_text="what the route cost the payer, on top")
    opening_fee_msats = models.BigIntegerField(default=0, help_text="what a new channel cost the payee")
    status = models.CharField(max_length=10, choices=Status.choices)
    failure_reason = models.CharField(max_length=60, blank=True)
    arrived = models.BooleanField(default=False, help_text="the payee's node has seen it")
    is_uma = models.BooleanField(default=False)
    # Null, not empty: keyless rows must not collide under the unique constraint.
    idempotency_key = models.CharField(max_length=200, null=True)  # noqa: DJ001
    resolve_at = models.DateTimeField(null=True, help_text="when a PENDING payment ends")
    resolve_to = models.CharField(max_length=60, blank=True, help_text="SUCCESS or a failure reason")
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    updated_at = models.DateTimeField(auto_now=True)
    resolved_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["payer", "idempotency_key"], name="one_payment_per_key"),
            models.CheckConstraint(condition=Q(amount_msats__gte=0), name="payment_amount_not_negative"),
        ]

    @property
    def received_msats(self) -> int:
        return self.amount_msats - self.opening_fee_msats

    @property
    def incoming_id(self) -> str:
        return f"IncomingPayment:{self.id}"

    @property
    def outgoing_id(self) -> str:
        return f"OutgoingPayment:{self.id}"


class Withdrawal(models.Model):
    """Sats taken out of a node to an on-chain address; the pretend chain confirms at once."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    node = models.ForeignKey(Node, models.CASCADE, related_name="withdrawals")
    amount_msats = models.BigIntegerField()
    bitcoin_address = models.CharField(max_length=120)
    mode = models.CharField(max_length=40)
    # Null, not empty: keyless rows must not collide under the unique constraint.
    idempotency_key = models.CharField(max_length=200, null=True)  # noqa: DJ001
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["node", "idempotency_key"], name="one_withdrawal_per_key")
        ]


class Deposit(models.Model):
    """Sats put into a node from the pretend chain (`fund_node`)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    node = models.ForeignKey(Node, models.CASCADE, related_name="deposits")
    amount_msats = models.BigIntegerField()
    created_at = models.DateTimeField(default=timezone.now)


class UmaInvitation(models.Model):
    id = models.CharField(primary_key=True, max_length=80)
    account = models.ForeignKey(Account, models.CASCADE)
    code = models.CharField(max_length=40, unique=True)
    inviter_uma = models.CharField(max_length=255)
    invitee_uma = models.CharField(max_length=255, blank=True)
    with_incentives = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)


class UsedNonce(models.Model):
    """The nonce of a signed operation; the second use is a replay."""

    node = models.ForeignKey(Node, models.CASCADE)
    nonce = models.CharField(max_length=40)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["node", "nonce"], name="nonce_used_once")]


class Delivery(models.Model):
    """One webhook to be sent; the rows are the queue, so a restart forgets none."""

    class State(models.TextChoices):
        DUE = "due"
        DELIVERED = "delivered"
        LOST = "lost"
        GIVEN_UP = "given_up"

    node = models.ForeignKey(Node, models.CASCADE, related_name="deliveries")
    event_id = models.CharField(max_length=40, db_index=True)
    event_type = models.CharField(max_length=60)
    entity_id = models.CharField(max_length=80, db_index=True)
    body = models.TextField()
    signature = models.CharField(max_length=200, blank=True, help_text="empty: no header")
    state = models.CharField(max_length=10, choices=State.choices, default=State.DUE)
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)
    leased_until = models.DateTimeField(null=True)
    answer = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["state", "due_at"])]


class Fault(models.Model):
    """Something that shall go wrong. `remaining` counts down; null lasts until it is deleted."""

    kind = models.CharField(max_length=40, db_index=True)
    remaining = models.PositiveIntegerField(null=True)
    delay_s = models.FloatField(null=True)
    match = models.CharField(max_length=120, blank=True)
    params = models.JSONField(default=dict)
    hits = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
