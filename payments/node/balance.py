"""Sendable balance of the node: its balance, less the most that refunds under way may take of it."""

from datetime import datetime

from django.db.models import F, Q, Sum, Value
from django.db.models.functions import Coalesce, Greatest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from payments.models import Refund, Sweep
from ticketsuma.errors import DomainError
from ticketsuma.money import MSATS_PER_SAT

MIN_FEE_CAP_MSATS = 10 * MSATS_PER_SAT
MAX_FEES_PERCENT = 1


class BalanceTooLow(DomainError):
    code = "balance_too_low"
    message = _("The node cannot send that much right now.")
    status = 503


def max_fees_msats(amount_msats: int) -> int:
    """The most routing fees that a refund may cost the shop: 1 %, at least 10 sats."""
    return max(MIN_FEE_CAP_MSATS, amount_msats * MAX_FEES_PERCENT // 100)


def max_fees_of(column: str) -> Greatest:
    """The same of a column of msats, for the database to sum."""
    return Greatest(Value(MIN_FEE_CAP_MSATS), F(column) * MAX_FEES_PERCENT / 100)


def promised_msats(*, since: datetime) -> int:
    """What a balance that was read at `since` holds for others: refunds under way and their fees."""
    under_way = Q(status__in=[Refund.Status.SENDING, Refund.Status.IN_DOUBT]) | Q(sent_at__gte=since)
    at_most = F("amount_msats") + Coalesce(F("fee_cap_msats"), 0)
    return Refund.objects.filter(under_way).aggregate(total=Sum(at_most))["total"] or 0


def fee_cap_msats(amount_msats: int, *, balance_msats: int | None, read_at: datetime) -> int:
    """The most fees that may be paid for sending `amount_msats` now, down to 0.

    `balance_msats` is what the node said at `read_at` or later. Raises BalanceTooLow when not even the
    amount is left. Of a node that does not tell its balance nobody knows: it may be tried, and says no
    itself. Alone, a look beforehand; to count on it, hold `one_sender_at_a_time`.
    """
    if balance_msats is None:
        return max_fees_msats(amount_msats)
    left = balance_msats - promised_msats(since=read_at) - amount_msats
    if left < 0:
        raise BalanceTooLow
    return min(max_fees_msats(amount_msats), left)


def one_sender_at_a_time() -> None:
    """Hold, to the end of this transaction, the lock under which refunds count on the balance.

    Two workers that both saw the same sats would else both send them.
    """
    Sweep.objects.select_for_update().get(pk=outgoing_row().pk)


def outgoing_row() -> Sweep:
    """How far the node's list of what it sent has been read; made on first use."""
    return Sweep.objects.get_or_create(name=Sweep.OUTGOING, defaults={"read_until": timezone.now()})[0]


def waiting_msats() -> int:
    """What is still to be sent, with the most that it may cost in fees; without what the node is sending."""
    waiting = Refund.objects.exclude(status__in=[Refund.Status.SENT, Refund.Status.SENDING])
    return waiting.aggregate(total=Sum(F("amount_msats") + max_fees_of("amount_msats")))["total"] or 0


def wake_refunds_that_fit(balance_msats: int) -> None:
    """More can be sent than before: refunds that waited for it are tried at once, not at their next turn."""
    now = timezone.now()
    waiting = Refund.objects.filter(status=Refund.Status.QUEUED, last_error=BalanceTooLow.code)
    waiting.annotate(at_most=F("amount_msats") + max_fees_of("amount_msats")).filter(
        at_most__lte=balance_msats, next_attempt_at__gt=now
    ).update(next_attempt_at=now, updated_at=now)
