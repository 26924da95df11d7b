"""Taxes that prices include, by a rate in basis points; integers in minor units, nothing is lost by rounding.

The tax of all lines of one rate together is rounded once, half a unit up, and then given to these lines by
their amounts, the units that are left to the largest remainders: so the lines add up to the total.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

WHOLE = 10_000  # basis points


@dataclass(frozen=True)
class Part:
    """A line of a receipt. `rate` in basis points, None where no tax is told; `line` the order's."""

    text: str
    amount: int
    rate: int | None = None
    tax: int = 0
    quantity: int | None = None
    price: int = 0
    discount: int = 0
    line: int | None = None

    @property
    def said(self) -> str:
        """`2 × Evening`, where it is about seats."""
        return f"{self.quantity} × {self.text}" if self.quantity else self.text


def tax_in(amount: int, rate: int | None) -> int:
    """The tax that `amount` includes, half a unit rounded up."""
    if not rate:
        return 0
    return (2 * amount * rate + WHOLE + rate) // (2 * (WHOLE + rate))


def split(total: int, weights: Sequence[int]) -> list[int]:
    """`total` in parts by `weights`, which come to as much or more; no part is more than its weight.

    The largest remainders get the units that are left, of equal ones the first.
    """
    whole = sum(weights)
    if not 0 <= total <= whole:
        raise ValueError("more than there is to give to")
    if not whole:
        return [0] * len(weights)
    parts = [total * weight // whole for weight in weights]
    rest = sorted(range(len(weights)), key=lambda place: -(total * weights[place] % whole))
    for place in rest[: total - sum(parts)]:
        parts[place] += 1
    return parts


def with_taxes(parts: Sequence[Part], before: Sequence[Part] = ()) -> list[Part]:
    """`parts` with their taxes, behind those of `before`: together they have the tax of all their amounts.

    So the credit notes of an order come to the tax of its receipt, however it was paid back.
    """
    taxed = list(parts)
    for rate in {part.rate for part in parts}:
        places = [place for place, part in enumerate(parts) if part.rate == rate]
        amounts = [parts[place].amount for place in places]
        gone = sum(part.amount for part in before if part.rate == rate)
        tax = tax_in(gone + sum(amounts), rate) - tax_in(gone, rate)
        for place, share in zip(places, split(tax, amounts), strict=True):
            taxed[place] = replace(parts[place], tax=share)
    return taxed


def by_rate(parts: Sequence[Part]) -> list[tuple[int, int, int]]:
    """Rate, amount with tax, and tax of each rate that is told, the highest first."""
    rates = sorted({part.rate for part in parts if part.rate is not None}, reverse=True)
    sums = []
    for rate in rates:
        of_rate = [part for part in parts if part.rate == rate]
        sums.append((rate, sum(part.amount for part in of_rate), sum(part.tax for part in of_rate)))
    return sums
