"""Statements of the four acts that a sale is made of, and how PostgreSQL finds their rows.

Counted without those that begin and end transactions, or wake somebody afterwards. The node is a toy that
answers at once.
"""

import hashlib
import hmac
import json
import re
import secrets
from contextlib import contextmanager

import pytest
from django.conf import settings as shop
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from payments.models import Invoice
from payments.node import lightspark
from payments.tests.toy_node import ToyNode, listed_payment, opened_invoice, sats
from tests import many_rows
from tests.factories import EventFactory, PromoCodeFactory, QuestionFactory, TicketTypeFactory
from tickets.models import Mail, Order

pytestmark = pytest.mark.django_db(transaction=True)

CONTROL = re.compile(r"\s*(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|NOTIFY)", re.IGNORECASE)
LOCKS = 1 if connection.vendor == "postgresql" else 0  # on SQLite, writers take turns
FEW = {"payments_refund", "payments_posttransaction"}  # in the shop below, so that PostgreSQL just reads them
GROWING = re.compile(rf"Seq Scan on ({'|'.join({*many_rows.TABLES, 'accounts_usage'} - FEW)})\b")
WALLET = "$bob@localhost:8081"


@pytest.fixture
def node(settings):
    """Our node: it opens the invoices it is asked for, and says that each of them was paid."""
    toy, opened = ToyNode(), {}

    def answer(operation: str, variables: dict) -> dict:
        if "amount_msats" not in variables:
            return {"data": {"entity": opened}}
        name = secrets.token_hex(16)
        invoice = opened_invoice(name, variables["amount_msats"], variables["expiry_secs"])
        opened.update(
            listed_payment(1, timezone.now()),
            incoming_payment_transaction_hash=invoice["invoice_data"]["invoice_data_payment_hash"],
            incoming_payment_amount=sats(variables["amount_msats"] // 1000),
            incoming_payment_payment_request={"id": invoice["invoice_id"]},
        )
        return {"data": {"create_lnurl_invoice": {"invoice": invoice}}}

    toy.answer = answer
    settings.LIGHTSPARK_BASE_URL = toy.url
    lightspark._client.cache_clear()
    yield toy
    lightspark._client.cache_clear()
    toy.close()


@contextmanager
def statements():
    """The statements that the block sends."""
    said: list[str] = []
    with CaptureQueriesContext(connection) as asked:
        yield said
    said += [each["sql"] for each in asked.captured_queries if not CONTROL.match(each["sql"])]


def buy(client, event, **more) -> dict:
    body = {"event_id": event.pk, "quantity": 1, "email": "bob@example.com", "name": "Bob"} | more
    answer = client.post(
        "/api/tickets/purchase", body, content_type="application/json", headers={"Idempotency-Key": "k" * 30}
    )
    assert answer.status_code == 201, answer.content
    return answer.json()


def checkout(client, event, **more):
    """What a browser asks for from the event's page to the order's."""
    page = client.get(event.get_absolute_url()).content.decode()
    hidden = dict(re.findall(r'name="(key|price_sats)" value="([^"]+)"', page))
    said = {"quantity": 1, "email": "bob@example.com", "name": "Bob"} | hidden | more
    return client.get(client.post(event.get_absolute_url(), said)["Location"])


def tell_of_payment(client):
    said = {"event_id": "1", "event_type": "PAYMENT_FINISHED", "entity_id": f"IncomingPayment:{1:032x}"}
    body = json.dumps(said).encode()
    key = shop.LIGHTSPARK_WEBHOOK_SIGNING_KEYS[0].encode()
    headers = {"lightspark-signature": hmac.new(key, body, hashlib.sha256).hexdigest()}
    return client.post("/api/webhooks/payment", body, content_type="application/json", headers=headers)


# -- how many -----------------------------------------------------------------------------------
@pytest.mark.parametrize("more", [{}, {"quantity": 3}, {"uma_address": WALLET}])
def test_a_purchase_is_ten_statements_and_a_lock(client, node, more):
    event = EventFactory()
    with statements() as said:
        bought = buy(client, event, **more)
    assert bought["payment"]["bolt11"]
    assert bought["payment"]["uma_invoice"]
    assert len(said) == 10 + LOCKS, "\n".join(said)


@pytest.mark.parametrize("types", [1, 30])
@pytest.mark.parametrize("code", [0, 1])
def test_a_purchase_of_many_types_is_as_many_and_one_with_a_code(client, node, types, code):
    event = EventFactory(max_per_order=50, capacity=100)
    wanted = [event.default_type, *(TicketTypeFactory(event=event) for _number in range(types - 1))]
    items = [{"ticket_type_id": each.pk, "quantity": 1} for each in wanted]
    more = {"promo_code": PromoCodeFactory(event=event, types=wanted).text} if code else {}
    body = {"event_id": event.pk, "items": items, "email": "bob@example.com"} | more
    with statements() as said:
        answer = client.post("/api/tickets/purchase", body, content_type="application/json")
    assert answer.status_code == 201, answer.content
    assert len(said) == 10 + code + LOCKS, "\n".join(said)


@pytest.mark.parametrize("questions", [1, 20])
def test_a_purchase_with_answers_is_one_statement_more(client, node, questions):
    event = EventFactory()
    asked = [QuestionFactory(event=event, is_required=True) for _number in range(questions)]
    answers = [{"question_id": each.pk, "values": ["x"]} for each in asked]
    with statements() as said:
        bought = buy(client, event, answers=answers)
    assert len(bought["answers"]) == questions
    assert len(said) == 10 + 1 + LOCKS, "\n".join(said)


@pytest.mark.parametrize("quantity", [1, 3])
def test_a_free_ticket_is_eight_statements_and_a_lock(client, quantity):
    event = EventFactory(price_sats=0)
    with statements() as said:
        bought = buy(client, event, quantity=quantity)
    assert bought["tickets"][0]["ticket_code"]
    assert len(said) == 8 + LOCKS, "\n".join(said)


def test_a_checkout_by_pages_is_thirteen_statements_and_a_lock(client, node):
    """In a shop that is at work: somebody has looked at the event, so that its page is in the cache."""
    event = EventFactory()
    Client().get(event.get_absolute_url())
    with statements() as said:
        page = checkout(client, event)
    assert b"<svg" in page.content
    assert len(said) == 13 + LOCKS, "\n".join(said)


def test_a_webhook_that_pays_an_order_is_twelve_statements(client, node):
    buy(client, EventFactory())
    with statements() as said:
        assert tell_of_payment(client).status_code == 200
    assert (Order.objects.get().is_paid, Mail.objects.count()) == (True, 1)
    assert Invoice.objects.get().status == Invoice.Status.PAID
    assert len(said) == 12, "\n".join(said)


def test_an_answer_repeated_is_the_answer_given(client, node):
    """What is answered from what is in hand is what is stored."""
    event = EventFactory()
    first = buy(client, event, quantity=2, uma_address=WALLET)
    assert buy(client, event, quantity=2, uma_address=WALLET) == first
    free = EventFactory(price_sats=0)
    first = buy(client, free, email="ann@example.com")
    assert buy(client, free, email="ann@example.com") == first


# -- how ------------------------------------------------------------------------------------------
@pytest.mark.skipif(connection.vendor != "postgresql", reason="plans are PostgreSQL's")
def test_no_act_reads_a_growing_table_from_end_to_end(client, node):
    """In a shop of a thousand events and five thousand orders."""
    with connection.cursor() as cursor, transaction.atomic():
        many_rows.add_events(cursor.execute, 1, 1000)
        many_rows.add_orders(cursor.execute, 1, 5000)
        cursor.execute(
            "INSERT INTO accounts_usage (key, uses, until) SELECT md5('use' || i), 1, 2000000000 + i"
            " FROM generate_series(1, 5000) AS i"
        )
    with connection.cursor() as cursor:
        many_rows.analyze(cursor.execute)
        cursor.execute("ANALYZE accounts_usage")
    paid, free = EventFactory(), EventFactory(price_sats=0)
    with statements() as said:
        buy(client, paid, uma_address=WALLET)
        tell_of_payment(client)
        buy(client, free, email="ann@example.com")
        checkout(client, paid, uma_address=WALLET)
    assert Order.objects.filter(payment__status="settled", event=paid).exists()
    plans = {}
    with connection.cursor() as cursor:
        for statement in said:
            cursor.execute("EXPLAIN " + statement.replace("%", "%%"))
            plans[statement] = "\n".join(line for (line,) in cursor.fetchall())
    read = {statement: plan for statement, plan in plans.items() if GROWING.search(plan)}
    assert not read, "\n\n".join(f"{statement}\n{plan}" for statement, plan in read.items())
