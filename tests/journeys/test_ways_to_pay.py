"""Every way a ticket can be paid, over the three real processes."""

import time
import uuid

from tests.buyer import Buyer, Sandbox, assert_sold_once, make_event


def test_a_uma_request_pushed_to_the_wallet_is_approved(either_stack):
    alice = Sandbox(either_stack).wallet("alice")
    buyer = Buyer(either_stack).buy(make_event(either_stack), quantity=2, uma_address=alice.address)
    alice.approve(alice.request_for(buyer))
    paid = buyer.wait_for("paid")
    assert len(paid["tickets"]) == 2
    assert_sold_once(buyer)


def test_the_bolt11_is_pasted_into_a_wallet(stack, sandbox):
    buyer = Buyer(stack).buy(make_event(stack))
    sandbox.wallet("bob").pay(buyer.bolt11())
    assert_sold_once(buyer)


def test_the_qr_is_paid_by_a_wallet_we_know_nothing_about(stack, sandbox):
    buyer = Buyer(stack).buy(make_event(stack))
    sandbox.pay_from_outside(buyer.bolt11().upper())
    assert_sold_once(buyer)


def test_the_uma_invoice_is_pasted_into_a_wallet(stack, sandbox):
    buyer = Buyer(stack).buy(make_event(stack))
    sandbox.wallet("carol").pay(buyer.order()["payment"]["uma_invoice"])
    assert_sold_once(buyer)


def test_the_orders_own_uma_address_is_paid(stack, sandbox):
    buyer = Buyer(stack).buy(make_event(stack))
    sandbox.wallet("bob").pay(f"${buyer.pay_address()}", amount_sats=2500)
    assert_sold_once(buyer)


def test_the_orders_own_lightning_address_is_paid(stack, sandbox):
    buyer = Buyer(stack).buy(make_event(stack))
    sandbox.wallet("carol").pay(buyer.pay_address(), amount_sats=2500)
    assert_sold_once(buyer)


def test_a_free_ticket_is_there_at_once(stack):
    buyer = Buyer(stack).buy(make_event(stack, price_sats=0), quantity=3)
    assert buyer.bought["payment"] is None
    assert buyer.bought["order"]["status"] == "paid"
    assert [bool(ticket["ticket_code"]) for ticket in buyer.bought["tickets"]] == [True] * 3
    stack.audit()


def test_a_refused_push_leaves_the_qr_to_pay(stack, sandbox):
    sandbox.fault("push_refused")
    buyer = Buyer(stack).buy(make_event(stack), uma_address=sandbox.wallet("alice").address)
    refused = {"refused", "unreachable"}
    deadline = time.monotonic() + 20
    while buyer.order()["payment"]["push"] not in refused and time.monotonic() < deadline:
        time.sleep(0.1)
    assert buyer.order()["payment"]["push"] in refused
    assert buyer.status() == "pending", "a refused push never frees seats"
    sandbox.wallet("alice").pay(buyer.bolt11())
    assert_sold_once(buyer)


def test_a_declined_request_leaves_the_qr_to_pay(stack, sandbox):
    alice = sandbox.wallet("alice")
    buyer = Buyer(stack).buy(make_event(stack), uma_address=alice.address)
    alice.decline(alice.request_for(buyer))
    assert buyer.status() == "pending"
    sandbox.pay_from_outside(buyer.bolt11())
    assert_sold_once(buyer)


def test_a_lost_webhook_costs_seconds(stack, sandbox):
    sandbox.fault("webhook_lost")
    buyer = Buyer(stack).buy(make_event(stack))
    sandbox.pay_from_outside(buyer.bolt11())
    buyer.wait_for("paid", seconds=30)
    assert_sold_once(buyer)


def test_a_slow_node_still_sells_and_the_invoice_follows(stack, sandbox):
    sandbox.fault("node_500")
    buyer = Buyer(stack).buy(make_event(stack))
    assert buyer.bought["payment"]["bolt11"] is None
    sandbox.no_faults()
    sandbox.pay_from_outside(buyer.bolt11(seconds=30))
    assert_sold_once(buyer)


def test_the_same_key_buys_once(stack, sandbox):
    event, key = make_event(stack), uuid.uuid4().hex
    first = Buyer(stack).buy(event, key=key)
    again = Buyer(stack, email=first.email).buy(event, key=key)
    assert again.order_id == first.order_id
    assert stack.django("Event.objects.get(pk=pk).seats_taken", pk=event) == 1
    sandbox.pay_from_outside(first.bolt11())
    assert_sold_once(first)


def test_a_buyer_who_cancels_gives_the_seats_back(stack):
    event = make_event(stack, capacity=1)
    buyer = Buyer(stack).buy(event)
    assert buyer.cancel().status_code == 200
    buyer.wait_for("canceled")
    assert stack.django("Event.objects.get(pk=pk).seats_taken", pk=event) == 0
    Buyer(stack).buy(event)
    stack.audit()


def test_a_hold_that_ran_out_gives_the_seats_back(stack):
    event = make_event(stack, capacity=1)
    buyer = Buyer(stack).buy(event)
    stack.django(
        "[model.objects.filter(**who).update(**{name: timezone.now()}) for model, who, name in"
        " [(Order, {'pk': id}, 'expires_at'), (Payment, {'order__pk': id}, 'due_at'),"
        " (Order, {'pk': id}, 'next_attempt_at')]]",
        id=buyer.order_id,
    )
    buyer.wait_for("expired", seconds=30)
    assert stack.django("Event.objects.get(pk=pk).seats_taken", pk=event) == 0
    stack.audit()
