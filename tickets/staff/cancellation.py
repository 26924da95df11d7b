"""Progress of an event's cancelation."""

from dataclasses import dataclass

from django.db.models import Count, QuerySet, Sum
from django.utils.functional import Promise

from events.models import Event
from payments.models import Refund
from tickets.models import Order


@dataclass(frozen=True)
class RefundsInState:
    status: str
    count: int
    amount_msats: int

    @property
    def word(self) -> str | Promise:
        return Refund.Status(self.status).label


@dataclass(frozen=True)
class Progress:
    """Orders that the worker has still to end, and the event's refunds by state."""

    orders_left: int
    refunds: list[RefundsInState]


def refunds_of(event: Event) -> QuerySet[Refund]:
    return Refund.objects.filter(incoming_payment__payment__order__event=event)


def cancel_progress(event: Event) -> Progress:
    rows = refunds_of(event).order_by("status").values_list("status")
    refunds = rows.annotate(count=Count("pk"), amount_msats=Sum("amount_msats"))
    left = Order.objects.holding().filter(event=event).count()
    return Progress(left, [RefundsInState(*row) for row in refunds])
