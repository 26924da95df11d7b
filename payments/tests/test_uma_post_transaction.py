"""Post-transaction callbacks (UMAD-07): sent once sats moved; the sale stands whatever the server does."""

import json
import time
from datetime import timedelta

import pytest
import requests
import uma
from django.db import transaction
from django.utils import timezone

from payments.models import IncomingPayment, Payment, PostTransaction, Refund
from payments.node import lightspark
from payments.refunds import write_refund
from payments.services import allocate, forget_payers, settle_node_payment
from payments.tests.refunding import Node, step
from payments.tests.test_uma_payreq import ask, our_keys
from payments.tests.test_uma_send import Receiver
from payments.tests.wallet import drip, hang, send
from payments.uma.post_transaction import tell_post_transaction
from payments.uma.send import request_invoice_from
from tests.acts import together
from tests.factories import EventFactory, IncomingPaymentFactory, OrderFactory
from ticketsuma.jobs import worker
from ticketsuma.jobs.registry import discover

AMOUNT = 2_500_000
QUEUE = discover().queue("post-transaction callbacks")


@pytest.fixture
def payment(node, transactional_db) -> Payment:
    """What is due for a real order, so that settling it sells something."""
    return OrderFactory(event=EventFactory(price_sats=AMOUNT // 1000)).payment


@pytest.fixture
def pay(payment, wallet, node):
    """The payer of `wallet` asks with `options`, and pays; the money as it is allocated."""

    def paying(**options) -> IncomingPayment:
        bolt11 = ask(payment, wallet.sign_pay_request(**options)).json()["pr"]
        answer = requests.post(f"{node}/api/payments", json={"bolt11": bolt11}, timeout=30)
        assert answer.ok, answer.text
        invoice = payment.invoices.get(bolt11=bolt11)
        seen = lightspark.incoming_payments_of_invoice(invoice.invoice_id)
        return settle_node_payment(seen[0])

    return paying


def told(row: PostTransaction) -> PostTransaction:
    """One pass of the worker over this row, at the moment it is due."""
    row.refresh_from_db()
    assert row.acquire_lease(QUEUE.lease, now=row.next_attempt_at)
    found = QUEUE.due(timezone.now()).get(pk=row.pk)
    worker.work(QUEUE, found)
    row.refresh_from_db()
    return row


def note_in(wallet) -> uma.PostTransactionCallback:
    """The one note that came to `wallet`, once our signature on it is verified as the SDK does it."""
    notes = [body for body in wallet.posted if "utxos" in body]
    assert len(notes) == 1
    note = uma.parse_post_transaction_callback(json.dumps(notes[0]))
    recent = uma.InMemoryNonceCache(timezone.now() - timedelta(minutes=1))
    uma.verify_post_transaction_callback_signature(note, our_keys(), recent)
    return note


def assert_sold(payment: Payment) -> None:
    payment.refresh_from_db()
    assert payment.status == "settled"


# -- payers -----------------------------------------------------------------------------------
@pytest.mark.protocol(
    "UMAD-07", "After the payment we post our signed UTXOs and amounts to the payer's VASP."
)
def test_the_payers_vasp_is_told_our_utxos(payment, wallet, pay, settings):
    wallet.routes["/utxos"] = 200
    incoming = pay()
    assert_sold(payment)
    row = told(incoming.post_transaction)
    assert row.told_at
    assert (row.next_attempt_at, row.last_error) == (None, "")
    note = note_in(wallet)
    assert note.vasp_domain == settings.UMA_DOMAIN
    assert note.transaction_status == uma.TransactionStatus.COMPLETED
    assert [(utxo.utxo, utxo.amount_msats) for utxo in note.utxos] == (
        lightspark.utxos_of_payment(incoming.node_payment_id)
    )
    assert sum(utxo.amount_msats for utxo in note.utxos) == AMOUNT


def test_a_payer_of_version_0_is_told_too(payment, wallet, pay):
    wallet.routes["/utxos"] = lambda handler: send(handler, 204, b"")
    assert told(pay(uma_major_version=0).post_transaction).told_at
    assert note_in(wallet).vasp_domain


def test_who_asks_for_nothing_is_told_nothing(payment, wallet, pay):
    pay(utxo_callback="https://127.0.0.1/utxos")
    assert_sold(payment)
    assert not PostTransaction.objects.exists()


def test_settling_twice_tells_once(payment, wallet, pay):
    incoming = pay()
    together(*(lambda: allocate(IncomingPayment.objects.get(pk=incoming.pk)) for _ in range(3)))
    assert PostTransaction.objects.count() == 1


def test_the_note_waits_for_the_settling_to_be_committed(payment, wallet, pay):
    """What is told is in the rows that settle: neither comes without the other."""
    row = pay().post_transaction
    assert (row.attempts, row.told_at) == (0, None)
    assert row.next_attempt_at <= timezone.now()
    with transaction.atomic(), pytest.raises(RuntimeError):
        tell_post_transaction(row)


# -- servers that misbehave -------------------------------------------------------------------
@pytest.mark.protocol("UMAD-07", "A server in trouble is told a few times more, then no more.")
@pytest.mark.parametrize("status", [500, 503, 429, 408, 401, 424])
def test_trouble_is_tried_again_a_few_times(payment, wallet, pay, status):
    wallet.routes["/utxos"] = status
    row = pay().post_transaction
    for attempt in range(1, PostTransaction.max_attempts + 1):
        assert row.next_attempt_at is not None
        told(row)
        assert (row.attempts, row.last_error, row.told_at) == (attempt, "vasp_unreachable", None)
    assert row.next_attempt_at is None
    assert row.parked_at
    assert wallet.asked.count("/utxos") == PostTransaction.max_attempts == 5
    assert_sold(payment)


def test_each_try_is_signed_anew(payment, wallet, pay):
    wallet.routes["/utxos"] = 503
    row = pay().post_transaction
    told(row)
    told(row)
    nonces = [body["signatureNonce"] for body in wallet.posted if "utxos" in body]
    assert len(set(nonces)) == 2


@pytest.mark.protocol("UMAD-07", "A definite no ends it at once.")
@pytest.mark.parametrize("status", [301, 302, 307, 400, 403, 404, 410])
def test_a_definite_no_is_the_end(payment, wallet, pay, status):
    wallet.routes["/utxos"] = status
    row = told(pay().post_transaction)
    assert (row.next_attempt_at, row.last_error, row.told_at) == (None, "callback_refused", None)
    assert_sold(payment)


def huge(handler) -> None:
    send(handler, 200, b"x" * 200_000)


@pytest.mark.parametrize("server", [hang, drip, huge], ids=["hangs", "drips", "sends too much"])
def test_a_hostile_server_costs_one_thread_five_seconds(payment, wallet, pay, server):
    wallet.routes["/utxos"] = server
    row = pay().post_transaction
    started = time.monotonic()
    told(row)
    assert time.monotonic() - started < 8
    assert (row.last_error, row.told_at) == ("vasp_unreachable", None)
    assert_sold(payment)


def test_a_redirect_to_this_machine_is_not_followed(payment, wallet, pay):
    wallet.routes["/utxos"] = lambda handler: send(
        handler, 302, b"", Location=f"http://{wallet.domain}/requests"
    )
    told(pay().post_transaction)
    assert "/requests" not in wallet.asked


def test_a_host_that_became_forbidden_is_not_called(payment, wallet, pay, settings):
    """The URL is looked at again when it is used, however it came into the row."""
    row = pay().post_transaction
    settings.UMA_LOCAL_VASPS = frozenset()
    wallet.asked.clear()
    assert told(row).last_error == "vasp_forbidden"
    assert (row.next_attempt_at, wallet.asked) == (None, [])


def test_a_silent_node_is_asked_again(payment, wallet, pay, node):
    wallet.routes["/utxos"] = 200
    row = pay().post_transaction
    faults = f"{node}/api/faults"
    requests.post(faults, json={"kind": "node_500"}, timeout=30)
    try:
        assert told(row).last_error == "node_unreachable: HTTP 500 injected fault"
    finally:
        requests.delete(faults, timeout=30)
    assert told(row).told_at


def test_a_payer_who_was_forgotten_is_told_nothing(payment, wallet, pay):
    row = pay().post_transaction
    forget_payers([payment.pk])
    assert told(row).last_error == "callback_refused"
    assert "/utxos" not in wallet.asked


# -- receivers of refunds ---------------------------------------------------------------------
def a_refund_to(address: str) -> Refund:
    incoming = IncomingPaymentFactory(
        node_payment_id=f"IncomingPayment:{address}{time.monotonic()}",
        amount_msats=AMOUNT,
        received_at=timezone.now(),
        allocated_at=timezone.now(),
    )
    return write_refund(incoming, amount_msats=AMOUNT, reason=Refund.Reason.LATE, to=address)


@pytest.fixture
def callbacks(shop_online, node):
    """Refunds can be paid; reads the notes of the shop that the sandbox's wallet took."""
    Node(node).fund(50_000)

    def read() -> list[dict]:
        rows = requests.get(f"{node}/api/callbacks", timeout=30).json()["callbacks"]
        return [row for row in rows if row["domain"] == shop_online]

    return read


@pytest.mark.protocol("UMAD-07", "After a refund we tell our UTXOs to the receiver's VASP, if it asks.")
def test_the_receiver_of_a_refund_is_told(callbacks, node):
    refund = a_refund_to(f"$bob@{node.removeprefix('http://')}")
    step(refund)
    assert refund.status == "sent"
    before = len(callbacks())
    assert told(refund.post_transaction).told_at
    assert len(callbacks()) == before + 1
    newest = callbacks()[0]
    assert newest["is_verified"]
    assert sum(utxo["amountMsats"] for utxo in newest["message"]["utxos"]) == AMOUNT


def test_a_refund_that_was_not_sent_is_not_told(callbacks, node):
    Node(node).post("/api/faults", kind="payment_failed", count=1)
    refund = a_refund_to(f"$bob@{node.removeprefix('http://')}")
    step(refund)
    assert refund.status == "failed"
    assert not PostTransaction.objects.exists()


def test_a_lightning_address_asks_for_nothing(callbacks, node):
    refund = a_refund_to(f"bob@{node.removeprefix('http://')}")
    step(refund)
    assert (refund.status, refund.utxo_callback) == ("sent", "")
    assert not PostTransaction.objects.exists()


@pytest.mark.parametrize("url", ["https://127.0.0.1/x", "http://wallet.example/", "", "x", "\0"])
def test_a_receivers_callback_that_we_may_not_post_to_is_dropped(wallet, node, transactional_db, url):
    receiver = Receiver(wallet)
    receiver.utxo_callback = url
    assert request_invoice_from(f"$alice@{wallet.domain}", 1_234_000).utxo_callback == ""
    receiver.utxo_callback = f"http://{wallet.domain}/told"
    receiver.majors = (0,)
    asked = request_invoice_from(f"$alice@{wallet.domain}", 1_234_000)
    assert asked.utxo_callback == receiver.utxo_callback
