"""Races on one payment and at the end of a hold, and with edits by staff."""

import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.buyer import Buyer, make_event
from tests.faults.selling import (
    assert_one_mail,
    assert_paid_once,
    books,
    overdue,
    post_webhook,
    seats_taken,
)
from tests.processes import wait_until

STAFF_TOKEN = """
from accounts.staff import save_verified_user
from accounts.authentication import issue_token
answer = str(issue_token(save_verified_user(email="staff@example.com", password="a-long-pass-phrase")[0]))
"""


@pytest.fixture
def staff(shop):
    """Sends a change of an event as staff does."""
    token = shop.django(STAFF_TOKEN)

    def change(event: int, **fields) -> requests.Response:
        return requests.patch(
            f"{shop.shop_url}/api/events/{event}",
            json=fields,
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
        )

    return change


@pytest.mark.case("F43", fault="two workers, twenty webhooks and two retry_payments settle the same payment")
def test_one_payment_settled_by_everybody_at_once_is_settled_once(shop):
    """One allocation, no deadlock, one mail."""
    shop.node.fault("webhook_lost")
    buyer = Buyer(shop).buy(make_event(shop))
    bolt11 = buyer.bolt11()
    for worker in shop.workers:
        worker.freeze()
    payment = shop.node.pay_from_outside(bolt11)["to"]["payment_id"]
    by_hand = [retry_payments(shop) for _ in range(2)]
    shop.hurry()
    with ThreadPoolExecutor(20) as pool:
        webhooks = [pool.submit(post_webhook, shop, payment) for _ in range(20)]
        shop.revive()
        assert [one.result().status_code for one in webhooks] == [200] * 20
    assert [process.wait(50) for process in by_hand] == [0, 0]
    assert_paid_once(buyer)
    assert_one_mail(buyer)


def retry_payments(shop) -> subprocess.Popen:
    command = [sys.executable, "manage.py", "retry_payments"]
    return subprocess.Popen(command, cwd=shop.root, env=shop.env, stdout=subprocess.DEVNULL)


@pytest.mark.case("F44", fault="forty holds run out in the moment in which they are paid; two workers")
def test_forty_holds_that_end_while_they_are_paid_end_clean(shop):
    """Each is paid, or expired with its money on its way back; seats are those of the paid ones."""
    event = make_event(shop, capacity=40)
    with ThreadPoolExecutor(8) as pool:
        buyers = list(pool.map(lambda _: Buyer(shop).buy(event), range(40)))
        bolt11s = list(pool.map(lambda buyer: buyer.bolt11(), buyers))
        shop.node.fault("webhook_late", delay_s=1)
        paying = [pool.submit(pay_if_possible, shop, bolt11) for bolt11 in bolt11s]
        for buyer in buyers:
            overdue(buyer, seconds=0)
        arrived = sum(one.result() for one in paying)
    wait_until(lambda: "pending" not in {buyer.status() for buyer in buyers}, 40, "every hold has ended")
    shop.come_to_rest()
    ended = Counter(buyer.status() for buyer in buyers)
    assert set(ended) <= {"paid", "expired"}
    assert seats_taken(shop, event) == ended["paid"]
    money = [books(buyer) for buyer in buyers]
    assert sum(len(one["arrived"]) for one in money) == arrived
    assert ended["paid"] + sum(len(one["refunds"]) for one in money) == arrived


def pay_if_possible(shop, bolt11: str) -> int:
    """1 when the node let the payment through, 0 when the invoice was closed by then."""
    try:
        return int(shop.node.pay_from_outside(bolt11)["status"] == "SUCCESS")
    except AssertionError:
        return 0


@pytest.mark.case("F50", fault="staff lower the capacity below the seats that are taken")
def test_a_capacity_below_what_is_sold_is_refused(shop, staff):
    """A plain refusal; nothing changes; up to the seats taken it is allowed."""
    event = make_event(shop, capacity=10)
    Buyer(shop).buy(event, quantity=4)
    answer = staff(event, capacity=3)
    assert 400 <= answer.status_code < 500, answer.text
    assert shop.django("Event.objects.get(pk=pk).capacity", pk=event) == 10
    assert staff(event, capacity=4).status_code == 200
    assert seats_taken(shop, event) == 4


@pytest.mark.case("F51", fault="staff raise the price between hold and payment")
def test_a_held_order_keeps_its_price(shop, staff, vasp):
    """The held order is paid at its own price; a payreq over the new one is refused; new orders pay more."""
    event = make_event(shop, price_sats=2500)
    held = Buyer(shop).buy(event)
    assert staff(event, price_sats=4000).status_code == 200
    callback = vasp.lookup(f"${held.pay_address()}")["callback"]
    for amount in (4000, 4_000_000):
        refused = requests.post(callback, json=vasp.pay_request(amount=amount), timeout=30)
        assert 400 <= refused.status_code < 500, refused.text
    assert held.amount_msats == 2_500_000
    shop.node.pay_from_outside(held.bolt11())
    assert_paid_once(held)
    assert Buyer(shop).buy(event).amount_msats == 4_000_000
