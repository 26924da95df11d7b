"""Acts for tests: what the node, payers and time do to the rows of tests/factories.py."""

import secrets
import threading
from collections.abc import Callable
from datetime import timedelta

from django.db import connections
from django.utils import timezone

from events.models import Event
from payments.invoices import record_open
from payments.models import IncomingPayment, Invoice
from payments.node.lightspark import NodeInvoice, NodePayment
from payments.services import settle_node_payment
from tests.factories import OrderFactory
from tickets.models import Mail, Order

# Kinds of mails whose words are ours; staff write the others (`tickets.guest_messages`).
OUR_MAILS = [kind for kind in Mail.Kind.values if kind != Mail.Kind.MESSAGE]


def hold(event: Event, quantity: int = 1, **buyer) -> Order:
    """A pending order whose invoice is open (a free one is paid). Outside transactions."""
    order = OrderFactory(event=event, quantity=quantity, **{"name": "Ann"} | buyer)
    if order.payment:
        open_invoice(order)
    return order


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


def pay(order: Order, msats: int | None = None) -> IncomingPayment:
    """Money arrives through the order's newest invoice: by default what is due."""
    incoming = settle_node_payment(money_for(order.payment.invoices.latest("created_at"), msats))
    order.refresh_from_db()
    incoming.refresh_from_db()
    return incoming


def stray_money(msats: int = 5_000_000) -> IncomingPayment:
    """Money that arrives for nothing we know."""
    name = f"IncomingPayment:{secrets.token_hex(16)}"
    return settle_node_payment(NodePayment(name, None, secrets.token_hex(32), msats, timezone.now()))


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
