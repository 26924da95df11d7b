"""Rows of what changed lately, for the audit that runs every few minutes."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Model, Q

from events.models import Event, PromoCode, TicketType
from payments.models import IncomingPayment, Payment, Refund
from tickets.models import Order, Ticket


@dataclass(frozen=True)
class Changed:
    """Keys of what changed, and of what hangs on it: an order's event, payment and money, and back."""

    events: set[int]
    orders: set[uuid.UUID]
    payments: set[uuid.UUID]
    incoming: set[int]
    refunds: set[uuid.UUID]
    types: set[int]
    codes: set[int]

    def keys_of(self, model: type[Model]) -> list[Any]:
        keys: dict[type[Model], set] = {
            Event: self.events, Order: self.orders, Payment: self.payments,
            IncomingPayment: self.incoming, Refund: self.refunds, TicketType: self.types,
            PromoCode: self.codes,
        }  # fmt: skip
        return sorted(keys[model])


def changed_since(since: datetime) -> Changed:
    """What the shop wrote since `since`, as its rows say, each found by an index.

    Money that is allocated, taken back or sent has a moment of its own, and a payment changes with its order
    or its money. What somebody writes past the shop moves no moment: the whole audit finds it.
    """
    refunds = Refund.objects.filter(updated_at__gte=since).values_list("pk", "incoming_payment_id")
    sent = dict(refunds)
    incoming = set(sent.values())
    incoming |= set(IncomingPayment.objects.filter(allocated_at__gte=since).values_list("pk", flat=True))
    rows = IncomingPayment.objects.filter(pk__in=incoming, payment__isnull=False)
    payments = set(rows.values_list("payment_id", flat=True))
    voided = Ticket.objects.filter(voided_at__gte=since).values_list("order_id", flat=True)
    orders, events, codes = set(), set(), set()
    touched = Q(updated_at__gte=since) | Q(pk__in=set(voided)) | Q(payment__in=payments)
    names = ("pk", "event_id", "payment_id", "promo_code_id")
    for order, event, payment, code in Order.objects.filter(touched).values_list(*names):
        orders.add(order)
        events.add(event)
        if code:
            codes.add(code)
        if payment:
            payments.add(payment)
    types = set(TicketType.objects.filter(event__in=events).values_list("pk", flat=True))
    return Changed(events, orders, payments, incoming, set(sent), types, codes)
