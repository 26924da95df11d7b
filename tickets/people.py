"""An account and its orders: whose is which, taking them along, forgetting the person."""

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.models import User

from .models import Mail, Order, Ticket


def orders_of(user: User) -> QuerySet[Order]:
    """A person's orders: those bought signed in, and those bought as a guest with the address they proved."""
    mine = Q(buyer=user)
    if user.has_verified_email:
        mine |= Q(buyer=None, email=user.email)
    return Order.objects.filter(mine)


def export_person(user: User) -> dict:
    """Everything the shop keeps about `user`, as plain values; codes of tickets that admit included."""
    orders = orders_of(user).select_related("event", "payment").prefetch_related("tickets__order__event")
    return {
        "email": user.email,
        "name": user.name,
        "created_at": user.created_at,
        "orders": [_export_order(order) for order in orders.order_by("created_at")],
    }


def _export_order(order: Order) -> dict:
    return {
        "id": order.pk,
        "event": order.event.title,
        "event_id": order.event_id,
        "status": order.status,
        "email": order.email,
        "name": order.name,
        "uma_address": order.uma_address,
        "quantity": order.quantity,
        "amount_sats": order.amount_sats,
        "payer_uma": order.payment.payer_uma if order.payment else "",
        "created_at": order.created_at,
        "paid_at": order.paid_at,
        "tickets": [
            {
                "id": ticket.pk,
                "holder_name": ticket.holder_name,
                "ticket_code": ticket.ticket_code if ticket.admits else None,
            }
            for ticket in order.tickets.all()
        ],
    }


def forget_person(user: User) -> None:
    """Delete the account and the person in its orders; orders and money stay, as accounts must.

    Tickets still admit whoever has their links; mails about the orders are gone, sent or not. A payment
    keeps the UMA address it came from, because refunds go there.
    """
    with transaction.atomic():
        orders = orders_of(user)
        pks = list(orders.values_list("pk", flat=True))
        Ticket.objects.filter(order__in=pks).update(holder_name="")
        Mail.objects.filter(order__in=pks).delete()
        Order.objects.filter(pk__in=pks).update(buyer=None, email="", name="", uma_address="")
        user.delete()
