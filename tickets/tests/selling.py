"""Rows as a sale leaves them, made by the services themselves, with the node's answers given here."""

import itertools
from datetime import timedelta

from django.utils import timezone

from accounts.models import User
from accounts.staff import save_verified_user
from events.models import Event
from payments.invoices import record_open
from payments.models import IncomingPayment, Invoice
from payments.node.lightspark import NodeInvoice, NodePayment
from payments.services import settle_node_payment
from tickets.models import Order
from tickets.services.orders import place_order

_numbers = itertools.count(1)


def make_event(**fields) -> Event:
    start = timezone.now() + timedelta(days=2)
    given = {
        "title": f"Evening {next(_numbers)}",
        "start_time": start,
        "end_time": start + timedelta(hours=2),
        "capacity": 10,
        "price_sats": 1_000,
        "stream_url": "https://meet.example.com/evening",
    }
    event = Event(**given | fields)
    event.full_clean()
    event.save(force_insert=True)
    return event


def hold(event: Event, quantity: int = 1, **buyer) -> Order:
    """A pending order whose invoice is open (a free one is paid). Outside transactions."""
    order = place_order(event=event, quantity=quantity, **{"email": "ann@example.com", "name": "Ann"} | buyer)
    if order.payment:
        open_invoice(order.payment.invoices.get())
    return order


def open_invoice(invoice: Invoice) -> Invoice:
    number = next(_numbers)
    answer = NodeInvoice(
        invoice_id=f"Invoice:{number}",
        bolt11=f"lnbcrt{number}",
        payment_hash=f"{number:064x}",
        expires_at=invoice.payment.due_at,
        is_open=True,
        paid_msats=0,
    )
    assert record_open(invoice, answer)
    return invoice


def pay(order: Order, msats: int | None = None) -> IncomingPayment:
    """Money arrives through the order's newest invoice: by default what is due."""
    invoice = order.payment.invoices.latest("created_at")
    seen = NodePayment(
        node_payment_id=f"IncomingPayment:{next(_numbers)}",
        invoice_id=invoice.invoice_id,
        payment_hash=invoice.payment_hash,
        amount_msats=order.payment.amount_msats if msats is None else msats,
        received_at=timezone.now(),
    )
    incoming = settle_node_payment(seen)
    order.refresh_from_db()
    incoming.refresh_from_db()
    return incoming


def stray_money(msats: int = 5_000_000) -> IncomingPayment:
    """Money that arrives for nothing we know."""
    seen = NodePayment(
        node_payment_id=f"IncomingPayment:{next(_numbers)}",
        invoice_id=None,
        payment_hash=f"{next(_numbers):064x}",
        amount_msats=msats,
        received_at=timezone.now(),
    )
    return settle_node_payment(seen)


def make_staff(email: str = "staff@example.com") -> User:
    return save_verified_user(email=email, password="a long enough password", name="Sam")[0]
