"""Rarely needed operations of the SDK, and the node's answers to invalid requests."""

import lightspark
import pytest
import requests
from lightspark.objects.LightsparkNode import LightsparkNode
from lightspark.objects.OutgoingPayment import OutgoingPayment
from lightspark.objects.TransactionType import TransactionType
from lightspark.objects.WithdrawalMode import WithdrawalMode

from conftest import KIND, NODE_ID


@pytest.fixture(scope="module")
def own(running):
    """A node of one's own with its key unlocked."""
    made = running.post("/api/nodes", {"name": "other", "balance_sats": 50_000} | KIND, expect=201)
    client = lightspark.LightsparkSyncClient(
        made["client_id"], made["client_secret"], base_url=made["base_url"]
    )
    client.recover_node_signing_key(made["node_id"], made["node_password"])
    return client, made["node_id"]


def balance(client, node_id: str) -> int:
    return client.get_entity(node_id, LightsparkNode).balances.available_to_send_balance.original_value


def test_fund_withdraw_and_keysend_move_money(sandbox, own):
    client, node_id = own
    begin = balance(client, node_id)
    assert client.fund_node(node_id, 1000).original_value == 1_000_000
    request = client.request_withdrawal(node_id, 400, "bcrt1qxyz", WithdrawalMode.WALLET_ONLY)
    assert (request.status.value, request.requested_amount.original_value) == ("SUCCESSFUL", 400_000)
    shop = sandbox.client().get_entity(NODE_ID, LightsparkNode)
    sent = client.send_payment(node_id, shop.public_key, 5000, 30, 1000)
    assert sent.status == lightspark.TransactionStatus.SUCCESS
    assert balance(client, node_id) == begin + 1_000_000 - 400_000 - 5000


def test_lists_of_the_account(sandbox, own):
    client, node_id = own
    shop = sandbox.client().get_entity(NODE_ID, LightsparkNode)
    client.send_payment(node_id, shop.public_key, 1000, 30, 1000)
    client.request_withdrawal(node_id, 100, "bcrt1qxyz", WithdrawalMode.WALLET_ONLY)
    account = client.get_current_account()
    assert [node.id for node in account.get_nodes().entities] == [node_id]
    assert len(account.get_api_tokens().entities) >= 1
    assert account.get_channels(lightspark.BitcoinNetwork.REGTEST).count == 0
    assert account.get_wallets().count == 0
    assert account.get_local_balance().original_value == balance(client, node_id)
    made = client.create_invoice(node_id, 1000)
    assert account.get_payment_requests(first=1).entities[0].id == made.id
    kinds = {type(one).__name__ for one in account.get_transactions().entities}
    assert {"Deposit", "OutgoingPayment"} <= kinds
    only = account.get_transactions(types=[TransactionType.OUTGOING_PAYMENT]).entities
    assert only
    assert all(isinstance(one, OutgoingPayment) for one in only)
    assert account.get_withdrawal_requests().count >= 1
    node = client.get_entity(node_id, LightsparkNode)
    assert (node.get_addresses().count, node.get_channels().count) == (0, 0)


def test_tokens_fees_addresses_and_screening(sandbox, own):
    client, node_id = own
    token, secret = client.create_api_token("more", transact=True, test_mode=True)
    second = sandbox.client(token.client_id, secret)
    assert second.get_current_account().id == client.get_current_account().id
    client.delete_api_token(token.id)
    with pytest.raises(lightspark.LightsparkException):
        second.get_current_account()
    text = client.create_test_mode_invoice(node_id, 2000, "theirs")
    assert client.get_decoded_payment_request(text).memo == "theirs"
    assert client.get_lightning_fee_estimate_for_invoice(node_id, text).original_value == 0
    assert client.get_bitcoin_fee_estimate(lightspark.BitcoinNetwork.REGTEST).fee_fast.original_value > 0
    assert client.create_node_wallet_address(node_id)
    node = client.get_entity(node_id, LightsparkNode)
    assert client.screen_node(lightspark.ComplianceProvider.CHAINALYSIS, node.public_key).value == "LOW_RISK"
    paid = client.pay_invoice(node_id, text, 30, 1000)
    sent = lightspark.PaymentDirection.SENT
    provider = lightspark.ComplianceProvider.CHAINALYSIS
    assert client.register_payment(provider, paid.id, node.public_key, sent).id == paid.id
    assert [one.id for one in client.get_entity(paid.id, OutgoingPayment).get_attempts().entities] == []


def test_invitations(sandbox, own):
    client, _ = own
    made = client.create_uma_invitation("$a@b.example")
    client.claim_uma_invitation(made.code, "$c@d.example")
    with pytest.raises(lightspark.LightsparkException):
        client.claim_uma_invitation(made.code, "$e@f.example")


def test_failing_htlcs_ends_a_pending_payment(sandbox, own):
    client, node_id = own
    shop = sandbox.client()
    made = shop.create_invoice(NODE_ID, 3000)
    sandbox.fault("payment_pending", count=1, delay_s=600)
    begin = balance(client, node_id)
    sent = client.pay_invoice(node_id, made.data.encoded_payment_request, 30, 1000)
    assert (sent.status.value, balance(client, node_id)) == ("PENDING", begin - 3000)
    shop.fail_htlcs(made.id)
    ended = client.get_entity(sent.id, OutgoingPayment)
    assert (ended.status.value, ended.failure_reason.value) == ("FAILED", "INVOICE_CANCELLED")
    assert balance(client, node_id) == begin


def test_payment_without_balance_or_route_fails_with_its_reason(sandbox, own):
    client, node_id = own
    made = sandbox.client().create_invoice(NODE_ID, 10**12)
    failed = client.pay_invoice(node_id, made.data.encoded_payment_request, 30, 1000)
    assert failed.failure_reason.value == "INSUFFICIENT_BALANCE"
    zero = sandbox.client().create_invoice(NODE_ID, 0)
    with pytest.raises(lightspark.LightsparkException, match="amount"):
        client.pay_invoice(node_id, zero.data.encoded_payment_request, 30, 1000)
    paid = client.pay_invoice(node_id, zero.data.encoded_payment_request, 30, 1000, 7000)
    assert paid.amount.original_value == 7000
    with pytest.raises(lightspark.LightsparkException, match="BOLT11"):
        client.pay_invoice(node_id, "lnbc1nonsense", 30, 1000)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"query": 5}',
        b'{"query": "{"}',
        b'{"query": "{ nothing_known { id } }"}',
        b'{"query": "{ entity(id: 5) { id } }"}',
        b'{"query": "{ current_account { no_such_field } }"}',
        b'{"query": "{ current_account { transactions(first: \\"x\\") { count } } }"}',
        b'{"query": "{ current_account { transactions(after_date: \\"x\\") { count } } }"}',
        b'{"query": "mutation { create_invoice(input: {node_id: 1}) { invoice { id } } }"}',
        b'{"query": "mutation { create_invoice(input: 5) { invoice { id } } }"}',
        b'{"query": "mutation { cancel_invoice { invoice { id } } }"}',
        b'{"query": "{ a { b } }", "variables": [1]}',
        b"\xff\xfe",
    ],
)
def test_nonsense_is_refused_politely(sandbox, body):
    answer = requests.post(
        f"{sandbox.url}/graphql/server/2023-09-13", data=body, auth=("shop", "shop-secret"), timeout=5
    )
    assert answer.status_code in (200, 400)
    if b"entity(id: 5)" not in body:
        assert answer.json()["errors"]


@pytest.mark.parametrize("header", ["", "Basic", "Basic !!!", "Bearer x", "Basic c2hvcA=="])
def test_credentials_are_needed(sandbox, header):
    url = f"{sandbox.url}/graphql/server/2023-09-13"
    assert requests.post(url, data=b"{}", headers={"Authorization": header}, timeout=5).status_code == 401
