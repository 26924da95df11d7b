"""The unmodified Lightspark SDK against the node: every operation that is valid."""

import hashlib
from datetime import UTC, datetime, timedelta

import bolt11
import lightspark
import pytest
from cryptography.exceptions import InvalidTag
from lightspark.objects.LightsparkNode import LightsparkNode
from lightspark.utils.currency_amount import amount_as_msats

from conftest import KIND, NODE_ID, SECRET, until

METADATA = '[["text/plain","A ticket"]]'


@pytest.fixture(scope="module")
def shop(running):
    return running.client()


@pytest.fixture
def payer(sandbox):
    """A second node with credentials of its own and 100,000 sats."""
    made = sandbox.post("/api/nodes", {"name": "payer", "balance_sats": 100_000} | KIND, expect=201)
    client = sandbox.client(made["client_id"], made["client_secret"])
    client.recover_node_signing_key(made["node_id"], made["node_password"])
    return client, made


def test_uma_invoice_is_real_bolt11_signed_by_the_node(sandbox, shop):
    made = shop.create_uma_invoice(
        NODE_ID,
        21_000,
        METADATA,
        expiry_secs=300,
        signing_private_key=b"1" * 32,
        receiver_identifier="$a@b.c",
    )
    decoded = bolt11.decode(made.data.encoded_payment_request)
    node = shop.get_entity(NODE_ID, LightsparkNode)
    assert (decoded.currency, int(decoded.amount_msat), decoded.expiry) == ("bcrt", 21_000, 300)
    assert decoded.description_hash == hashlib.sha256(METADATA.encode()).hexdigest()
    assert decoded.payee == node.public_key
    assert decoded.payment_hash == made.data.payment_hash


def test_paid_invoice_is_seen_by_entity_hash_list_and_signed_webhook(sandbox, shop, receiver):
    made = shop.create_invoice(NODE_ID, 21_000, memo="ticket", expiry_secs=120)
    before = shop.get_entity(NODE_ID, LightsparkNode).balances.owned_balance.original_value
    paid = shop.create_test_mode_payment(NODE_ID, made.data.encoded_payment_request)
    hook = until(lambda: receiver.about(paid.id))[0]
    event = lightspark.WebhookEvent.verify_and_parse(hook["body"], hook["signature"], SECRET)
    assert event.event_type == lightspark.WebhookEventType.PAYMENT_FINISHED
    seen = shop.get_entity(event.entity_id, lightspark.IncomingPayment)
    assert (seen.status, amount_as_msats(seen.amount)) == (lightspark.TransactionStatus.SUCCESS, 21_000)
    assert seen.payment_request_id == made.id
    assert shop.get_entity(made.id, lightspark.Invoice).amount_paid.original_value == 21_000
    assert shop.invoice_for_payment_hash(made.data.payment_hash).id == made.id
    listed = shop.execute_graphql_request(
        "query P($i: ID!) { incoming_payments_for_invoice(input: {invoice_id: $i, statuses: [SUCCESS]})"
        " { payments { id status amount { original_value original_unit } } } }",
        {"i": made.id},
    )
    assert [one["id"] for one in listed["incoming_payments_for_invoice"]["payments"]] == [paid.id]
    assert shop.get_entity(NODE_ID, LightsparkNode).balances.owned_balance.original_value == before + 21_000


def test_account_transactions_page_newest_first(sandbox, shop):
    begin = datetime.now(UTC) - timedelta(seconds=1)
    paid = []
    for number in range(5):
        made = shop.create_invoice(NODE_ID, 1000 + number)
        paid.append(shop.create_test_mode_payment(NODE_ID, made.data.encoded_payment_request).id)
    account = shop.get_current_account()
    seen, cursor = [], None
    while True:
        page = account.get_transactions(
            first=2, after=cursor, after_date=begin, types=[lightspark.TransactionType.INCOMING_PAYMENT]
        )
        seen += [one.id for one in page.entities]
        cursor = page.page_info.end_cursor
        if not page.page_info.has_next_page:
            break
    assert [one for one in seen if one in paid] == paid[::-1]
    later = account.get_transactions(after_date=datetime.now(UTC) + timedelta(hours=1))
    assert later.count == 0


def test_signed_payment_moves_money_and_reveals_the_preimage(sandbox, shop, payer):
    client, made = payer
    asked = shop.create_uma_invoice(NODE_ID, 50_000, METADATA)
    text = asked.data.encoded_payment_request
    sent = client.pay_uma_invoice(made["node_id"], text, 30, 1000, idempotency_key="one")
    assert sent.status == lightspark.TransactionStatus.SUCCESS
    assert hashlib.sha256(bytes.fromhex(sent.payment_preimage)).hexdigest() == asked.data.payment_hash
    assert client.pay_uma_invoice(made["node_id"], text, 30, 1000, idempotency_key="one").id == sent.id
    assert client.outgoing_payment_for_idempotency_key("one").id == sent.id
    assert [one.id for one in client.outgoing_payments_for_invoice(text)] == [sent.id]
    assert [one.id for one in client.outgoing_payments_for_payment_hash(asked.data.payment_hash)] == [sent.id]
    again = client.pay_invoice(made["node_id"], text, 30, 1000)
    assert (
        again.failure_reason
        == lightspark.objects.PaymentFailureReason.PaymentFailureReason.INVOICE_ALREADY_PAID
    )
    assert (
        client.get_entity(made["node_id"], LightsparkNode).balances.owned_balance.original_value == 99_950_000
    )


def test_accounts_see_only_their_own(sandbox, shop, payer):
    client, _ = payer
    made = shop.create_invoice(NODE_ID, 1000)
    assert client.get_entity(made.id, lightspark.Invoice) is None
    assert client.get_entity(NODE_ID, LightsparkNode) is None
    with pytest.raises(lightspark.LightsparkException):
        client.cancel_invoice(made.id)
    with pytest.raises(lightspark.LightsparkException):
        client.create_invoice(NODE_ID, 1000)


def test_canceled_invoice_cannot_be_paid_and_paid_cannot_be_canceled(sandbox, shop, payer):
    client, node = payer
    made = shop.create_invoice(NODE_ID, 1000)
    closed = shop.cancel_invoice(made.id)
    assert (closed.status.value, closed.amount_paid) == ("CLOSED", None)
    failed = client.pay_invoice(node["node_id"], made.data.encoded_payment_request, 30, 1000)
    assert failed.failure_reason.value == "INVOICE_CANCELLED"
    other = shop.create_invoice(NODE_ID, 1000)
    client.pay_invoice(node["node_id"], other.data.encoded_payment_request, 30, 1000)
    with pytest.raises(lightspark.LightsparkException):
        shop.cancel_invoice(other.id)


def test_unsigned_replayed_and_wrongly_unlocked_operations_are_refused(sandbox, shop, payer):
    _, node = payer
    made = shop.create_invoice(NODE_ID, 1000)
    fresh = sandbox.client(node["client_id"], node["client_secret"])
    with pytest.raises(lightspark.LightsparkException):
        fresh.pay_invoice(node["node_id"], made.data.encoded_payment_request, 30, 1000)
    with pytest.raises(InvalidTag):
        fresh.recover_node_signing_key(node["node_id"], "wrong")
    with pytest.raises(lightspark.LightsparkException, match="401"):
        sandbox.client("shop", "wrong").get_current_account()


def test_missing_things_are_none(sandbox, shop):
    assert shop.get_entity("Invoice:nope", lightspark.Invoice) is None
    assert shop.get_entity("IncomingPayment:nope", lightspark.IncomingPayment) is None
    assert shop.get_entity("Nonsense", lightspark.Invoice) is None


def test_the_sdks_broken_document_is_refused_as_lightspark_refuses_it(sandbox, shop):
    with pytest.raises(lightspark.LightsparkException, match="statuses"):
        shop.incoming_payments_for_invoice("Invoice:nope", [lightspark.TransactionStatus.SUCCESS])
