"""Second person: large refunds that one member of staff asks for, and another one approves."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ticketsuma.constraint_messages import Check, Unique
from ticketsuma.errors import DomainError

WAITS = timedelta(days=7)


class NobodyElse(DomainError):
    code = "nobody_else"
    message = _(
        "That much takes a second person, and nobody else may do it. Give somebody else the role or add them "
        "to ADMIN_EMAILS, refund less, or have the operator raise REFUND_NEEDS_TWO_SATS."
    )


class AlreadyAsked(DomainError):
    code = "already_asked"
    message = _("Somebody has just asked a second person for the same.")


class PendingActQuerySet(models.QuerySet):
    def waiting(self) -> "PendingActQuerySet":
        return self.filter(status=PendingAct.Status.WAITING, asked_at__gt=timezone.now() - WAITS)

    def about(self, row: models.Model) -> "PendingActQuerySet":
        return self.filter(row=row._meta.label_lower, row_id=str(row.pk))


class PendingAct(models.Model):
    """An act on a row that waits for a second person, at most a week. What was typed goes once it is decided.

    Addresses of the two are copied, as in the history: accounts may go.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting for a second person")
        APPROVED = "approved", _("Approved")
        DECLINED = "declined", _("Declined")

    row = models.CharField(_("object type"), max_length=60)
    row_id = models.CharField(_("object id"), max_length=64)
    row_name = models.CharField(_("object name"), max_length=200)
    action = models.CharField(_("action"), max_length=40)
    sats = models.BigIntegerField(_("sats"))
    typed = models.JSONField(_("typed"), default=dict)
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.WAITING)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("asked by")
    )
    asked_email = models.CharField(_("asked by"), max_length=254)
    asked_at = models.DateTimeField(_("asked"), default=timezone.now)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("decided by")
    )
    decided_email = models.CharField(_("decided by"), max_length=254, blank=True)
    decided_at = models.DateTimeField(_("decided"), null=True)

    objects = PendingActQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("act of two persons"), _("acts of two persons")
        constraints = [
            Unique(
                fields=["row", "row_id", "action"], condition=Q(status="waiting"), name="accounts_one_waits",
                says=_("Somebody has just asked a second person for the same.")),
            Check(
                condition=~Q(status="approved") | ~Q(asked_by=F("decided_by")), name="accounts_by_two",
                at="decided_by", says=_("You asked yourself: somebody else must approve.")),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.action} {self.row_name}"

    def decide(self, status: str, by: Any) -> bool:
        """Whether it is decided by this call: of two at once one wins, and nobody approves their own."""
        waiting = PendingAct.objects.waiting().filter(pk=self.pk)
        if status == self.Status.APPROVED:
            waiting = waiting.exclude(asked_by=by)
        now = timezone.now()
        said = {"status": status, "decided_by": by, "decided_email": by.email, "decided_at": now, "typed": {}}
        return bool(waiting.update(**said))


def is_needed(sats: int) -> bool:
    return 0 < settings.REFUND_NEEDS_TWO_SATS < sats


def ask(row: models.Model, action: str, *, sats: int, typed: dict, by: Any) -> PendingAct:
    """An act that waits; raises AlreadyAsked. One that nobody decided in time makes way."""
    former = PendingAct.objects.about(row).filter(action=action, status=PendingAct.Status.WAITING)
    try:
        with transaction.atomic():
            former.filter(asked_at__lte=timezone.now() - WAITS).update(
                status=PendingAct.Status.DECLINED, typed={}
            )
            return PendingAct.objects.create(
                row=row._meta.label_lower, row_id=str(row.pk), row_name=str(row)[:200], action=action,
                sats=sats, typed=typed, asked_by=by, asked_email=by.email,
            )  # fmt: skip
    except IntegrityError:
        raise AlreadyAsked from None
