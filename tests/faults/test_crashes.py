"""Crashes: kill -9 and freezing at the named lines of `kill_points.py`."""

import signal

import pytest
import requests

from tests.buyer import Buyer, make_event
from tests.faults.selling import (
    approves,
    assert_one_mail,
    assert_paid_once,
    buy_and_lose_the_answer,
    lost_bolt11s,
    overdue,
    seats_taken,
)
from tests.processes import wait_until


@pytest.mark.short
@pytest.mark.case("F01", fault="kill -9 web after the seat UPDATE, before COMMIT")
def test_a_sale_killed_before_its_commit_never_happened(shop):
    """No order, no seat; the same Idempotency-Key then buys once."""
    event = make_event(shop)
    shop.arm("seats_claimed")
    key = buy_and_lose_the_answer(shop, event, email="f01@example.com")
    assert shop.django("Order.objects.filter(event_id=pk).count()", pk=event) == 0
    assert seats_taken(shop, event) == 0
    buyer = Buyer(shop, email="f01@example.com").buy(event, key=key)
    assert seats_taken(shop, event) == 1
    shop.node.pay_from_outside(buyer.bolt11())
    assert_paid_once(buyer)


@pytest.mark.short
@pytest.mark.case("F02", fault="kill -9 web after the hold's COMMIT, before node and wallet are asked")
def test_a_hold_whose_web_process_died_is_carried_on_by_the_worker(shop):
    """The worker pushes and asks for the BOLT11; the same key answers the same order; one seat."""
    event, alice = make_event(shop), shop.node.wallet("alice")
    shop.arm("hold_committed")
    body = {"email": "f02@example.com", "uma_address": alice.address}
    key = buy_and_lose_the_answer(shop, event, **body)
    first = shop.django("str(Order.objects.get(event_id=pk).pk)", pk=event)
    buyer = Buyer(shop, email="f02@example.com").buy(event, key=key, uma_address=alice.address)
    assert buyer.order_id == first
    shop.hurry()
    request = alice.request_for(buyer, 30)
    assert buyer.bolt11(30)
    assert seats_taken(shop, event) == 1
    alice.approve(request)
    assert_paid_once(buyer)


@pytest.mark.case("F03", fault="kill -9 worker after the push was sent, before its 200 is recorded")
def test_a_push_whose_answer_was_lost_is_repeated_with_the_same_invoice(shop):
    """The wallet is asked again with the same UMA invoice and shows one request; it is paid once."""
    event, alice = make_event(shop), shop.node.wallet("alice")
    shop.arm("push_sent")
    buyer = Buyer(shop).buy(event, uma_address=alice.address)
    shop.wait_reached("push_sent")
    shop.revive()
    shop.hurry()
    wait_until(lambda: buyer.order()["payment"]["push"] == "delivered", 20, "the push is repeated")
    name = buyer.pay_address().lower()
    assert len([row for row in alice.look()["requests"] if name in str(row).lower()]) == 1
    alice.approve(alice.request_for(buyer))
    assert_paid_once(buyer)


@pytest.mark.case("F04", fault="kill -9 web in a payreq: the node made the BOLT11, we did not record it")
def test_a_payreq_killed_before_its_bolt11_was_recorded_can_be_repeated(shop):
    """The lost BOLT11 is never shown nor paid; within 20 s the same wallet gets another one."""
    event, alice = make_event(shop, price_sats=1404), shop.node.wallet("alice")
    buyer = Buyer(shop).buy(event, uma_address=alice.address)
    request = alice.request_for(buyer)
    assert buyer.bolt11()
    shop.arm("node_made_uma")
    with pytest.raises(AssertionError):
        alice.approve(request)
    shop.wait_reached("node_made_uma")
    assert [row["amount_paid_msats"] for row in lost_bolt11s(buyer)] == [0]
    wait_until(lambda: approves(alice, buyer), 20, "the wallet may pay again")
    assert_paid_once(buyer)
    assert [row["amount_paid_msats"] for row in lost_bolt11s(buyer)] == [0]


@pytest.mark.case("F05", fault="kill -9 web in a payreq: the BOLT11 is recorded, the wallet got no answer")
def test_a_payreq_killed_before_its_answer_gives_the_same_bolt11_again(shop):
    """A fresh payreq of the same payer is answered with the same BOLT11, not with a second one."""
    event, alice = make_event(shop), shop.node.wallet("alice")
    buyer = Buyer(shop).buy(event, uma_address=alice.address)
    request = alice.request_for(buyer)
    assert buyer.bolt11()
    shop.arm("uma_recorded")
    with pytest.raises(AssertionError):
        alice.approve(request)
    shop.wait_reached("uma_recorded")
    wait_until(lambda: approves(alice, buyer), 20, "the wallet may pay again")
    assert_paid_once(buyer)
    made = shop.django("Invoice.objects.filter(payment__order__pk=pk, kind='uma').count()", pk=buyer.order_id)
    assert made == 1


@pytest.mark.case("F06", fault="kill -9 web after the webhook was stored, before its 200")
def test_a_webhook_stored_by_a_process_that_died_still_counts_once(shop):
    """The sender repeats it and gets 200; one event, one payment, one mail."""
    buyer = Buyer(shop).buy(make_event(shop))
    bolt11 = buyer.bolt11()
    shop.arm("webhook_stored")
    payment = shop.node.pay_from_outside(bolt11)
    shop.wait_reached("webhook_stored")
    assert_paid_once(buyer)
    told = "WebhookEvent.objects.filter(entity_id=name).count()"
    assert shop.django(told, name=payment["to"]["payment_id"]) == 1
    assert_one_mail(buyer)


@pytest.mark.short
@pytest.mark.case("F07", fault="kill -9 while settling: after recording, inside, and after the transaction")
@pytest.mark.parametrize("point", ["money_recorded", "money_applied", "money_settled"])
def test_a_settling_killed_anywhere_settles_once(shop, point):
    """Before its COMMIT nothing happened and it is driven again; after it, it is done. One mail."""
    buyer = Buyer(shop).buy(make_event(shop))
    bolt11 = buyer.bolt11()
    shop.arm(point)
    shop.node.pay_from_outside(bolt11)
    shop.wait_reached(point)
    shop.revive()
    assert_paid_once(buyer, seconds=30)
    assert_one_mail(buyer)


@pytest.mark.case("F66", fault="kill -9 worker between the number of a receipt and its row")
def test_a_receipt_killed_behind_its_number_leaves_no_gap(shop):
    """The number is drawn again, by whichever worker is left; the PDF is there when it is asked for."""
    event = make_event(shop)
    shop.arm("receipt_numbered")
    buyers = [Buyer(shop).buy(event) for _ in range(3)]
    for buyer in buyers:
        shop.node.pay_from_outside(buyer.bolt11())
    shop.wait_reached("receipt_numbered")
    shop.revive()
    drawn = "sorted(Receipt.objects.filter(order__event_id=pk).values_list('number', flat=True))"
    wait_until(lambda: len(shop.django(drawn, pk=event)) == 3, 40, "all receipts are drawn")
    numbers = "sorted(Receipt.objects.filter(series__organizer=None).values_list('number', flat=True))"
    numbers = shop.django(numbers)
    assert numbers == list(range(1, len(numbers) + 1))
    assert shop.django("Series.objects.get(organizer=None).last") == len(numbers)
    for buyer in buyers:
        url = f"{shop.shop_url}/api/orders/{buyer.order_id}/receipt/pdf"
        answer = requests.get(url, headers={"Order-Token": buyer.bought["order"]["token"]}, timeout=30)
        assert answer.headers["content-type"] == "application/pdf"


@pytest.mark.case("F08", fault="kill -9 both workers while they hold the leases of ten mails")
def test_killed_workers_give_their_leases_back(shop):
    """Their leases run out, new workers finish the work; every buyer has one mail."""
    event = make_event(shop, price_sats=0)
    shop.mailbox.fault = "hang"
    buyers = [Buyer(shop).buy(event) for _ in range(10)]
    held = "Mail.objects.filter(order__event_id=pk, attempts__gt=0, status='due').count()"
    wait_until(lambda: shop.django(held, pk=event) == 10, 20, "ten leases are held")
    for worker in shop.workers:
        worker.kill()
    shop.mailbox.fault = None
    shop.revive()
    shop.hurry()
    for buyer in buyers:
        assert_one_mail(buyer)


@pytest.mark.case("F10", fault="SIGSTOP worker in the middle of an expiry, SIGCONT after another one did it")
def test_a_worker_frozen_while_it_ends_a_hold_does_no_harm_when_it_wakes(shop):
    """The other worker takes the lease over and ends the hold; the zombie's UPDATE finds nothing to do."""
    event = make_event(shop)
    buyer = Buyer(shop).buy(event)
    assert buyer.bolt11()
    shop.arm("node_closed", signal.SIGSTOP)
    overdue(buyer)
    shop.wait_reached("node_closed")
    assert buyer.status() == "pending"
    shop.hurry()
    buyer.wait_for("expired", 20)
    assert seats_taken(shop, event) == 0
    shop.revive()
    shop.come_to_rest()
    assert buyer.status() == "expired"
    assert seats_taken(shop, event) == 0


@pytest.mark.case("I21", fault="kill -9 worker after the node closed the invoice, before the seats go back")
def test_an_expiry_killed_between_node_and_database_is_finished(shop):
    """The next worker learns from the node that no money came, and gives the seats back once."""
    event = make_event(shop)
    buyer = Buyer(shop).buy(event)
    assert buyer.bolt11()
    shop.arm("node_closed")
    overdue(buyer)
    shop.wait_reached("node_closed")
    shop.revive()
    shop.hurry()
    buyer.wait_for("expired", 20)
    assert seats_taken(shop, event) == 0
