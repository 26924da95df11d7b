"""Integrity of receipts: numbers without gaps, and amounts that are those of orders and refunds."""

from typing import Any

from django.db.models import Count, F, Max, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from tickets.staff.violations import Violation
from ticketsuma.money import MSATS_PER_SAT

from .models import Receipt, Series


def numbers_have_no_gaps(orders: QuerySet[Any]) -> list[Violation]:
    """Each series in which `orders` have a number has as many receipts as it has drawn numbers."""
    touched = Receipt.objects.filter(order__in=orders).order_by().values("series")
    series = Series.objects.filter(pk__in=touched).annotate(
        count=Count("receipts"), most=Max("receipts__number")
    )
    broken = series.filter(~Q(count=F("last")) | ~Q(most=F("last"))).order_by("pk")
    return [
        Violation(
            "receipt numbers", f"series {row.pk} of {row.year}",
            f"{row.last} numbers were drawn, {row.count} receipts have one, up to {row.most}",
        )
        for row in broken
    ]  # fmt: skip


def receipts_are_what_was_sold(orders: QuerySet[Any]) -> list[Violation]:
    """A receipt is about what its order cost, a credit note about its refund; together they never go below 0,
    and all that went back is all of the amount and its tax.
    """
    notes = Receipt.objects.exclude(refund=None).filter(order=OuterRef("order")).order_by().values("order")

    def back(field: str) -> Coalesce:
        return Coalesce(Subquery(notes.annotate(total=Sum(field)).values("total")), 0)

    receipts = Receipt.objects.filter(refund=None, order__in=orders).annotate(
        due=Coalesce(F("order__payment__amount_minor"), F("order__payment__amount_sats")),
        due_msats=F("order__payment__amount_sats") * MSATS_PER_SAT,
        back=back("amount"), back_tax=back("tax"), back_msats=back("msats"),
    )  # fmt: skip
    all_back = Q(back_msats=F("msats"))
    broken = receipts.filter(
        ~Q(amount=F("due")) | ~Q(msats=F("due_msats"))
        | Q(back_msats__gt=F("msats")) | Q(back__gt=F("amount")) | Q(back_tax__gt=F("tax"))
        | all_back & (~Q(back=F("amount")) | ~Q(back_tax=F("tax")))
    )  # fmt: skip
    unlike = Receipt.objects.filter(order__in=orders, refund__isnull=False)
    unlike = unlike.annotate(sent=F("refund__amount_msats")).exclude(msats=F("sent"))
    return [
        Violation(
            "receipts", f"order {row.order.code}",
            f"its receipt is about {row.amount} ({row.msats} msats), due were {row.due} ({row.due_msats}); "
            f"credit notes {row.back} ({row.back_msats})",
        )
        for row in broken.select_related("order").order_by("pk")
    ] + [
        Violation(
            "receipts", f"order {row.order.code}",
            f"a credit note is about {row.msats} msats, its refund about {row.sent}",
        )
        for row in unlike.select_related("order").order_by("pk")
    ]  # fmt: skip
