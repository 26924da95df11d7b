"""Restarts: books, queued webhooks and pending payments of a killed sandbox go on."""

import signal
from concurrent.futures import ThreadPoolExecutor

import lightspark
import pytest
from lightspark.objects.LightsparkNode import LightsparkNode

from conftest import KIND, NODE_ID, Receiver, Sandbox, until


@pytest.fixture
def mortal(tmp_path):
    """A sandbox of one's own that may be killed, and its receiver."""
    receiver = Receiver()
    made = Sandbox(tmp_path, receiver.url)
    made.prepare()
    made.start()
    yield made, receiver
    made.stop()
    receiver.server.shutdown()


def test_kill_and_restart_keeps_books_and_sends_what_was_queued(mortal):
    sandbox, receiver = mortal
    shop = sandbox.client()
    key = shop.get_entity(NODE_ID, LightsparkNode).public_key
    sandbox.fault("webhook_late", count=1, delay_s=3)
    sandbox.fault("payment_pending", count=1, delay_s=3)
    first, second = (shop.create_invoice(NODE_ID, 4000).data.encoded_payment_request for _ in range(2))
    held = sandbox.post("/api/payments", {"bolt11": first})["payments"][0]
    late = sandbox.post("/api/payments", {"bolt11": second})["payments"][0]
    sandbox.process.send_signal(signal.SIGKILL)
    sandbox.process.wait(5)
    until(lambda: not sandbox.is_ready())
    sandbox.prepare()
    sandbox.start()
    assert shop.get_entity(NODE_ID, LightsparkNode).public_key == key
    until(lambda: receiver.about(late["to"]["payment_id"]))
    until(lambda: receiver.about(held["to"]["payment_id"]))
    seen = shop.get_entity(held["to"]["payment_id"], lightspark.IncomingPayment)
    assert seen.status == lightspark.TransactionStatus.SUCCESS
    sandbox.assert_books_agree()


def test_one_invoice_is_paid_once_however_many_pay_it(sandbox):
    text = sandbox.client().create_invoice(NODE_ID, 2000).data.encoded_payment_request
    users = ["alice", "bob", "carol"] * 4
    had = sum(sandbox.balance_sats(user) for user in set(users))
    with ThreadPoolExecutor(len(users)) as pool:
        rows = list(pool.map(lambda user: sandbox.post(f"/api/wallets/{user}/pay", {"to": text}), users))
    assert sorted(row["status"] for row in rows) == ["failed"] * (len(users) - 1) + ["succeeded"]
    assert sum(sandbox.balance_sats(user) for user in set(users)) == had - 2


def test_one_request_is_approved_once_however_often_it_is_pressed(sandbox, seller):
    sandbox.push(seller.uma_invoice(amount=9, buyer=f"$bob@{sandbox.domain}"))
    row, had = sandbox.waiting("bob"), sandbox.balance_sats("bob")
    path = f"/api/wallets/bob/requests/{row['id']}/approve"
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: sandbox.post(path), range(8)))
    assert len([answer for answer in answers if answer.get("status") == "succeeded"]) == 1
    assert sandbox.balance_sats("bob") == had - 9


def test_no_balance_is_spent_twice(sandbox):
    sandbox.post("/api/wallets", {"name": "erin", "balance_sats": 100})
    shop = sandbox.client()
    texts = [shop.create_invoice(NODE_ID, 30_000).data.encoded_payment_request for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        rows = list(pool.map(lambda text: sandbox.post("/api/wallets/erin/pay", {"to": text}), texts))
    assert len([row for row in rows if row.get("status") == "succeeded"]) == 3
    assert sandbox.balance_sats("erin") == 10


def test_idempotency_key_pays_once_under_concurrency(sandbox):
    made = sandbox.post("/api/nodes", {"name": "keyed", "balance_sats": 1000} | KIND, expect=201)
    client = sandbox.client(made["client_id"], made["client_secret"])
    client.recover_node_signing_key(made["node_id"], made["node_password"])
    text = sandbox.client().create_invoice(NODE_ID, 5000).data.encoded_payment_request
    with ThreadPoolExecutor(6) as pool:
        ids = set(
            pool.map(lambda _: client.pay_invoice(made["node_id"], text, 30, 1000, None, "k").id, range(6))
        )
    assert len(ids) == 1
    assert sandbox.get(f"/api/nodes/{made['node_id']}")["balance_msats"] == 995_000
