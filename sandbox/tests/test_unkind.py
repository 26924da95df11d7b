"""Realistic nodes and wallets: fees, reserves, payments under way, other kinds of either."""

import hashlib

import bolt11
import lightspark
import pytest
import requests
from lightspark.objects.LightsparkNode import LightsparkNode
from lightspark.objects.PaymentFailureReason import PaymentFailureReason
from lightspark.utils.currency_amount import amount_as_msats

from conftest import NODE_ID, until

STATUS = lightspark.TransactionStatus


@pytest.fixture(scope="module")
def shop(running):
    return running.client()


class Payer:
    """A node of its own with 1,000 sats that sends as nodes do in life."""

    def __init__(self, sandbox):
        made = sandbox.post("/api/nodes", {"name": "payer", "balance_sats": 1000}, expect=201)
        self.id, self.sandbox = made["node_id"], sandbox
        self.client = sandbox.client(made["client_id"], made["client_secret"])
        self.client.recover_node_signing_key(self.id, made["node_password"])

    def pay(self, text: str, max_fee_msats: int = 10_000, **more) -> lightspark.OutgoingPayment:
        return self.client.pay_invoice(self.id, text, 30, max_fee_msats, **more)

    def ended(self, payment) -> lightspark.OutgoingPayment:
        """The payment once it is no longer PENDING."""

        def look():
            seen = self.client.get_entity(payment.id, lightspark.OutgoingPayment)
            return seen if seen.status != STATUS.PENDING else None

        return until(look)

    @property
    def balances(self) -> tuple[int, int]:
        seen = self.client.get_entity(self.id, LightsparkNode).balances
        return amount_as_msats(seen.owned_balance), amount_as_msats(seen.available_to_send_balance)


@pytest.fixture
def payer(sandbox) -> Payer:
    return Payer(sandbox)


def asked(shop, sats: int) -> str:
    return shop.create_invoice(NODE_ID, sats * 1000).data.encoded_payment_request


def test_a_payment_is_pending_first_and_tells_its_fee_and_key_in_the_list(sandbox, shop, payer):
    under_way = payer.pay(asked(shop, 500), idempotency_key="k1")
    assert under_way.status == STATUS.PENDING
    paid = payer.ended(under_way)
    assert (paid.status, amount_as_msats(paid.amount), amount_as_msats(paid.fees)) == (
        STATUS.SUCCESS,
        500_000,
        2000,
    )
    assert payer.balances == (1_000_000 - 502_000, 498_000 - 4980)
    (listed,) = payer.client.get_current_account().get_transactions(10).entities[:1]
    assert (listed.idempotency_key, amount_as_msats(listed.fees)) == ("k1", 2000)
    assert payer.pay(asked(shop, 1), idempotency_key="k1").id == paid.id


def test_a_fee_is_never_more_than_was_allowed(sandbox, shop, payer):
    assert amount_as_msats(payer.ended(payer.pay(asked(shop, 500), 700)).fees) == 700
    assert amount_as_msats(payer.ended(payer.pay(asked(shop, 100), 0)).fees) == 0


def test_the_reserve_cannot_be_sent(sandbox, shop, payer):
    refused = payer.pay(asked(shop, 991), 0)
    assert refused.failure_reason == PaymentFailureReason.INSUFFICIENT_BALANCE
    refused = payer.pay(asked(shop, 990), 10)
    assert refused.failure_reason == PaymentFailureReason.INSUFFICIENT_BALANCE
    assert payer.ended(payer.pay(asked(shop, 990), 0)).status == STATUS.SUCCESS


def test_a_failed_payment_gives_amount_and_fee_back(sandbox, shop, payer):
    made = shop.create_invoice(NODE_ID, 500_000)
    under_way = payer.pay(made.data.encoded_payment_request)
    shop.cancel_invoice(made.id)
    failed = payer.ended(under_way)
    assert (failed.status, failed.failure_reason, failed.fees) == (
        STATUS.FAILED,
        PaymentFailureReason.INVOICE_CANCELLED,
        None,
    )
    assert payer.balances[0] == 1_000_000


def test_a_dear_route_is_not_found_below_its_price(sandbox, shop, payer):
    sandbox.fault("route_costs", fee_msats=5000)
    for allowed in (0, 4999):
        assert payer.pay(asked(shop, 100), allowed).failure_reason == PaymentFailureReason.NO_ROUTE
    assert amount_as_msats(payer.ended(payer.pay(asked(shop, 100), 9000)).fees) == 5000


def test_no_route_ends_by_itself(sandbox, shop, payer):
    text = sandbox.post("/api/wallets/alice/invoices", {"amount_sats": 5}, expect=200)["bolt11"]
    sandbox.fault("no_route", match="wallet", delay_s=0.5)
    assert payer.pay(text).failure_reason == PaymentFailureReason.NO_ROUTE
    assert payer.ended(payer.pay(asked(shop, 5))).status == STATUS.SUCCESS
    until(lambda: payer.ended(payer.pay(text)).status == STATUS.SUCCESS)


def test_the_operator_adds_to_the_float_what_was_agreed(sandbox, payer):
    changed = requests.patch(f"{sandbox.url}/api/nodes/{payer.id}", json={"float_percent": 5}, timeout=5)
    assert changed.json()["float_percent"] == 5
    made = payer.client.create_invoice(payer.id, 10_001_000)
    sandbox.post("/api/payments", {"bolt11": made.data.encoded_payment_request}, expect=200)
    assert payer.balances[0] == 1_000_000 + 10_001_000 + 500_050
    refused = requests.patch(f"{sandbox.url}/api/nodes/{payer.id}", json={"settle_s": -1}, timeout=5)
    assert refused.status_code == 400


def test_a_channel_opened_for_a_payment_costs_the_payee(sandbox, shop, receiver):
    made = shop.create_invoice(NODE_ID, 50_000)
    sandbox.fault("channel_opening_fees", count=1, fee_msats=3000)
    paid = sandbox.post("/api/payments", {"bolt11": made.data.encoded_payment_request}, expect=200)
    (row,) = paid["payments"]
    assert (row["amount_msats"], row["received_msats"]) == (50_000, 47_000)
    seen = shop.get_entity(row["to"]["payment_id"], lightspark.IncomingPayment)
    assert amount_as_msats(seen.amount) == 47_000
    told = until(lambda: [one for one in receiver.events if one["event_type"] == "CHANNEL_OPENING_FEES"])
    assert told[-1]["entity_id"] == NODE_ID


def test_an_expired_invoice_cannot_be_canceled(sandbox, shop):
    made = shop.create_invoice(NODE_ID, 1000, expiry_secs=1)
    until(lambda: shop.get_entity(made.id, lightspark.Invoice).status.value == "CLOSED")
    with pytest.raises(lightspark.LightsparkException) as refused:
        shop.cancel_invoice(made.id)
    assert "InvoiceExpiredException" in str(refused.value.args)


def test_a_refusal_names_its_kind(sandbox, shop):
    with pytest.raises(lightspark.LightsparkException) as refused:
        shop.cancel_invoice("Invoice:unknown")
    assert "'extensions': {'error_name': 'NotFoundException'}" in refused.value.args[1]


def test_a_node_is_found_however_its_id_is_spelled(sandbox, shop):
    assert NODE_ID.startswith("LightsparkNodeWithOSKLND:")
    for kind in ("LightsparkNodeWithOSK", "LightsparkNodeWithOSKLND", "LightsparkNode"):
        other = f"{kind}:{NODE_ID.partition(':')[2]}"
        assert shop.get_entity(other, LightsparkNode).id == NODE_ID
        assert shop.create_invoice(other, 1000).data.destination.id == NODE_ID
    assert shop.get_entity("LightsparkNode:", LightsparkNode) is None


def test_test_money_does_not_work_on_mainnet(sandbox):
    made = sandbox.post("/api/nodes", {"name": "real", "network": "MAINNET"}, expect=201)
    client = sandbox.client(made["client_id"], made["client_secret"])
    asked = client.create_invoice(made["node_id"], 1000)
    with pytest.raises(lightspark.LightsparkException):
        client.create_test_mode_payment(made["node_id"], asked.data.encoded_payment_request)


CREATE = """
mutation CreateInvoice($node_id: ID!, $amount_msats: Long!, $memo: String, $type: InvoiceType = null
  $expiry_secs: Int = null, $payment_hash: Hash32 = null, $preimage_nonce: Hash32 = null) {
  create_invoice(input: { node_id: $node_id, amount_msats: $amount_msats, memo: $memo, invoice_type: $type,
    expiry_secs: $expiry_secs, payment_hash: $payment_hash, preimage_nonce: $preimage_nonce
  }) { invoice { id data { encoded_payment_request payment_hash } } }
}"""


def test_an_invoice_as_the_javascript_sdk_asks_for_it(sandbox, shop):
    plain = shop.execute_graphql_request(CREATE, {"node_id": NODE_ID, "amount_msats": 1000})
    assert plain["create_invoice"]["invoice"]["data"]["payment_hash"]
    preimage = b"7" * 32
    wanted = hashlib.sha256(preimage).hexdigest()
    given = {"payment_hash": wanted, "preimage_nonce": "00" * 32}
    held = shop.execute_graphql_request(CREATE, {"node_id": NODE_ID, "amount_msats": 1000} | given)
    text = held["create_invoice"]["invoice"]["data"]["encoded_payment_request"]
    assert bolt11.decode(text).payment_hash == wanted
    (paid,) = sandbox.post("/api/payments", {"bolt11": text}, expect=200)["payments"]
    assert paid["status"] == "PENDING"
    sandbox.post(f"/api/payments/{paid['from']['payment_id']}/resolve", {"to": "SUCCESS"}, expect=200)
    with pytest.raises(lightspark.LightsparkException):
        shop.execute_graphql_request(CREATE, {"node_id": NODE_ID, "amount_msats": 1000} | given)


def test_a_node_without_balances_and_one_that_signs_remotely(sandbox, shop):
    sandbox.fault("node_no_balances", match=NODE_ID)
    assert shop.get_entity(NODE_ID, LightsparkNode).balances is None
    requests.delete(f"{sandbox.url}/api/faults", timeout=5)
    sandbox.fault("node_remote_signing", match=NODE_ID)
    assert type(shop.get_entity(NODE_ID, LightsparkNode)).__name__ == "LightsparkNodeWithRemoteSigning"
    with pytest.raises((lightspark.LightsparkException, KeyError)):
        sandbox.client().recover_node_signing_key(NODE_ID, "shop-password")


def test_amounts_come_in_other_units(sandbox, shop):
    sandbox.fault("other_units")
    amounts = [shop.create_invoice(NODE_ID, msats).data.amount for msats in (2_000, 2_001)]
    assert [(one.original_value, one.original_unit.value) for one in amounts] == [
        (2, "SATOSHI"),
        (2001, "MILLISATOSHI"),
    ]
    assert [amount_as_msats(one) for one in amounts] == [2000, 2001]


def test_a_wallet_in_dollars_keeps_its_fee(sandbox):
    sandbox.fault("wallet_in_dollars", match="alice", fee_msats=10_000)
    had = sandbox.get("/api/wallets/alice")["balance_msats"]
    to = {"to": f"$alice@{sandbox.domain}", "amount_sats": 1000}
    paid = sandbox.post("/api/wallets/bob/pay", to, expect=200)
    assert paid["status"] == "succeeded"
    assert sandbox.get("/api/wallets/alice")["balance_msats"] == had + 990_000


def test_a_fee_above_the_payment_leaves_a_negative_amount(sandbox):
    sandbox.fault("wallet_in_dollars", match="alice", fee_msats=250_000)
    callback = sandbox.get("/.well-known/lnurlp/alice")["callback"]
    answer = requests.get(callback, params={"amount": 40_000, "convert": "USD"}, timeout=5).json()
    assert (answer["converted"]["amount"], answer["converted"]["fee"]) == (-14, 250_000)


def test_a_wallet_that_insists_on_payer_data(sandbox):
    sandbox.fault("wallet_wants_payer_data", match="alice")
    found = sandbox.get("/.well-known/lnurlp/alice")
    assert found["payerData"] == {"name": {"mandatory": True}, "email": {"mandatory": True}}
    ask = {"amount": 5000}
    refused = requests.get(found["callback"], params=ask, timeout=5)
    assert (refused.status_code, refused.json()["code"]) == (400, "MISSING_MANDATORY_PAYER_DATA")
    ask["payerData"] = '{"identifier": "$bob@b.example", "name": "Bob", "email": "bob@b.example"}'
    assert requests.get(found["callback"], params=ask, timeout=5).json()["pr"]


def test_a_wallet_that_is_gone_ends_the_connection(sandbox):
    sandbox.fault("wallet_gone", match="alice")
    with pytest.raises(requests.ConnectionError):
        sandbox.get("/.well-known/lnurlp/alice")
    assert sandbox.get("/.well-known/lnurlp/bob")["tag"] == "payRequest"
