"""Notes that staff write on orders, for each other."""

from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.history import AppendOnly
from tickets.models import Order

MAX_NOTE = 1000


class NoteQuerySet(models.QuerySet):
    def update(self, **values: Any) -> int:
        raise AppendOnly


class Note(models.Model):
    """What somebody of staff wrote, and who; it is never changed, and goes when the guest is forgotten.

    No page of the buyer has it. It may be about a person, so it is in what that person takes along.
    """

    organizer_path = "order__event__organizer"

    order = models.ForeignKey(Order, models.PROTECT, related_name="notes", verbose_name=_("order"))
    text = models.TextField(_("note"), max_length=MAX_NOTE)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("written by")
    )
    by_name = models.CharField(_("writer's e-mail"), max_length=254)
    at = models.DateTimeField(_("written"), default=timezone.now)

    objects = NoteQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("note"), _("notes")
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return f"#{self.pk}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnly
        super().save(*args, **kwargs)
