"""Texts of refunds for their receivers: the reason, and what becomes of the tickets."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from payments.models import Refund
from tickets.models import Order

WHY = {
    Refund.Reason.LATE: _("Your payment came when no seat was left for it."),
    Refund.Reason.DUPLICATE: _("This order had been paid already."),
    Refund.Reason.SURPLUS: _("More arrived than was due."),
    Refund.Reason.UNDERPAID: _("Less arrived than was due."),
    Refund.Reason.ORDER_CANCELED: _("Your payment came after the order was canceled."),
    Refund.Reason.EVENT_CANCELED: _("The event is canceled."),
    Refund.Reason.EVENT_MOVED: _("The event was moved, and you asked for your money back."),
    Refund.Reason.GIVEN_BACK: _("You gave it back in time."),
    Refund.Reason.STAFF: _("The organizer gives it back."),
    Refund.Reason.FOUND: _("We found that it had been sent to you already."),
    Refund.Reason.UNMATCHED: _("The payment belonged to no order."),
}


def why(refund: Refund) -> str | Promise:
    return WHY[Refund.Reason(refund.reason)]


def about_tickets(order: Order) -> str | Promise:
    """Effect of a refund on the order's tickets; empty for one that never had any."""
    if order.is_paid and not order.event.is_canceled:
        return _("Your tickets stay good.")
    if order.paid_at:
        return _("The tickets of this order are void: they open neither the stream nor the door.")
    return ""
