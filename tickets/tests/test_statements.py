"""Statements of the four acts that a sale is made of, and how PostgreSQL finds their rows.

Counted without transaction control; the node is a toy that answers at once.
"""

import hashlib
import hmac
import json
import re
import secrets
from contextlib import contextmanager

import pytest
from django.conf import settings as shop
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from payments.models import Invoice
from payments.node import lightspark
from payments.tests.toy_node import ToyNode, listed_payment, opened_invoice, sats
from tests.factories import EventFactory
from tickets.models import Order

pytestmark = pytest.mark.django_db(transaction=True)

CONTROL = re.compile(r"BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE", re.IGNORECASE)


@pytest.fixture
def node(settings):
    toy = ToyNode()
    settings.LIGHTSPARK_BASE_URL = toy.url
    lightspark._client.cache_clear()
    yield toy
    lightspark._client.cache_clear()
    toy.close()


def opens(operation: str, variables: dict) -> dict:
    invoice = opened_invoice(secrets.token_hex(16), variables["amount_msats"], variables["expiry_secs"])
    return {"data": {"create_lnurl_invoice": {"invoice": invoice}}}


@contextmanager
def statements():
    """The statements that the block sends, without those that only begin and end transactions."""
    said: list[str] = []
    with CaptureQueriesContext(connection) as asked:
        yield said
    said += [each["sql"] for each in asked.captured_queries if not CONTROL.match(each["sql"])]


def buy_by_api(client, event, **more):
    body = {"event_id": event.pk, "quantity": 1, "email": "ann@example.com", "name": "Ann"} | more
    return client.post("/api/tickets/purchase", body, content_type="application/json")


def test_purchase(client, node):
    node.answer, event = opens, EventFactory()
    buy_by_api(client, event)
    with statements() as said:
        bought = buy_by_api(client, event, email="bob@example.com").json()
    assert bought["payment"]["bolt11"]
    print("PURCHASE", len(said), *said, sep="\n")


def test_free(client):
    event = EventFactory(price_sats=0)
    buy_by_api(client, event)
    with statements() as said:
        bought = buy_by_api(client, event, email="bob@example.com").json()
    assert bought["tickets"][0]["ticket_code"]
    print("FREE", len(said), *said, sep="\n")


def test_checkout_by_pages(client, node):
    node.answer, event = opens, EventFactory()
    buy_by_api(client, event)
    with statements() as said:
        page = client.get(event.get_absolute_url())
        form = {"quantity": 1, "email": "bob@example.com", "name": "Bob", "price_sats": event.price_sats}
        form["key"] = page.context["form"]["key"].value()
        answer = client.post(event.get_absolute_url(), form)
        order = client.get(answer["Location"])
    assert b"<svg" in order.content
    print("PAGES", len(said), *said, sep="\n")


def test_webhook(client, node):
    node.answer = opens
    buy_by_api(client, EventFactory())
    invoice = Invoice.objects.get()
    paid = listed_payment(1, timezone.now()) | {
        "incoming_payment_transaction_hash": invoice.payment_hash,
        "incoming_payment_amount": sats(2100),
        "incoming_payment_payment_request": {"id": invoice.invoice_id},
    }
    node.answer = lambda operation, variables: {"data": {"entity": paid}}
    hook = json.dumps({"event_id": "1", "event_type": "PAYMENT_FINISHED", "entity_id": paid["id"]})
    signature = hmac.new(
        shop.LIGHTSPARK_WEBHOOK_SIGNING_KEYS[0].encode(), hook.encode(), hashlib.sha256
    ).hexdigest()
    with statements() as said:
        client.post(
            "/api/webhooks/payment", hook, content_type="application/json",
            headers={"lightspark-signature": signature},
        )  # fmt: skip
    assert Order.objects.get().is_paid
    print("WEBHOOK", len(said), *said, sep="\n")
