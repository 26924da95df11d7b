"""News of the node for whoever keeps books on top of it."""

from django.dispatch import Signal

# Sent inside the transaction in which a payment reached SUCCESS or FAILED. Argument: payment.
payment_resolved = Signal()
