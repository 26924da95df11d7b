"""Rows for app tests, made the way the shop makes them; nothing here talks to a node."""

import secrets
import threading
from collections.abc import Callable
from datetime import timedelta

from django.db import connections
from django.utils import timezone

from events.models import Event
from payments.invoices import record_open
from payments.models import Invoice
from payments.node.lightspark import NodeInvoice, NodePayment
from tickets.models import Order
from tickets.services.orders import place_order


def an_event(**fields) -> Event:
    """An event that starts in a day: 20 seats at 2,100 sats, unless said otherwise."""
    soon = timezone.now() + timedelta(days=1)
    return Event.objects.create(
        **{
            "title": "A talk", "start_time": soon, "end_time": soon + timedelta(hours=2),
            "capacity": 20, "price_sats": 2100, "stream_url": "https://stream.example/secret",
        } | fields
    )  # fmt: skip


def an_order(event: Event | None = None, **fields) -> Order:
    """Seats held by a guest. The node is not there in app tests: its invoice stays requested."""
    return place_order(event=event or an_event(), **{"quantity": 1, "email": "ann@example.com"} | fields)


def open_invoice(order: Order) -> Invoice:
    """As if the node had answered the request for this order's BOLT11."""
    invoice = order.payment.invoices.live().get()
    name = secrets.token_hex(16)
    answer = NodeInvoice(f"Invoice:{name}", f"lnbcrt{name}", secrets.token_hex(32), order.expires_at, True, 0)
    assert record_open(invoice, answer)
    return invoice


def money_for(invoice: Invoice, amount_msats: int | None = None) -> NodePayment:
    """What the node would say of a payment of this invoice, its full amount unless said otherwise."""
    amount_msats = invoice.payment.amount_msats if amount_msats is None else amount_msats
    name = f"IncomingPayment:{secrets.token_hex(16)}"
    return NodePayment(name, invoice.invoice_id, invoice.payment_hash, amount_msats, timezone.now())


def overdue(order: Order) -> Order:
    """Move the end of the hold into the past."""
    past = timezone.now() - timedelta(minutes=1)
    Order.objects.filter(pk=order.pk).update(expires_at=past)
    order.payment.due_at = past
    order.payment.save(update_fields=["due_at"])
    order.refresh_from_db()
    return order


def together(*works: Callable[[], object]) -> list[object]:
    """Run all `works` at the same moment, each in a thread of its own; what each returned or raised."""
    barrier = threading.Barrier(len(works))
    outcomes: list[object] = [None] * len(works)

    def run(index: int, work: Callable[[], object]) -> None:
        try:
            barrier.wait(10)
            outcomes[index] = work()
        except Exception as error:
            outcomes[index] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return outcomes
