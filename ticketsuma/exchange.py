"""Exchange: about what prices in other currencies come to in sats; `payments`, which knows, answers."""

from collections.abc import Callable

from .money import SAT

_answer: Callable[[int, str], int | None] | None = None


def answer_by(function: Callable[[int, str], int | None]) -> None:
    """Have `function` of an amount in minor units and its currency answer `about_sats`."""
    global _answer
    _answer = function


def about_sats(amount_minor: int, currency: str) -> int | None:
    """About what it comes to now; None of sats themselves, of 0, and while there is no good rate."""
    return None if _answer is None else _answer(amount_minor, currency)


def in_sats(amount_minor: int, currency: str) -> int | None:
    """The same, and sats and 0 as they are; None while there is no good rate."""
    return amount_minor if currency == SAT or not amount_minor else about_sats(amount_minor, currency)
