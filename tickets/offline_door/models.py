"""Models of doors without a net: lists that devices took along, and scans that they brought back."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class DoorList(models.Model):
    """A device that took an event's list along; it takes it anew while it is online."""

    organizer_path = "event__organizer"

    event = models.ForeignKey("events.Event", models.CASCADE, related_name="+", verbose_name=_("event"))
    device = models.UUIDField(_("device"), help_text=_("Made up by the browser for itself."))
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("taken by"),
    )  # fmt: skip
    by_name = models.CharField(_("taken by (e-mail)"), max_length=254, blank=True)
    taken_at = models.DateTimeField(_("taken"), default=timezone.now)
    renewed_at = models.DateTimeField(_("last taken"), default=timezone.now)

    class Meta:
        verbose_name, verbose_name_plural = _("door list"), _("door lists")
        indexes = [models.Index(fields=["renewed_at", "id"], name="offline_door_list_newest")]
        constraints = [
            models.UniqueConstraint(fields=["event", "device"], name="offline_door_list_once"),
        ]

    def __str__(self) -> str:
        return f"{self.event}, {self.by_name}"


class OfflineScan(models.Model):
    """A ticket that a device let in while it had no net, as it was merged; each scan once."""

    organizer_path = "ticket__order__event__organizer"

    class Outcome(models.TextChoices):
        ADMITTED = "admitted", _("let in")
        CONFLICT = "conflict", _("let in twice")
        VOID = "void", _("let in, though void")
        REPLACED = "replaced", _("let in by a replaced link")
        NOT_ADMITTING = "not_admitting", _("let in, though it does not admit")

    door_list = models.ForeignKey(
        DoorList, models.PROTECT, related_name="scans", verbose_name=_("door list")
    )  # fmt: skip
    scan = models.UUIDField(_("scan"), help_text=_("The device's own id for it."))
    ticket = models.ForeignKey(
        "tickets.Ticket", models.PROTECT, related_name="offline_scans", verbose_name=_("ticket")
    )
    outcome = models.CharField(_("outcome"), max_length=13, choices=Outcome)
    said_at = models.DateTimeField(_("scanned, by the device's clock"))
    at = models.DateTimeField(
        _("scanned"), help_text=_("By our clock, of how long before the merge it was; never before the list.")
    )
    first_at = models.DateTimeField(
        _("let in first"), null=True, blank=True, help_text=_("When somebody else had let it in.")
    )
    merged_at = models.DateTimeField(_("merged"), default=timezone.now)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("merged by"),
    )  # fmt: skip
    by_name = models.CharField(_("merged by (e-mail)"), max_length=254, blank=True)

    class Meta:
        verbose_name, verbose_name_plural = _("scan without a net"), _("scans without a net")
        indexes = [models.Index(fields=["merged_at", "id"], name="offline_door_scan_newest")]
        constraints = [
            models.UniqueConstraint(fields=["door_list", "scan"], name="offline_door_scan_once"),
        ]

    def __str__(self) -> str:
        return f"{self.ticket}, {self.get_outcome_display()}"
