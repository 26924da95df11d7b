"""Checks at the end of every fault test: of a buyer, of an event, of the sandbox's ledger."""

import hashlib
import hmac
import json
import uuid

import requests

from tests.buyer import Buyer, Wallet, post_purchase
from tests.faults.faulty import FaultyStack
from tests.processes import wait_until

OF_ORDER = """
answer = {
    "arrived": [[i.amount_msats, i.applied_msats, i.kept_msats, i.allocated_at is not None]
                for i in IncomingPayment.objects.filter(payment__order__pk=pk)],
    "refunds": [[r.amount_msats, r.reason, r.status]
                for r in Refund.objects.filter(incoming_payment__payment__order__pk=pk)],
    "hashes": [h for h in Invoice.objects.filter(payment__order__pk=pk)
               .values_list("payment_hash", flat=True) if h],
    "quantity": Order.objects.get(pk=pk).quantity,
    "admitting": Ticket.objects.admitting().filter(order__pk=pk).count(),
}
"""
OVERDUE = """
past = timezone.now() - timedelta(seconds=seconds)
Order.objects.filter(pk=pk, status="pending").update(expires_at=past, next_attempt_at=past)
Payment.objects.filter(order__pk=pk).update(due_at=past)
"""


def books(buyer: Buyer) -> dict:
    """What our rows say about the money of this order."""
    return buyer.stack.django(OF_ORDER, pk=buyer.order_id)


def seats_taken(shop: FaultyStack, event: int) -> int:
    return shop.django("Event.objects.get(pk=pk).seats_taken", pk=event)


def overdue(buyer: Buyer, seconds: float = 1) -> None:
    """Its hold ended `seconds` ago."""
    buyer.stack.django(OVERDUE, pk=buyer.order_id, seconds=seconds)


def expire(buyer: Buyer) -> None:
    """Its hold ended, and the worker gave the seats back."""
    overdue(buyer)
    buyer.wait_for("expired")


def was_never_ended(buyer: Buyer) -> bool:
    """Its seats were held all the time: they were not given back and won again."""
    return buyer.stack.django("Order.objects.get(pk=pk).ended_at", pk=buyer.order_id) is None


def approves(wallet: Wallet, buyer: Buyer) -> bool:
    """Whether the wallet may pay the request for this order now; then it has."""
    try:
        return bool(wallet.approve(wallet.request_for(buyer)))
    except AssertionError:
        return False


def lost_bolt11s(buyer: Buyer) -> list[dict]:
    """Invoices over exactly this order's price that the node made and we never recorded."""
    stack = buyer.stack
    known = stack.django(
        "list(Invoice.objects.exclude(invoice_id=None).values_list('invoice_id', flat=True))"
    )
    rows = stack.node.get("/api/invoices")["invoices"]
    ours = [row for row in rows if row["node_id"] == stack.env["LIGHTSPARK_NODE_ID"]]
    lost = [row for row in ours if row["invoice_id"] not in known]
    return [row for row in lost if row["amount_msats"] == buyer.amount_msats]


def buy_and_lose_the_answer(shop: FaultyStack, event: int, **body) -> str:
    """A purchase during which the connection breaks; returns its Idempotency-Key."""
    key = uuid.uuid4().hex
    try:
        answer = post_purchase(shop, event, key=key, **body)
    except requests.ConnectionError:
        return key
    raise AssertionError(f"answered {answer.status_code}: {answer.text}")


def assert_paid_once(buyer: Buyer, seconds: float = 20) -> None:
    """One paid order, all its tickets good, its price arrived and applied once, on both sides; no refund."""
    buyer.wait_for("paid", seconds)
    ours = books(buyer)
    assert ours["arrived"] == [[buyer.amount_msats, buyer.amount_msats, 0, True]]
    assert ours["refunds"] == []
    assert ours["admitting"] == ours["quantity"]
    assert [row["amount_msats"] for row in buyer.stack.node.payments(ours["hashes"])] == [buyer.amount_msats]


def assert_one_mail(buyer: Buyer, seconds: float = 30) -> None:
    """The buyer got their tickets by mail, once."""
    wait_until(lambda: buyer.stack.mailbox.to(buyer.email), seconds, f"a mail to {buyer.email}")
    due = "Mail.objects.filter(order__pk=pk, status='due').count()"
    wait_until(lambda: buyer.stack.django(due, pk=buyer.order_id) == 0, seconds, "no mail is due")
    assert len(buyer.stack.mailbox.to(buyer.email)) == 1


def post_webhook(
    shop: FaultyStack,
    entity_id: str,
    *,
    kind: str = "PAYMENT_FINISHED",
    key: str = "",
    sign: bool = True,
    change: bytes = b"",
) -> requests.Response:
    """A webhook as the node would send it, from a sender with patience; `change` is added after signing."""
    event = {"event_type": kind, "event_id": uuid.uuid4().hex, "entity_id": entity_id}
    body = json.dumps(event).encode()
    key = key or shop.env["LIGHTSPARK_WEBHOOK_SIGNING_KEY"]
    digest = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
    headers = {"lightspark-signature": digest} if sign else {}
    url = f"{shop.shop_url}/api/webhooks/payment"
    return requests.post(url, data=body + change, headers=headers, timeout=30)
