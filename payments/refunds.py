"""Creating refunds and choosing where they go; `refund_sending.py` sends them."""

from datetime import timedelta

from django.db import transaction
from django.db.models import OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.history import record
from ticketsuma.errors import DomainError
from ticketsuma.state_machine import InvalidTransition

from .models import IncomingPayment, Refund

# A wallet that has taken nothing for so long hardly will: its owner may name another one.
PAYER_MAY_REDIRECT_AFTER = timedelta(hours=3)
# What a refund fails of (its `last_error` begins with) that another address can mend. Not a lack of balance,
# nor a node that is away: that is for us to mend.
MENDED_BY_ANOTHER_ADDRESS = (
    "vasp_unreachable",
    "vasp_unknown",
    "bad_vasp_answer",
    "payment_failed",
    "node_refused",
)


class TooMuch(DomainError):
    code = "refund_too_large"
    message = _("That is more than came in and was not given back yet.")
    field = "amount_sats"


def refunded_msats() -> Coalesce:
    """For a query of incoming payments: msats that went or are on their way back; failed ones are owed."""
    sums = Refund.objects.filter(incoming_payment=OuterRef("pk")).order_by().values("incoming_payment")
    return Coalesce(Subquery(sums.annotate(total=Sum("amount_msats")).values("total")), 0)


# -- writing ----------------------------------------------------------------------------------
def write_refund(incoming: IncomingPayment, *, amount_msats: int, reason: str, to: str = "") -> Refund:
    """Queue `amount_msats` of `incoming` to go back; raises TooMuch.

    Call it in a transaction under the incoming row's lock. Without `to` it goes to the payer who
    signed for the invoice that was paid; what came through the plain one, which anybody may have paid,
    goes to the address typed at purchase, else to a connected wallet, else it waits for one.
    """
    committed = incoming.refunds.aggregate(total=Sum("amount_msats"))["total"] or 0
    if committed + amount_msats > incoming.amount_msats - incoming.kept_msats:
        raise TooMuch
    to = to or refund_address(incoming)
    return Refund.objects.create(
        incoming_payment=incoming,
        amount_msats=amount_msats,
        reason=reason,
        to=to,
        status=Refund.Status.QUEUED if to else Refund.Status.NEEDS_ADDRESS,
        **(Refund.scheduled() if to else Refund.finished()),
    )


def take_back(incoming: IncomingPayment, *, amount_msats: int, reason: str) -> Refund:
    """Refund applied money: `applied_msats` sinks by as much. Under the row's lock; raises TooMuch."""
    if amount_msats > incoming.applied_msats:
        raise TooMuch
    incoming.applied_msats -= amount_msats
    incoming.save(update_fields=["applied_msats"])
    return write_refund(incoming, amount_msats=amount_msats, reason=reason)


def refund_address(incoming: IncomingPayment) -> str:
    from .nwc.refunds import address_of  # the UMA SDK takes a second to import

    payer = incoming.invoice.payer if incoming.invoice else ""
    typed = incoming.payment.uma_address if incoming.payment else ""
    return payer or typed or address_of(incoming)


def give_address(refund: Refund, *, to: str) -> None:
    """Send a refund to `to` instead, while no BOLT11 of it can still be paid; else InvalidTransition.

    That is: never while one is being sent or in doubt. A worker that is just asking the former address for
    a BOLT11 does not commit it (`refund_sending`). Of two at once the later one counts.
    """
    said = {"arrives_amount": None, "arrives_currency": "", "wallet_fee_msats": None}
    with transaction.atomic():
        refund.advance(
            Refund.Status.QUEUED, to=to, last_error="", dead_bolt11s=0, **said, **refund.requeued()
        )
        record("refund_address", refund)


def retry(refund: Refund) -> None:
    """Queue a failed refund again, by staff's wish; the second of two gets InvalidTransition."""
    if refund.status != Refund.Status.FAILED:
        raise InvalidTransition
    with transaction.atomic():
        refund.advance(Refund.Status.QUEUED, dead_bolt11s=0, **refund.requeued())
        record("refund_again", refund)


def for_the_payer_to_redirect() -> Q:
    """Refunds whose payer may say where they go: they have no address, or it has taken nothing for hours."""
    failing = Q(failing_since__lt=timezone.now() - PAYER_MAY_REDIRECT_AFTER)
    mended = Q()
    for code in MENDED_BY_ANOTHER_ADDRESS:
        mended |= Q(last_error__startswith=code)
    waiting = Q(status__in=[Refund.Status.QUEUED, Refund.Status.FAILED])
    return Q(status=Refund.Status.NEEDS_ADDRESS) | waiting & failing & mended
