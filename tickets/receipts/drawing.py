"""Drawing receipts and credit notes: their numbers, and what they say from then on. The worker does it."""

import logging
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, cast

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from payments.models import IncomingPayment, Payment, Refund
from tickets.models import Order

from .models import Receipt, Series
from .taxes import Part, split, with_taxes

logger = logging.getLogger(__name__)

RECENT = timedelta(minutes=20)  # how far back the frequent look goes
AT_ONCE = 2000
# Refunds of money that had bought something. The rest came too late, twice or too much, and sold nothing.
SOLD = [
    Refund.Reason.GIVEN_BACK, Refund.Reason.EVENT_CANCELED, Refund.Reason.EVENT_MOVED, Refund.Reason.STAFF,
    Refund.Reason.FOUND,
]  # fmt: skip


# -- what is due --------------------------------------------------------------------------------
def draw_recent() -> int:
    """`draw_due`, but of what was paid or sent lately: often."""
    return draw_due(timezone.now() - RECENT)


def draw_due(since: datetime | None = None) -> int:
    """Draw what paid orders and sent refunds lack, the oldest first; how many. A chore of every worker.

    With `since` only of what was paid or sent since then: the rest was sold before there were receipts, or
    while no worker ran. One that cannot be drawn is logged, and hinders no other.
    """
    orders = orders_without_receipt()
    refunds = refunds_without_credit_note()
    if since:
        orders, refunds = orders.filter(paid_at__gte=since), refunds.filter(updated_at__gte=since)
    drawn = sum(_draw(draw_receipt, order) for order in orders.order_by("paid_at", "pk")[:AT_ONCE])
    return drawn + sum(_draw(draw_credit_note, one) for one in refunds.order_by("sent_at", "pk")[:AT_ONCE])


def _draw(draw: Any, row: Any) -> bool:
    try:
        return draw(row) is not None
    except Exception:
        logger.exception("no receipt could be drawn for %s %s", row._meta.model_name, row.pk)
        return False


def orders_without_receipt() -> QuerySet[Order]:
    drawn = Receipt.objects.filter(order=OuterRef("pk"), refund=None)
    paid = Q(status=Order.Status.PAID) | Q(status=Order.Status.CANCELED)
    return Order.objects.filter(paid, ~Exists(drawn), paid_at__isnull=False, payment__isnull=False)


def refunds_without_credit_note() -> QuerySet[Refund]:
    drawn = Receipt.objects.filter(refund=OuterRef("pk"))
    return Refund.objects.filter(
        ~Exists(drawn), status=Refund.Status.SENT, reason__in=SOLD,
        incoming_payment__payment__order__paid_at__isnull=False,
    )  # fmt: skip


# -- drawing ------------------------------------------------------------------------------------
def draw_receipt(order: Order) -> Receipt | None:
    """The receipt of an order that was paid; None of one that was not, or was free.

    It is drawn once, with the next number, in one transaction: whoever is second gets the first one's. Lock
    order: order → series.
    """
    with transaction.atomic():
        return _receipt_of(_lock(order.pk))


def draw_credit_note(refund: Refund) -> Receipt | None:
    """The credit note of a refund that was sent; None where what it sent back had sold nothing."""
    with transaction.atomic():
        order = Order.objects.filter(payment__incoming_payments__refunds=refund.pk).values_list("pk").first()
        receipt = _receipt_of(_lock(order[0])) if order else None
        if receipt is None or refund.status != Refund.Status.SENT or refund.reason not in SOLD:
            return None
        notes = list(receipt.order.receipts.exclude(refund=None).select_related("series"))
        known = next((note for note in notes if note.refund_id == refund.pk), None)
        if known or refund.amount_msats > receipt.msats - sum(note.msats for note in notes):
            return known  # or more than was paid for the order: it was other money
        return _draw_note(receipt, notes, refund)


def _lock(pk: Any) -> Order:
    locked = Order.objects.select_for_update(of=("self",), no_key=True)
    return locked.select_related("event__organizer", "payment").get(pk=pk)


def _receipt_of(order: Order) -> Receipt | None:
    if order.payment is None or order.paid_at is None:
        return None
    known = order.receipts.filter(refund=None).select_related("series").first()
    if known:
        known.order = order
        return known
    event, payment = order.event, order.payment
    parts = with_taxes(_sold(order))
    seller = event.organizer
    return _next(
        Receipt(
            order=order,
            issued_at=order.paid_at,
            timezone=event.timezone,
            seller=(seller.legal_name if seller else "") or event.shown_organizer or settings.SITE_NAME,
            seller_address=seller.legal_address if seller else "",
            seller_tax_number=seller.tax_number if seller else "",
            event_title=event.title,
            event_start=event.start_time,
            currency=payment.currency,
            amount=payment.amount,
            msats=payment.amount_msats,
            rate=payment.rate,
            rate_at=payment.rate_at,
            payment_hash=_hash_of(payment),
        ),
        parts,
        event.organizer_id,
    )


def _sold(order: Order) -> list[Part]:
    """The order's lines with the rates of their types as they are now; what was free is among them."""
    with override(order.language):
        lines = [
            Part(
                line.type.shown_name, line.amount, line.type.tax_basis_points, quantity=line.quantity,
                price=line.price, discount=line.discount, line=line.pk,
            )
            for line in order.lines.select_related("type")
        ]  # fmt: skip
        # Sold before there were lines.
        return lines or [Part(_("Ticket"), order.amount, quantity=order.quantity, price=order.price)]


def _hash_of(payment: Payment) -> str:
    """Of the money that bought it, though it may have gone back since."""
    bought = Q(applied_msats__gt=0) | Q(refunds__reason__in=SOLD)
    came = IncomingPayment.objects.filter(bought, payment=payment).order_by("received_at").first()
    return came.payment_hash if came else ""


def _draw_note(receipt: Receipt, notes: Iterable[Receipt], refund: Refund) -> Receipt:
    """What goes back is, in the currency, a part as large as in sats; the last one is all that is left.

    It is taken off the lines whose tickets are void, as far as that did not go back before, then off all.
    """
    before = [part for note in notes for part in note.parts]
    gone_msats = sum(note.msats for note in notes)
    gone = sum(note.amount for note in notes)
    back = _share(receipt, gone_msats + refund.amount_msats) - gone
    credited = Counter[int | None]()
    for part in before:
        credited[part.line] += part.amount
    left = [part.amount - credited[part.line] for part in receipt.parts]
    void = _worth_of_void(receipt)
    first = [min(max(void[part.line] - credited[part.line], 0), rest)
             for part, rest in zip(receipt.parts, left, strict=True)]  # fmt: skip
    amounts = split(min(back, sum(first)), first)
    rest = split(back - sum(amounts), [a - b for a, b in zip(left, amounts, strict=True)])
    parts = [
        Part(part.text, one + other, part.rate, line=part.line)
        for part, one, other in zip(receipt.parts, amounts, rest, strict=True)
        if one + other or len(receipt.lines) == 1
    ]
    return _next(
        Receipt(
            order=receipt.order,
            refund=refund,
            issued_at=cast(datetime, refund.sent_at),
            timezone=receipt.timezone,
            seller=receipt.seller,
            seller_address=receipt.seller_address,
            seller_tax_number=receipt.seller_tax_number,
            event_title=receipt.event_title,
            event_start=receipt.event_start,
            currency=receipt.currency,
            amount=back,
            msats=refund.amount_msats,
            rate=receipt.rate,
            rate_at=receipt.rate_at,
            payment_hash=refund.payment_hash,
        ),
        with_taxes(parts, before),
        receipt.series.organizer_id,
    )


def _share(receipt: Receipt, msats: int) -> int:
    """What `msats` of what was paid are in the currency, half a unit rounded up."""
    return (2 * receipt.amount * msats + receipt.msats) // (2 * receipt.msats)


def _worth_of_void(receipt: Receipt) -> Counter[int | None]:
    """What the void tickets of each line cost."""
    worth = Counter[int | None]()
    void = Counter[int | None]()
    void.update(receipt.order.tickets.exclude(voided_at=None).values_list("line", flat=True))
    for part in receipt.parts:
        if part.quantity:
            worth[part.line] = part.amount * void[part.line] // part.quantity
    return worth


def _next(receipt: Receipt, parts: list[Part], organizer_id: int | None) -> Receipt:
    """Write it with the next number of its organizer and year."""
    year = receipt.issued_at.astimezone(receipt.zone).year
    Series.objects.bulk_create([Series(organizer_id=organizer_id, year=year)], ignore_conflicts=True)
    series = Series.objects.select_for_update(of=("self",)).get(organizer=organizer_id, year=year)
    series.last += 1
    series.save(update_fields=["last"])
    receipt.series, receipt.number = series, series.last
    receipt.lines = [vars(part) for part in parts]
    receipt.tax = sum(part.tax for part in parts)
    receipt.save(force_insert=True)
    return receipt
