"""Currencies that a payment may be paid in: SAT, and its own at the agreed quote (UMAD-04, UMAD-05)."""

from dataclasses import dataclass

from babel.numbers import get_currency_name, get_currency_symbol
from uma import Currency, InvoiceCurrency

from payments.models import Payment
from ticketsuma.money import MSATS_PER_SAT, SAT, in_major, minor_digits


@dataclass(frozen=True)
class Offer:
    """What is due in one currency: `amount` of its smallest unit, each worth `msats_per_unit`; no fee."""

    code: str
    amount: int
    msats_per_unit: float

    def __str__(self) -> str:
        return f"{in_major(self.amount, self.code)} {'sats' if self.code == SAT else self.code}"

    @property
    def decimals(self) -> int:
        return minor_digits(self.code)

    def for_lookup(self) -> Currency:
        """A new object each time: the SDK marks it for senders of version 0."""
        name, symbol = _name_and_symbol(self.code)
        return Currency(self.code, name, symbol, self.msats_per_unit, self.amount, self.amount, self.decimals)

    def for_invoice(self) -> InvoiceCurrency:
        return InvoiceCurrency(self.code, *_name_and_symbol(self.code), self.decimals)


def in_sats(payment: Payment) -> Offer:
    return Offer(SAT, payment.amount_sats, MSATS_PER_SAT)


def as_priced(payment: Payment) -> Offer:
    """In the currency that was priced: its multiplier is the quote's msats divided by its minor units."""
    if payment.currency == SAT:
        return in_sats(payment)
    whole, rest = divmod(payment.amount_msats, payment.amount)
    return Offer(payment.currency, payment.amount, payment.amount_msats / payment.amount if rest else whole)


def offers(payment: Payment) -> dict[str, Offer]:
    """By code, the preferred one first: what was priced, then SAT, which every wallet knows."""
    return {offer.code: offer for offer in (as_priced(payment), in_sats(payment))}


def _name_and_symbol(code: str) -> tuple[str, str]:
    if code == SAT:
        return "Satoshis", ""
    return get_currency_name(code, locale="en"), get_currency_symbol(code, locale="en")
