"""Refunds for moved events: holders who bought for another time get the money back until it starts."""

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from payments.models import Refund
from tickets.models import Order
from ticketsuma.errors import DomainError

from .refunds import refund_order


class NotMoved(DomainError):
    code = "not_moved"
    message = _("Money goes back until the event starts, and only when it was moved after you bought.")


def may_have_money_back(order: Order) -> bool:
    """Whether this paid order, whose event is loaded, was bought for another start or end.

    Not when the event has come back to where it was, has started, or when its organizer does not offer it.
    """
    event = order.event
    if not (order.is_paid and order.payment_id and event.refunds_when_moved and event.version):
        return False
    if event.is_canceled or event.start_time <= timezone.now():
        return False
    bought = event.changes.filter(is_move=True, at__gt=order.paid_at).order_by("at").first()
    return bought is not None and bought.is_elsewhere_in_time


def give_money_back(order: Order) -> Refund:
    """Cancel the order by its holder's wish and queue all its money; raises NotMoved.

    Of two at once one wins; the other is refused (NothingToRefund).
    """
    if not may_have_money_back(order):
        raise NotMoved
    return refund_order(order, reason=Refund.Reason.EVENT_MOVED)


def gave_money_back(order: Order) -> bool:
    """Whether `give_money_back` has been done to the order."""
    back = Refund.objects.filter(incoming_payment__payment__order=order)
    return back.filter(reason=Refund.Reason.EVENT_MOVED).exists()
