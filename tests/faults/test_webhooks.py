"""Webhooks lost, late, doubled, reordered, forged, replayed, of unknown kinds, and signed with a new key."""

import secrets
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.buyer import Buyer, make_event
from tests.faults.selling import (
    assert_one_mail,
    assert_paid_once,
    books,
    expire,
    post_webhook,
    seats_taken,
    was_never_ended,
)
from tests.processes import wait_until

EVENTS = "WebhookEvent.objects.count()"
PAYMENTS = "list(IncomingPayment.objects.filter(node_payment_id=name).values_list('payment', flat=True))"


@pytest.mark.case("F21", fault="the webhook is lost")
def test_a_lost_webhook_costs_seconds(shop):
    """The worker finds the payment in the node's own list within 15 s."""
    shop.node.fault("webhook_lost")
    buyer = Buyer(shop).buy(make_event(shop))
    shop.node.pay_from_outside(buyer.bolt11())
    assert_paid_once(buyer, 15)


@pytest.mark.short
@pytest.mark.case("F22", fault="the webhook is sent fifty times at once")
def test_fifty_webhooks_at_once_settle_once(shop):
    """One event, one incoming payment, one ticket, one mail."""
    shop.node.fault("webhook_duplicate", times=50)
    buyer = Buyer(shop).buy(make_event(shop))
    payment = shop.node.pay_from_outside(buyer.bolt11())["to"]["payment_id"]
    assert_paid_once(buyer)
    wait_until(lambda: len(delivered(shop, payment)) == 50, 30, "all fifty are taken")
    told = "WebhookEvent.objects.filter(entity_id=name).count()"
    assert shop.django(told, name=payment) == 1
    assert_one_mail(buyer)


def delivered(shop, payment_id: str) -> list[dict]:
    rows = shop.node.get("/api/webhooks")["webhooks"]
    return [row for row in rows if row["entity_id"] == payment_id and row["state"] == "delivered"]


@pytest.mark.case("F23", fault="money and its webhook arrive before the invoice they paid is in our database")
def test_a_webhook_before_its_invoice_is_matched_later(shop):
    """At first it is money without an invoice of ours; when the row is there it is matched and buys."""
    event = make_event(shop, price_sats=2323)
    shop.arm("node_made_qr", signal.SIGSTOP)
    buyer = Buyer(shop)
    with ThreadPoolExecutor(1) as pool:
        buying = pool.submit(buyer.buy, event)
        shop.wait_reached("node_made_qr")
        try:
            bolt11 = wait_until(lambda: newest_invoice(shop, 2_323_000), 10, "the node made a BOLT11")
            payment = shop.node.pay_from_outside(bolt11)["to"]["payment_id"]
            wait_until(lambda: shop.django(PAYMENTS, name=payment) == [None], 20, "it is unmatched")
        finally:
            shop.revive()
        buying.result()
    assert_paid_once(buyer, 30)


def newest_invoice(shop, amount_msats: int) -> str | None:
    rows = shop.node.get("/api/invoices")["invoices"]
    return next((row["bolt11"] for row in rows if row["amount_msats"] == amount_msats), None)


@pytest.mark.case(
    "F23", fault="a failed attempt at an invoice is told after its success, and again and again"
)
def test_a_failed_attempt_never_unpays(shop):
    """The order stays paid."""
    buyer = Buyer(shop).buy(make_event(shop))
    bolt11 = buyer.bolt11()
    shop.node.fault("payment_failed", count=1)
    failed = shop.node.pay_from_outside(bolt11)
    assert failed["status"] == "FAILED"
    shop.node.pay_from_outside(bolt11)
    assert_paid_once(buyer)
    for _ in range(3):
        assert post_webhook(shop, failed["to"]["payment_id"]).status_code == 200
    assert_paid_once(buyer)


@pytest.mark.case("F24", fault="the webhook is forged: a wrong key, no signature, one byte changed")
def test_a_forged_webhook_does_nothing(shop):
    """401 and no row; the payment is found in the node's list."""
    shop.node.fault("webhook_forged")
    buyer = Buyer(shop).buy(make_event(shop))
    bolt11, before = buyer.bolt11(), shop.django(EVENTS)
    for worker in shop.workers:
        worker.freeze()
    payment = shop.node.pay_from_outside(bolt11)["to"]["payment_id"]
    wait_until(lambda: refused(shop, payment), 15, "the forged webhook is refused")
    assert post_webhook(shop, payment, sign=False).status_code == 401
    assert post_webhook(shop, payment, change=b" ").status_code == 401
    assert shop.django(EVENTS) == before
    assert buyer.status() == "pending"
    shop.revive()
    assert_paid_once(buyer)


def refused(shop, payment_id: str) -> bool:
    rows = shop.node.get("/api/webhooks")["webhooks"]
    return any(row["entity_id"] == payment_id and "401" in row["answer"] for row in rows)


@pytest.mark.case("F25", fault="the webhook is replayed a day later, ten times")
def test_a_replayed_webhook_does_nothing(shop):
    """200 each time; still one event, one payment, one mail."""
    buyer = Buyer(shop).buy(make_event(shop))
    payment = shop.node.pay_from_outside(buyer.bolt11())
    assert_paid_once(buyer)
    assert_one_mail(buyer)
    name = payment["to"]["payment_id"]
    shop.django(
        "WebhookEvent.objects.filter(entity_id=name).update(received_at=timezone.now() - timedelta(days=1))",
        name=name,
    )
    shop.node.post("/api/webhooks/resend", entity_id=name, times=10)
    wait_until(lambda: len(delivered(shop, name)) >= 11, 30, "all ten are taken")
    assert shop.django("WebhookEvent.objects.filter(entity_id=name).count()", name=name) == 1
    assert_paid_once(buyer)
    assert_one_mail(buyer)


@pytest.mark.case("F26", fault="the webhook comes only after the hold ended, though the money came before")
def test_a_webhook_later_than_the_hold_finds_the_order_paid(shop):
    """Before the seats are released the node is asked; the late webhook changes nothing."""
    event = make_event(shop, capacity=1)
    shop.node.fault("webhook_late", delay_s=6)
    buyer = Buyer(shop).buy(event)
    bolt11 = buyer.bolt11()
    payment = shop.node.pay_from_outside(bolt11)["to"]["payment_id"]
    shop.django("Order.objects.filter(pk=pk).update(expires_at=timezone.now())", pk=buyer.order_id)
    assert_paid_once(buyer)
    wait_until(lambda: delivered(shop, payment), 20, "the late webhook is taken")
    assert was_never_ended(buyer)
    assert seats_taken(shop, event) == 1
    assert_paid_once(buyer)


@pytest.mark.case("F27", fault="webhooks of unknown kinds, about outgoing payments, other nodes and nonsense")
def test_webhooks_that_are_not_ours_do_nothing(shop):
    """200, and no incoming payment, order or refund comes of it."""
    count = "[IncomingPayment.objects.count(), Refund.objects.count(), Order.objects.count()]"
    before = shop.django(count)
    elsewhere = shop.node.post("/api/wallets/alice/invoices", amount_sats=500)["bolt11"]
    foreign = shop.node.pay_from_outside(elsewhere)
    for entity in (foreign["to"]["payment_id"], foreign["from"]["payment_id"], "Nothing:at-all", "🙂"):
        assert post_webhook(shop, entity).status_code == 200, entity
    for kind in ("NODE_STATUS", "SOMETHING_OF_NEXT_YEAR", "payment_finished"):
        assert post_webhook(shop, secrets.token_hex(8), kind=kind).status_code == 200, kind
    assert shop.django(count) == before


@pytest.mark.case("F27", fault="the node speaks of payments in words that no SDK knows yet")
def test_an_unknown_status_is_no_payment_until_it_is_known(shop):
    """Not sold, not lost: settled as soon as the node's answer can be read."""
    buyer = Buyer(shop).buy(make_event(shop))
    bolt11 = buyer.bolt11()
    shop.node.fault("future_enum")
    payment = shop.node.pay_from_outside(bolt11)["to"]["payment_id"]
    wait_until(lambda: delivered(shop, payment), 20, "the webhook is taken")
    assert buyer.status() == "pending"
    shop.node.no_faults()
    assert_paid_once(buyer, 30)


@pytest.mark.case("F28", fault="the webhook key is replaced: old and new together, then the new one only")
def test_the_webhook_key_can_be_replaced_without_a_gap(shop):
    """Both are accepted while both are set; afterwards the old one is 401."""
    old, new = shop.env["LIGHTSPARK_WEBHOOK_SIGNING_KEY"], secrets.token_hex(32)
    try:
        restart_web(shop, LIGHTSPARK_WEBHOOK_SIGNING_KEY=f"{new},{old}")
        assert post_webhook(shop, "Nothing:1", key=old).status_code == 200
        assert post_webhook(shop, "Nothing:2", key=new).status_code == 200
        restart_web(shop, LIGHTSPARK_WEBHOOK_SIGNING_KEY=new)
        assert post_webhook(shop, "Nothing:3", key=new).status_code == 200
        assert post_webhook(shop, "Nothing:4", key=old).status_code == 401
    finally:
        restart_web(shop, LIGHTSPARK_WEBHOOK_SIGNING_KEY=old)


def restart_web(shop, **env: str) -> None:
    shop.web.stop()
    shop.web.env.update(env)
    shop.web.start()
    shop.wait_healthy()


@pytest.mark.case("F26", fault="money for an order that its buyer canceled")
def test_money_for_a_canceled_order_goes_back(shop):
    """A canceled order is never revived; all its sats go back to the wallet that was named."""
    event = make_event(shop)
    buyer = Buyer(shop).buy(event, uma_address=shop.node.wallet("carol").address)
    bolt11 = buyer.bolt11()
    assert buyer.cancel().status_code == 200
    shop.node.fault("pay_canceled")
    shop.node.pay_from_outside(bolt11)
    sent = [[buyer.amount_msats, "late", "sent"]]
    wait_until(lambda: books(buyer)["refunds"] == sent, 40, "the money is sent back")
    assert buyer.status() == "canceled"
    assert seats_taken(shop, event) == 0


@pytest.mark.case("F26", fault="late money with a wallet that is known, for a seat that went to another")
def test_late_money_goes_back_to_the_wallet_that_was_named(shop):
    """Refunded in full, once, without anybody's doing."""
    event = make_event(shop, capacity=1)
    late = Buyer(shop).buy(event, uma_address=shop.node.wallet("bob").address)
    bolt11 = late.bolt11()
    expire(late)
    Buyer(shop).buy(event)
    shop.node.fault("pay_canceled")
    shop.node.pay_from_outside(bolt11)
    sent = [[late.amount_msats, "late", "sent"]]
    wait_until(lambda: books(late)["refunds"] == sent, 40, "the money is sent back")
