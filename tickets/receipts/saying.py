"""Words of a receipt besides its lines: the same on its page and in its PDF."""

from decimal import Decimal

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from ticketsuma.bidi import isolate
from ticketsuma.money import SAT, format_msats
from ticketsuma.templatetags.display import city, clock_in, long_day_in

from .models import Receipt

Facts = list[tuple[str, str]]


def title_of(receipt: Receipt) -> str:
    words = _("Credit note %(number)s") if receipt.is_credit_note else _("Receipt %(number)s")
    return words % {"number": receipt.name}


def facts_of(receipt: Receipt) -> Facts:
    """Day, order and event; of a credit note the receipt that it corrects, which is read."""
    day = long_day_in(receipt.issued_at, receipt.zone)
    start = long_day_in(receipt.event_start, receipt.zone)
    facts = [(_("Sent back on") if receipt.is_credit_note else _("Paid on"), day)]
    if receipt.is_credit_note:
        corrects = receipt.order.receipts.filter(refund=None).select_related("series").get()
        says = f"{corrects.name}, {long_day_in(corrects.issued_at, corrects.zone)}"
        facts.append((_("Corrects receipt"), says))
    return [
        *facts,
        (_("Order"), receipt.order.code),
        (_("Event"), isolate(receipt.event_title)),
        (_("Held on"), f"{start}, {clock_in(receipt.event_start, receipt.zone)} {city(receipt.timezone)}"),
    ]


def payment_of(receipt: Receipt) -> Facts:
    """What moved over Lightning, at which rate, and by which payment."""
    facts = [
        (_("Sent back over Lightning") if receipt.is_credit_note else _("Paid over Lightning"),
         format_msats(receipt.msats))
    ]  # fmt: skip
    if receipt.currency != SAT and receipt.rate is not None:
        facts.append((_("Agreed rate"), rate_of(receipt)))
    if receipt.payment_hash:
        facts.append((_("Payment hash"), receipt.payment_hash))
    return facts


def rate_of(receipt: Receipt) -> str:
    exact = Decimal(f"{receipt.rate.normalize():f}")  # type: ignore[union-attr]
    price = number_format(exact, use_l10n=True, force_grouping=True)
    words = {"price": price, "currency": receipt.currency}
    return pgettext("rate", "1 bitcoin = %(price)s %(currency)s") % words


def seller_of(receipt: Receipt) -> list[str]:
    """Name, lines of the address, and the tax number where there is one."""
    return _party(receipt.seller, receipt.seller_address, receipt.seller_tax_number)


def addressee_of(receipt: Receipt) -> list[str]:
    """The same of whom it is made out to; empty for nobody in particular."""
    to = receipt.addressee
    return _party(to.name, to.address, to.tax_number) if to else []


def _party(name: str, address: str, tax_number: str) -> list[str]:
    lines = [name, *filter(None, map(str.strip, address.splitlines()))]
    return lines + ([_("Tax number %(number)s") % {"number": tax_number}] if tax_number else [])
