"""Suppressed addresses: to whom nothing, or no news, is mailed until somebody lifts it."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from ticketsuma.constraint_messages import Unique


class Suppressed(models.Model):
    """An address that came back, complained, or is stopped by an operator; once for each reason.

    `key` is a digest; no address is kept, so that it can outlive the orders that named the address. `mail_id`
    is the mail by which it came about: as long as that is kept, staff see the address.
    """

    class Why(models.TextChoices):
        BOUNCED = "bounced", _("Its mail server says that there is no such mailbox")
        COMPLAINED = "complained", _("Its owner called a mail of ours spam: no news goes there")
        STAFF = "staff", _("Stopped by an operator")

    key = models.CharField(_("digest"), max_length=64)
    why = models.CharField(_("why"), max_length=10, choices=Why)
    said = models.CharField(_("what was said"), max_length=300, blank=True)
    mail_id = models.BigIntegerField(_("mail"), null=True, blank=True)
    at = models.DateTimeField(_("since"), auto_now_add=True)

    class Meta:
        verbose_name, verbose_name_plural = _("suppressed address"), _("suppressed addresses")
        constraints = [
            Unique(
                fields=["key", "why"], name="mail_health_once",
                says=_("This address is suppressed already.")),
        ]  # fmt: skip
        indexes = [models.Index(fields=["at"], name="mail_health_newest")]

    def __str__(self) -> str:
        return self.key[:12]
