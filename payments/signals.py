"""Signals of payments for the apps above: sent inside the settling transaction.

A receiver that cannot deliver what was paid for raises `DomainError`; the settling is then undone
and the money goes back to its payer. Any other exception leaves the money recorded and to be retried.
"""

from django.dispatch import Signal

payment_settled = Signal()  # payment: payments.models.Payment
