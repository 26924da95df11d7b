"""Signals of tickets, for parts of the shop that could be deleted."""

from django.dispatch import Signal

# Sent inside the transaction that ends an order's links: who had those hears nothing more of it.
links_renewed = Signal()  # order: tickets.models.Order
