"""Models of admission: check-ins at the door or by joining, and current viewers."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class CheckIn(models.Model):
    """A ticket used at the door or by joining; once, says the database."""

    organizer_path = "ticket__order__event__organizer"

    ticket = models.OneToOneField(
        "tickets.Ticket", models.PROTECT, related_name="check_in", verbose_name=_("ticket")
    )
    at = models.DateTimeField(_("checked in"), default=timezone.now)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, verbose_name=_("checked in by")
    )
    by_name = models.CharField(
        _("checked in by (e-mail)"), max_length=254, blank=True, db_default="",
        help_text=_("Copied: it stays when their account goes. Empty: joined the stream."),
    )  # fmt: skip
    nonce = models.CharField(
        _("scan"), max_length=64, blank=True, help_text=_("The scanner's own id for this scan.")
    )

    is_repeat = False  # found again by the same scan

    class Meta:
        verbose_name, verbose_name_plural = _("check-in"), _("check-ins")
        indexes = [models.Index(fields=["at", "id"], name="tickets_check_in_newest")]

    def __str__(self) -> str:
        return f"{self.ticket}, {self.at:%F %T} UTC"


class Viewer(models.Model):
    """Who watches with a ticket: one browser, the newest; no row while nobody has joined."""

    organizer_path = "ticket__order__event__organizer"

    ticket = models.OneToOneField(
        "tickets.Ticket", models.CASCADE, primary_key=True, related_name="viewer", verbose_name=_("ticket")
    )
    key = models.CharField(
        _("browser"), max_length=32, help_text=_("Made up for the browser and kept in its session.")
    )
    since = models.DateTimeField(_("since"), default=timezone.now)

    class Meta:
        verbose_name, verbose_name_plural = _("viewer"), _("viewers")
        indexes = [models.Index(fields=["since"], name="tickets_viewer_newest")]

    def __str__(self) -> str:
        return f"{self.ticket}, {self.since:%F %T} UTC"
