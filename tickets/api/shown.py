"""Orders as the API answers them."""

from django.db.models import Prefetch

from tickets.models import Order, OrderQuerySet, Ticket


def orders_to_show() -> OrderQuerySet:
    """Orders with everything `PurchaseResponseSerializer` reads but refunds: three queries."""
    tickets = Prefetch("tickets", Ticket.objects.select_related("line__type"))
    orders = Order.objects.select_related("event", "payment")
    return orders.prefetch_related(tickets, "payment__invoices")
