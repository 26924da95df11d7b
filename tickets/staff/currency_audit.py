"""Integrity of prices in other currencies: each quote adds up, and so do all of a currency."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import BigIntegerField, Count, F, Q, QuerySet, Sum

from payments.models import Payment
from payments.quotes import rate_of
from tickets.models import Order, OrderLine
from ticketsuma.money import SAT, format_amount, format_sats

from .violations import Violation


def quotes_are_what_was_sold(payments: QuerySet[Any]) -> list[Violation]:
    """A payment is in its event's currency, and its sats are what its rate makes of its amount."""
    foreign = payments.filter(order__isnull=False).exclude(currency=F("order__event__currency"))
    broken = [
        Violation("quotes", f"payment {reference}", f"its currency is {currency}, its event's is {of_event}")
        for reference, currency, of_event in foreign.order_by("reference").values_list(
            "reference", "currency", "order__event__currency"
        )
    ]
    for payment in payments.exclude(currency=SAT).order_by("reference").iterator():
        rate = rate_of(payment)
        if rate is None or rate.msats(payment.amount) != payment.amount_msats:
            says = (
                f"{payment.amount} of {payment.currency} at {payment.rate} are not {payment.amount_sats} sats"
            )
            broken.append(Violation("quotes", f"payment {payment.reference}", says))
    return broken


@dataclass(frozen=True)
class Total:
    """What paid orders of one currency come to: by their lines, by their payments, and in sats."""

    currency: str
    orders: int
    amount: int
    lines: int
    sats: int

    @property
    def says(self) -> str:
        amount = format_amount(self.amount, self.currency)
        says = f"{self.currency}: {self.orders} paid orders for {amount}"
        return says + ("." if self.currency == SAT else f", agreed as {format_sats(self.sats)}.")


def totals() -> list[Total]:
    """Of all paid orders that were for money, by currency."""
    paid = Payment.objects.filter(order__status=Order.Status.PAID)
    lines = OrderLine.objects.filter(order__status=Order.Status.PAID, order__payment__isnull=False)
    cost = Sum(F("price") * F("quantity") - F("discount"), output_field=BigIntegerField())
    of_lines = dict(lines.order_by().values_list("order__payment__currency").annotate(cost=cost))
    rows = paid.order_by("currency").values("currency").annotate(
        orders=Count("pk"), sats=Sum("amount_sats"), minor=Sum("amount_minor"),
    )  # fmt: skip
    return [
        Total(
            row["currency"], row["orders"], row["sats"] if row["currency"] == SAT else row["minor"],
            of_lines.get(row["currency"], 0), row["sats"],
        )
        for row in rows
    ]  # fmt: skip


def totals_that_differ(of: list[Total]) -> Iterator[Violation]:
    """Lines and payments of a currency come to the same; orders of before there were lines have none."""
    bare = Order.objects.filter(~Q(payment=None), status=Order.Status.PAID, lines=None).exists()
    for total in of:
        if total.amount != total.lines and not (bare and total.currency == SAT):
            says = f"lines of {total.lines}, payments of {total.amount} in minor units"
            yield Violation("totals", total.currency, says)
