"""Unmatched incoming payments: found, applied to the payment they were meant for, or refunded."""

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.history import record
from ticketsuma.money import MSATS_PER_SAT
from ticketsuma.state_machine import InvalidTransition

from .models import IncomingPayment, Payment, Refund
from .refunds import refunded_msats, write_refund
from .services import allocate


class NotUnmatched(InvalidTransition):
    code = "not_unmatched"
    message = _("This money is no longer unmatched: somebody has just seen to it.")


def unmatched_money() -> QuerySet[IncomingPayment]:
    """Money that belongs to no payment of ours and has not all gone back; `rest_msats` is what is left."""
    rows = IncomingPayment.objects.filter(payment=None)
    rows = rows.annotate(rest_msats=F("amount_msats") - F("kept_msats") - refunded_msats())
    return rows.filter(rest_msats__gt=0)


def attach_unmatched(incoming: IncomingPayment, payment: Payment) -> IncomingPayment:
    """Say that unmatched money was meant for `payment`, and allocate it: settled, or on its way back.

    Of two at once one wins; the other gets NotUnmatched. A crash in between leaves money with a
    payment, which the worker allocates.
    """
    with transaction.atomic():
        row = IncomingPayment.objects.select_for_update().get(pk=incoming.pk)
        if row.payment_id or row.allocated_at:
            raise NotUnmatched
        row.payment, row.next_attempt_at = payment, timezone.now()
        row.attempts, row.last_error, row.parked_at = 0, "", None
        row.save()
        record("attach", row, payment=payment.reference)
    allocate(row)
    row.refresh_from_db()
    return row


def refund_unmatched(incoming: IncomingPayment, *, to: str) -> Refund | None:
    """Queue all that is left of unmatched money for the address `to`; what is less than a sat is kept.

    None when that is all there is. Of two at once one wins; the other gets NotUnmatched.
    """
    with transaction.atomic():
        row = IncomingPayment.objects.select_for_update().get(pk=incoming.pk)
        if row.payment_id or row.allocated_at:
            raise NotUnmatched
        row.kept_msats = row.amount_msats % MSATS_PER_SAT
        row.allocated_at, row.next_attempt_at, row.parked_at = timezone.now(), None, None
        row.save()
        record("send_back", row)
        rest_msats = row.amount_msats - row.kept_msats
        if not rest_msats:
            return None
        return write_refund(row, amount_msats=rest_msats, reason=Refund.Reason.UNMATCHED, to=to)
