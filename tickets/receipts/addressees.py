"""Addressees: whom the buyer has a receipt made out to, and how long that is kept."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.history import record
from tickets.models import Order
from ticketsuma import clock
from ticketsuma.errors import DomainError

from .drawing import draw_receipt
from .models import Addressee, Receipt

MOST = 20  # of one receipt, so that nobody fills the table
A_DAY = timedelta(days=1)  # the year of a receipt ends by the clocks of its event


class NoReceipt(DomainError):
    code = "no_receipt"
    message = _("There is a receipt once an order is paid; what was free has none.")


class NotDrawn(DomainError):
    code = "receipt_not_drawn"
    message = _("Your receipt is being made. Look again in a few seconds.")
    retry_after = 15


class TooManyAddressees(DomainError):
    code = "too_many_addressees"
    message = _("This receipt was made out anew too often. Write to the organizer.")


def receipt_of(order: Order) -> Receipt:
    """The receipt of an order; raises NoReceipt, or NotDrawn while the worker has not come to it."""
    receipt = order.receipts.filter(refund=None).select_related("series", "order").first()
    if receipt is None:
        raise NoReceipt if order.paid_at is None or order.payment_id is None else NotDrawn
    return receipt


def make_out(order: Order, *, name: str, address: str = "", tax_number: str = "") -> Receipt:
    """Have the receipt of `order` made out to somebody, under the number it has; who it was to is kept.

    It is drawn now if the worker has not come to it. Raises NoReceipt, TooManyAddressees.
    """
    with transaction.atomic():
        receipt = draw_receipt(order)  # holds the order's lock: of two at once each sees the other's
        if receipt is None:
            raise NoReceipt
        before = list(receipt.addressees.order_by("pk"))
        said = {"name": name, "address": address, "tax_number": tax_number}
        if before and all(getattr(before[-1], field) == value for field, value in said.items()):
            return receipt
        if len(before) >= MOST:
            raise TooManyAddressees
        receipt.addressees.create(**said)
        record("make_out", order)
    return receipt


def forget_addressees() -> int:
    """Those of receipts that need not be kept any more: RECEIPT_YEARS after their year. An hourly chore."""
    if not settings.RECEIPT_YEARS:
        return 0
    ended = (clock.now() - A_DAY).year - settings.RECEIPT_YEARS
    return Addressee.objects.filter(receipt__series__year__lt=ended).delete()[0]
