"""Free seats that wait until the link mailed to their mailbox is used (FREE_SEATS_WAIT_FOR_MAIL)."""

import uuid

from django.core.signing import Signer
from django.db import transaction
from django.urls import reverse
from django.utils.crypto import constant_time_compare

from tickets.models import Order
from ticketsuma.state_machine import InvalidTransition

from .orders import fulfil


def mailbox_path(order: Order) -> str:
    """The path of the mailed link. Only the mailbox has it; whoever ordered sees the order's own."""
    return reverse("confirm_mailbox", args=[f"{order.pk.hex}.{_signature(order)}"])


def order_of_mailbox(token: str) -> Order:
    """The order whose mailbox got `token`; raises DoesNotExist, also when its address was corrected since."""
    try:
        order = Order.objects.select_related("event").get(pk=uuid.UUID(token.partition(".")[0]))
    except ValueError:
        raise Order.DoesNotExist from None
    if not constant_time_compare(token.partition(".")[2], _signature(order)):
        raise Order.DoesNotExist
    return order


def _signature(order: Order) -> str:
    return Signer(salt="tickets.services.mailbox_proof").signature(f"{order.pk.hex}.{order.email}")


def confirm_mailbox(order: Order) -> None:
    """The mailbox is proven: free seats that waited are the buyer's, an expired hold wins them back first.

    Raises SoldOut or SalesClosed when they are gone, InvalidTransition when the order has ended otherwise;
    of two at once the second finds it done.
    """
    with transaction.atomic():
        locked = Order.objects.select_for_update(of=("self",)).select_related("event").get(pk=order.pk)
        if locked.payment_id:
            raise InvalidTransition
        if not locked.is_paid:
            fulfil(locked)
