"""Signal of the node, sent when a payment has ended."""

from django.dispatch import Signal

# Sent inside the transaction in which a payment reached SUCCESS or FAILED. Argument: payment.
payment_resolved = Signal()
