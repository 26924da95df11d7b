"""Devices that want to be told, and what they are told: the outbox of web pushes."""

import hashlib
import uuid
from datetime import timedelta

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tickets.models import Order
from ticketsuma.constraint_messages import Unique
from ticketsuma.jobs.models import Job

MAX_ENDPOINT = 1000


class Kind(models.TextChoices):
    """What a device may be told of; each can be switched off (`Device.wants`)."""

    DOORS = "doors", _("Doors open in 10 minutes")
    CHANGES = "changes", _("The event is changed or canceled")
    REFUNDS = "refunds", _("Money was sent back")
    HOLDS = "holds", _("Seats are held for 2 more minutes")


def digest_of(endpoint: str) -> str:
    return hashlib.sha256(endpoint.encode()).hexdigest()


class Device(models.Model):
    """A browser, or an app, that wants pushes: its endpoint and keys (RFC 8030, 8291), and of what.

    It hears of its `orders`, and of all of its `user`'s. A browser that is signed in goes with its `session`:
    signing out, here or from elsewhere, deletes it. An app's goes with the tokens of its `token_epoch`.
    """

    endpoint = models.CharField(_("endpoint"), max_length=MAX_ENDPOINT)
    digest = models.CharField(_("digest of the endpoint"), max_length=64)
    p256dh = models.CharField(_("public key"), max_length=90)
    auth = models.CharField(_("authentication secret"), max_length=24)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="devices",
        verbose_name=_("user"),
    )  # fmt: skip
    session = models.ForeignKey(
        Session, models.CASCADE, null=True, blank=True, related_name="devices", verbose_name=_("session")
    )
    token_epoch = models.PositiveIntegerField(_("token epoch"), null=True, blank=True)
    orders = models.ManyToManyField(Order, related_name="devices", blank=True, verbose_name=_("orders"))
    wants = models.JSONField(_("wants"), default=list)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name, verbose_name_plural = _("device"), _("devices")
        constraints = [
            Unique(fields=["digest"], name="push_device_once", says=_("This device is known already."))
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"


class Push(Job):
    """One piece of news for one device, of which it is told once: `about` an event, a change, a refund …"""

    max_attempts = 10**9  # it ends by itself
    is_worth_telling: timedelta = timedelta(hours=1)

    device = models.ForeignKey(Device, models.CASCADE, related_name="pushes", verbose_name=_("device"))
    order = models.ForeignKey(Order, models.CASCADE, related_name="pushes", verbose_name=_("order"))
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    about = models.UUIDField(_("about"), default=uuid.uuid4)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name, verbose_name_plural = _("push"), _("pushes")
        constraints = [
            Unique(fields=["device", "kind", "about"], name="push_once", says=_("This was told already."))
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at"], name="push_due", condition=Q(next_attempt_at__isnull=False)
            ),
            models.Index(fields=["created_at"], name="push_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} #{self.pk}"

    def traced_payment(self) -> uuid.UUID | None:
        return self.order.payment_id
