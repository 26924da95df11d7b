"""Receivers of other apps' signals, which `apps.py` connects."""

from typing import Any

from accounts.models import User
from events.models import Event
from payments.models import Payment

from .announcement_models import TOLD, Announcement
from .models import Order
from .services.orders import fulfil
from .services.personal_data import adopt_orders
from .services.worths import begin_to_follow


def on_payment_settled(*, payment: Payment, **kwargs) -> None:
    """Receiver of `payment_settled`, inside the settling transaction: the order is paid."""
    order = Order.objects.select_for_update(of=("self",)).select_related("event").get(payment=payment)
    fulfil(order)


def on_email_confirmed(*, email_address, **kwargs) -> None:
    """Receiver of allauth's news that a mailbox is proven: its guest's orders belong to the account."""
    adopt_orders(email_address.user, email_address.email)


def on_signed_in(*, user: User, **kwargs) -> None:
    """Receiver of Django's news that somebody signed in: guests' orders since the last time come along."""
    if user.has_verified_email:
        adopt_orders(user, user.email)


def on_signed_out(*, request: Any, **kwargs) -> None:
    """Receiver of Django's news that somebody signed out: whoever comes next finds no orders of theirs."""
    if request is not None:
        request.has_signed_out = True


def on_event_saved(*, instance: Event, created: bool, **kwargs) -> None:
    """Receiver of Django's news of a saved event: its currency is followed; a new one is announced."""
    begin_to_follow(instance)
    if created and not kwargs.get("raw"):
        Announcement.objects.create(event=instance, **{name: getattr(instance, name) for name in TOLD})
