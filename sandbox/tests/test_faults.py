"""Faults: each takes effect, as often as asked, and money still adds up."""

import time

import lightspark
import pytest
import requests

from conftest import NODE_ID, SECRET, until

STATUS = lightspark.TransactionStatus


@pytest.fixture(scope="module")
def shop(running):
    return running.client()


def invoice(shop, msats: int = 1000) -> str:
    return shop.create_invoice(NODE_ID, msats).data.encoded_payment_request


def pay(sandbox, bolt11: str, **more) -> dict:
    return sandbox.post("/api/payments", {"bolt11": bolt11, **more}, expect=200)["payments"][0]


def hooks_after(receiver, entity_id: str, *, wait: float) -> list[dict]:
    time.sleep(wait)  # the promise is that nothing arrives
    return receiver.about(entity_id)


def is_signed(hook: dict) -> bool:
    try:
        lightspark.WebhookEvent.verify_and_parse(hook["body"], hook["signature"], SECRET)
    except ValueError:
        return False
    return True


def test_lost_webhook_is_never_sent_until_it_is_resent(sandbox, shop, receiver):
    sandbox.fault("webhook_lost", count=1)
    paid = pay(sandbox, invoice(shop))
    assert hooks_after(receiver, paid["to"]["payment_id"], wait=0.6) == []
    sandbox.post("/api/webhooks/resend", {"payment_hash": paid["payment_hash"], "times": 3}, expect=200)
    hooks = until(lambda: len(receiver.about(paid["to"]["payment_id"])) == 3 and receiver.events)
    assert len({hook["event_id"] for hook in hooks if hook["entity_id"] == paid["to"]["payment_id"]}) == 1


def test_duplicate_late_and_forged_webhooks(sandbox, shop, receiver):
    sandbox.fault("webhook_duplicate", count=1, times=5)
    twice = pay(sandbox, invoice(shop))
    until(lambda: len(receiver.about(twice["to"]["payment_id"])) == 5)
    sandbox.fault("webhook_late", count=1, delay_s=1)
    late = pay(sandbox, invoice(shop))
    assert hooks_after(receiver, late["to"]["payment_id"], wait=0.5) == []
    assert is_signed(until(lambda: receiver.about(late["to"]["payment_id"]))[0])
    sandbox.fault("webhook_shuffled", count=3, delay_s=0.5)
    paid = [pay(sandbox, invoice(shop))["to"]["payment_id"] for _ in range(3)]
    assert all(is_signed(until(lambda one=one: receiver.about(one))[0]) for one in paid)
    sandbox.fault("webhook_forged", count=1)
    forged = pay(sandbox, invoice(shop))
    assert not is_signed(until(lambda: receiver.about(forged["to"]["payment_id"]))[0])


def test_refused_webhook_is_sent_again(sandbox, shop, receiver):
    receiver.status = 503
    paid = pay(sandbox, invoice(shop))
    until(lambda: receiver.about(paid["to"]["payment_id"]))
    receiver.status = 200
    until(lambda: len(receiver.about(paid["to"]["payment_id"])) >= 2)


@pytest.mark.parametrize(
    ("how", "valid"), [({"sign": "ok"}, True), ({"sign": "bad"}, False), ({"key": "an-old-key"}, False)]
)
def test_any_webhook_can_be_sent_by_hand(sandbox, receiver, how, valid):
    sign = next(iter(how.values()))
    body = {"node_id": NODE_ID, "event_type": "NODE_STATUS", "entity_id": f"{sign}:x"} | how
    sandbox.post("/api/webhooks/send", body, expect=200)
    assert is_signed(until(lambda: receiver.about(f"{sign}:x"))[0]) == valid


@pytest.mark.parametrize("kind", ["node_500", "node_429", "node_error", "node_html"])
def test_failing_node_does_nothing_and_recovers(sandbox, shop, kind):
    count = len(sandbox.get(f"/api/invoices?node_id={NODE_ID}")["invoices"])
    sandbox.fault(kind, count=1, match="CreateInvoice")
    with pytest.raises((lightspark.LightsparkException, requests.RequestException)):
        shop.create_invoice(NODE_ID, 1000)
    assert len(sandbox.get(f"/api/invoices?node_id={NODE_ID}")["invoices"]) == count
    shop.create_invoice(NODE_ID, 1000)


@pytest.mark.parametrize("kind", ["commit_then_drop", "node_bad_json"])
def test_work_is_done_although_the_answer_is_lost(sandbox, shop, kind):
    before = sandbox.get(f"/api/invoices?node_id={NODE_ID}")["invoices"][:1]
    sandbox.fault(kind, count=1, match="CreateInvoice")
    with pytest.raises(requests.RequestException):
        shop.create_invoice(NODE_ID, 4321)
    newest = sandbox.get(f"/api/invoices?node_id={NODE_ID}")["invoices"][0]
    assert newest["amount_msats"] == 4321
    assert [newest["invoice_id"]] != [row["invoice_id"] for row in before]


@pytest.mark.parametrize("kind", ["node_slow", "node_late", "node_drip"])
def test_slow_node_answers_in_the_end(sandbox, shop, kind):
    sandbox.fault(kind, count=1, delay_s=1)
    begin = time.monotonic()
    assert shop.get_current_account().name == "shop"
    assert time.monotonic() - begin > 0.8


def test_hanging_node_closes_without_an_answer_and_blocks_nobody_else(sandbox, shop):
    sandbox.fault("node_hang", count=1, delay_s=2, match="GetCurrentAccount")
    with pytest.raises(requests.Timeout):
        requests.post(
            f"{sandbox.url}/graphql/server/2023-09-13",
            json={
                "operationName": "GetCurrentAccount",
                "query": "query GetCurrentAccount { current_account { id } }",
            },
            auth=("shop", "shop-secret"),
            timeout=0.5,
        )
    begin = time.monotonic()
    shop.create_invoice(NODE_ID, 1000)
    assert time.monotonic() - begin < 1


def test_future_status_reads_as_the_sdks_future_value(sandbox, shop):
    made = shop.create_invoice(NODE_ID, 1000)
    sandbox.fault("future_enum", count=1)
    seen = shop.get_entity(made.id, lightspark.Invoice)
    assert seen.status.name == "___FUTURE_VALUE___"


def test_wrong_invoice_amount(sandbox, shop):
    sandbox.fault("wrong_invoice_amount", count=1, delta_msats=500)
    made = [shop.create_invoice(NODE_ID, 1000) for _ in range(2)]
    assert [one.data.amount.original_value for one in made] == [1500, 1000]


def test_wrong_network(sandbox, shop):
    sandbox.fault("wrong_network", count=1, network="MAINNET")
    made = shop.create_invoice(NODE_ID, 1000)
    assert made.data.encoded_payment_request.startswith("lnbc10n1")
    assert made.data.bitcoin_network.value == "MAINNET"


@pytest.mark.parametrize("delta", [-400, 250_000])
def test_wrong_amount_arrives(sandbox, shop, delta):
    text = invoice(shop, 1000)
    sandbox.fault("wrong_amount", count=1, delta_msats=delta)
    assert pay(sandbox, text)["amount_msats"] == 1000 + delta


def test_payment_pending_then_success_and_pending_then_failed(sandbox, shop):
    sandbox.fault("payment_pending", count=1, delay_s=0.8)
    text = invoice(shop)
    paid = pay(sandbox, text)
    entity = paid["to"]["payment_id"]
    assert shop.get_entity(entity, lightspark.IncomingPayment).status == STATUS.PENDING
    until(lambda: shop.get_entity(entity, lightspark.IncomingPayment).status == STATUS.SUCCESS)
    sandbox.fault("payment_pending", count=1, delay_s=60, then="TIMEOUT")
    had = sandbox.balance_sats("alice")
    row = sandbox.post("/api/wallets/alice/pay", {"to": invoice(shop, 5000)}, expect=200)
    assert (row["status"], sandbox.balance_sats("alice")) == ("pending", had - 5)
    held = sandbox.get(f"/api/ledger?payment_hash={row['payment_hash']}")["payments"][0]
    sandbox.post(f"/api/payments/{held['from']['payment_id']}/resolve", {"to": "TIMEOUT"}, expect=200)
    assert sandbox.balance_sats("alice") == had
    newest = sandbox.get("/api/wallets/alice")["history"][0]
    assert (newest["status"], newest["error"]) == ("failed", "TIMEOUT")


def test_failed_payment_is_seen_as_failed_and_moves_nothing(sandbox, shop, receiver):
    sandbox.fault("payment_failed", count=1, reason="NO_ROUTE")
    had = sandbox.balance_sats("alice")
    row = sandbox.post("/api/wallets/alice/pay", {"to": invoice(shop, 5000)}, expect=200)
    assert (row["status"], row["error"], sandbox.balance_sats("alice")) == ("failed", "NO_ROUTE", had)
    held = sandbox.get(f"/api/ledger?payment_hash={row['payment_hash']}")["payments"][0]
    until(lambda: receiver.about(held["to"]["payment_id"]))
    assert shop.get_entity(held["to"]["payment_id"], lightspark.IncomingPayment).status == STATUS.FAILED


def test_late_htlc_pays_a_canceled_invoice(sandbox, shop):
    made = shop.create_invoice(NODE_ID, 1000)
    shop.cancel_invoice(made.id)
    text = made.data.encoded_payment_request
    assert pay(sandbox, text)["failure_reason"] == "INVOICE_CANCELLED"
    sandbox.fault("pay_canceled", count=1, match=made.data.payment_hash)
    assert pay(sandbox, text)["status"] == "SUCCESS"
    assert shop.get_entity(made.id, lightspark.Invoice).amount_paid.original_value == 1000


def test_duplicate_payment_pays_the_same_bolt11_twice(sandbox, shop):
    made = shop.create_invoice(NODE_ID, 7000)
    sandbox.fault("duplicate_payment", count=1)
    had = sandbox.balance_sats("alice")
    sandbox.post("/api/wallets/alice/pay", {"to": made.data.encoded_payment_request}, expect=200)
    rows = sandbox.get(f"/api/ledger?payment_hash={made.data.payment_hash}")["payments"]
    assert [row["status"] for row in rows] == ["SUCCESS", "SUCCESS"]
    assert sandbox.balance_sats("alice") == had - 14
    assert shop.get_entity(made.id, lightspark.Invoice).amount_paid.original_value == 14_000


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "nonsense"},
        {"kind": "node_500", "count": 0},
        {"kind": "node_500", "count": "2"},
        {"kind": "node_slow", "delay_s": -1},
        {"kind": "webhook_duplicate", "times": "many"},
        {"kind": "webhook_lost", "color": "red"},
        {"kind": "wrong_network", "network": "MOONNET"},
    ],
)
def test_senseless_faults_are_refused(sandbox, body):
    assert "error" in sandbox.post("/api/faults", body, expect=400)


def test_faults_are_listed_counted_and_deleted(sandbox, shop):
    made = sandbox.fault("node_500", count=2, match="CreateInvoice")
    with pytest.raises(lightspark.LightsparkException):
        shop.create_invoice(NODE_ID, 1000)
    (seen,) = sandbox.get("/api/faults")["faults"]
    assert (seen["id"], seen["count"], seen["hits"]) == (made["id"], 1, 1)
    assert requests.delete(f"{sandbox.url}/api/faults/{made['id']}", timeout=5).json() == {"deleted": 1}
    assert sandbox.get("/api/faults")["faults"] == []
