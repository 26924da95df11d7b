"""Balance sheet of the node on one line: received, refunded, fees, and the balance that should be there."""

from dataclasses import asdict, dataclass

from django.conf import settings
from django.db.models import Count, F, Q, Sum
from django.db.models.functions import Coalesce

from payments.models import IncomingPayment, Refund
from payments.node import lightspark
from ticketsuma.errors import DomainError
from ticketsuma.money import MSATS_PER_SAT, format_msats

from .audit import Violation


@dataclass(frozen=True)
class Books:
    """Msats since the shop began. `node_msats` is what the node owns, None when it does not say.

    `under_way_msats` may have left the node already: refunds being sent or in doubt, with their fees.
    `refunds_of_unknown_fee` were sent before fees were kept.
    """

    received_msats: int
    sent_msats: int
    fees_msats: int
    under_way_msats: int
    refunds_of_unknown_fee: int
    node_msats: int | None

    @property
    def left_msats(self) -> int:
        """What is left of what came in: takings, and money that is still to go back."""
        return self.received_msats - self.sent_msats - self.fees_msats

    @property
    def float_msats(self) -> int | None:
        """What the node has besides: the operator's own. Below zero once more was taken off than put on."""
        return None if self.node_msats is None else self.node_msats - self.left_msats

    def as_dict(self) -> dict[str, int | None]:
        return asdict(self) | {"left_msats": self.left_msats, "float_msats": self.float_msats}

    @property
    def says(self) -> str:
        line = (
            f"{format_msats(self.received_msats)} came in, {format_msats(self.sent_msats)} went back for "
            f"{format_msats(self.fees_msats)} of fees: {format_msats(self.left_msats)} are left."
        )
        if self.refunds_of_unknown_fee:
            line += f" The fees of {self.refunds_of_unknown_fee} refunds were not kept."
        if self.node_msats is None or self.float_msats is None:
            return f"{line} The node does not say what it has."
        has, own = format_msats(self.node_msats), format_msats(self.float_msats)
        return f"{line} The node has {has}: its float is {own}."


def read_books() -> Books:
    """Sum our rows, then ask the node, outside transactions. What moves in between makes them differ."""
    sent = Refund.objects.filter(status=Refund.Status.SENT).aggregate(
        msats=Sum("amount_msats"), fees=Sum("fee_msats"), unknown=Count("pk", filter=Q(fee_msats=None))
    )
    under_way = Refund.objects.filter(status__in=[Refund.Status.SENDING, Refund.Status.IN_DOUBT])
    leaving = under_way.aggregate(msats=Sum(F("amount_msats") + Coalesce(F("fee_cap_msats"), 0)))
    received = IncomingPayment.objects.aggregate(msats=Sum("amount_msats"))
    try:
        node_msats = lightspark.owned_msats()
    except DomainError:
        node_msats = None
    return Books(
        received["msats"] or 0,
        sent["msats"] or 0,
        sent["fees"] or 0,
        leaving["msats"] or 0,
        sent["unknown"],
        node_msats,
    )


def find_missing(books: Books) -> list[Violation]:
    """What the node lacks of what is left and of the float that the operator says it has (NODE_FLOAT_SATS).

    Without that setting nobody can tell takings that were taken off from sats that are gone.
    """
    if settings.NODE_FLOAT_SATS is None or books.float_msats is None:
        return []
    missing = settings.NODE_FLOAT_SATS * MSATS_PER_SAT - books.float_msats - books.under_way_msats
    if missing <= 0:
        return []
    return [Violation("books", "the node's balance", f"{format_msats(missing)} are missing. {books.says}")]
