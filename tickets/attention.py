"""What staff should look at first: nothing here is broken, and nothing here ends by itself."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import F, Min, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from payments.models import IncomingPayment, Invoice, Payment, Refund, Sweep, WebhookEvent

from .models import Mail, Order

# The worker reads the node's list every ten seconds.
NODE_SILENT_AFTER = timedelta(minutes=1)


@dataclass(frozen=True)
class Attention:
    """One line for staff: what, how many, since when, and the admin list (model, query) that shows them."""

    kind: str
    count: int
    says: str
    since: object = None
    model: str = ""
    query: str = ""


def needs_attention() -> list[Attention]:
    """Unmatched money, refunds that wait for a person, parked work, a silent node; the worst first."""
    return [*_node(), *_money(), *_refunds(), *_parked()]


def unmatched() -> QuerySet[IncomingPayment]:
    """Money that belongs to no payment of ours and has not all been sent back; `rest_msats` says how much."""
    refunds = Refund.objects.filter(incoming_payment=OuterRef("pk")).order_by().values("incoming_payment")
    refunded = Coalesce(Subquery(refunds.annotate(total=Sum("amount_msats")).values("total")), 0)
    rows = IncomingPayment.objects.filter(payment=None)
    rows = rows.annotate(rest_msats=F("amount_msats") - F("kept_msats") - refunded)
    return rows.filter(rest_msats__gt=0)


def _node() -> list[Attention]:
    sweep = Sweep.objects.first()
    if sweep is None:
        return [Attention("worker", 1, "No worker has ever run: invoices, refunds and mails wait.")]
    now = timezone.now()
    if sweep.succeeded_at and sweep.succeeded_at > now - NODE_SILENT_AFTER:
        return []
    tried = sweep.tried_at and sweep.tried_at > now - NODE_SILENT_AFTER
    if tried:
        says = f"The Lightning node does not answer ({sweep.last_error or 'no reason given'})."
        return [Attention("node", 1, says, sweep.succeeded_at, "payments.sweep")]
    return [Attention("worker", 1, "No worker is running.", sweep.tried_at, "payments.sweep")]


def _line(
    kind: str, rows: QuerySet, says: str, model: str, query: str, *, by="created_at"
) -> list[Attention]:
    found = rows.aggregate(since=Min(by))["since"]
    count = rows.count() if found else 0
    return [Attention(kind, count, says, found, model, query)] if count else []


def _money() -> list[Attention]:
    says = "Money arrived that matches no order: attach it to one, or send it back."
    return _line(
        "unmatched", unmatched(), says, "payments.incomingpayment", "purpose=unmatched", by="received_at"
    )


def _refunds() -> list[Attention]:
    says = {
        Refund.Status.FAILED: "Refunds failed; their money is still owed.",
        Refund.Status.IN_DOUBT: "The node has not said whether these refunds were sent; it is asked again.",
        Refund.Status.NEEDS_ADDRESS: "Refunds wait for an address to go to.",
    }
    return [
        line
        for status, sentence in says.items()
        for line in _line(
            status,
            Refund.objects.filter(status=status),
            sentence,
            "payments.refund",
            f"status__exact={status}",
        )
    ]


def _parked() -> list[Attention]:
    """Work given up after its last attempt. A push that found no wallet is not among it: the QR sells too."""
    parked: list[tuple[str, QuerySet]] = [
        ("payments.webhookevent", WebhookEvent.objects.filter(processed_at=None)),
        (
            "payments.incomingpayment",
            IncomingPayment.objects.filter(allocated_at=None, payment__isnull=False),
        ),
        ("payments.invoice", Invoice.objects.filter(status=Invoice.Status.REQUESTED)),
        ("payments.refund", Refund.objects.filter(status__in=[Refund.Status.QUEUED, Refund.Status.SENDING])),
        ("payments.payment", Payment.objects.filter(push=Payment.Push.QUEUED)),
        ("tickets.order", Order.objects.holding()),
        ("tickets.mail", Mail.objects.exclude(status=Mail.Status.SENT)),
    ]
    lines: list[Attention] = []
    for model, rows in parked:
        rows = rows.filter(parked_at__isnull=False)
        says = f"{rows.model._meta.verbose_name_plural.capitalize()} were given up after the last attempt."
        lines += _line("parked", rows, says, model, "parked=yes", by="parked_at")
    return lines
