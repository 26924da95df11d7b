"""Statement of an organizer: sold, refunded, fees, and what the shop owes it. Nobody is paid by itself."""

from dataclasses import dataclass
from functools import partial

from django.db.models import Q, Sum

from events.models import Organizer
from payments.models import IncomingPayment, Refund
from ticketsuma.replica import for_reports


@dataclass(frozen=True)
class Line:
    """Msats of one event, or of all: `received = sold + kept + refunded + waiting`.

    `sold` pays orders that stand, `kept` is dust, `refunded` goes back or has gone, `waiting` has arrived and
    is not allocated yet. `fees` is what sending refunds cost.
    """

    title: str
    received_msats: int
    sold_msats: int
    kept_msats: int
    refunded_msats: int
    fees_msats: int
    event_id: int | None = None

    @property
    def waiting_msats(self) -> int:
        return self.received_msats - self.sold_msats - self.kept_msats - self.refunded_msats

    @property
    def owed_msats(self) -> int:
        """What is the organizer's: what was sold and kept, less what its refunds cost to send."""
        return self.sold_msats + self.kept_msats - self.fees_msats


@dataclass(frozen=True)
class Statement:
    lines: list[Line]
    total: Line


_ORDER = "payment__order"


def statement(organizer: Organizer | None) -> Statement:
    """Since the beginning, event by event; None is the shop's own. Two statements, however many events."""
    return for_reports(partial(_statement, organizer))


def _statement(organizer: Organizer | None, database: str) -> Statement:
    event = f"{_ORDER}__event"
    incoming = IncomingPayment.objects.using(database).filter(
        **{f"{event}__isnull": False, f"{event}__organizer": organizer}
    )
    arrived = incoming.values(f"{event}_id", f"{event}__title").annotate(
        received=Sum("amount_msats"), applied=Sum("applied_msats"), kept=Sum("kept_msats")
    )
    event = f"incoming_payment__{event}"
    refunds = Refund.objects.using(database).filter(
        **{f"{event}__isnull": False, f"{event}__organizer": organizer}
    )
    back = refunds.values_list(f"{event}_id").annotate(
        refunded=Sum("amount_msats"), fees=Sum("fee_msats", filter=Q(status=Refund.Status.SENT))
    )
    went = {pk: (refunded, fees or 0) for pk, refunded, fees in back}
    lines = []
    for row in arrived.order_by(f"{_ORDER}__event__title", f"{_ORDER}__event_id"):
        pk = row[f"{_ORDER}__event_id"]
        refunded, fees = went.get(pk, (0, 0))
        title = row[f"{_ORDER}__event__title"]
        lines.append(Line(title, row["received"], row["applied"], row["kept"], refunded, fees, pk))
    total = Line(
        "", sum(one.received_msats for one in lines), sum(one.sold_msats for one in lines),
        sum(one.kept_msats for one in lines), sum(one.refunded_msats for one in lines),
        sum(one.fees_msats for one in lines),
    )  # fmt: skip
    return Statement(lines, total)
