"""Two web servers and two workers on one PostgreSQL: each hears of the other, and everything is done once."""

import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import requests

from tests.buyer import Buyer, Sandbox, assert_sold_once, make_event, post_purchase
from tests.journeys.open_page import Page
from tests.journeys.test_webhooks import body_of, signature
from tests.processes import wait_until

BUYERS, SEATS = 64, 20
COPIES, PUSHES = 40, 12
CHANGED_WITHIN_SECONDS = 5
# Both have counted, or wait for the other one to, before either can write what it promises.
TWO_SENDERS = """
import threading
from django.db import connections, transaction
from payments import refund_recovery, refund_sending
from payments.node import lightspark
from payments.refunds import write_refund

def owed(user, msats):
    now = timezone.now()
    money = IncomingPayment.objects.create(
        node_payment_id=f"IncomingPayment:{user}", amount_msats=msats, received_at=now, allocated_at=now)
    return write_refund(money, amount_msats=msats, reason="late", to=f"${user}@{wallets}")

def send(refund):
    try:
        connection.ensure_connection()
        pids.append(connection.connection.info.backend_pid)
        said.append(str(refund_sending._ask_for_invoice(refund)))
    except Exception as error:
        said.append(type(error).__name__)
    finally:
        connections.close_all()

def are_held():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(DISTINCT pid) FROM pg_locks WHERE pid = ANY(%s) AND NOT granted", [pids])
        return cursor.fetchone()[0] == 2

refund_recovery.read_list()
msats = lightspark.available_msats() // 1000 * 6 // 10 * 1000
refunds, pids, said = [owed("alice", msats), owed("bob", msats)], [], []
threads = [threading.Thread(target=send, args=[refund]) for refund in refunds]
with transaction.atomic():
    connection.cursor().execute("LOCK TABLE payments_refund IN SHARE MODE")
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads) and not are_held():
        threads[0].join(0.05)
for thread in threads:
    thread.join(30)
for refund in refunds:
    refund.delete()
    refund.incoming_payment.delete()
answer = sorted(said)
"""


def mails_to(stack, email: str) -> list:
    """The mails to one buyer, once no mail is due any more."""
    wait_until(lambda: stack.django("Mail.objects.filter(status='due').count()") == 0, 30, "no mail is due")
    return [mail for mail in stack.mails() if email in mail["To"]]


def requests_of(buyer: Buyer, user: str) -> list[dict]:
    """The UMA Requests for this order that reached the wallet of `user`."""
    name = buyer.pay_address().lower()
    return [row for row in Sandbox(buyer.stack).wallet(user).look()["requests"] if name in str(row).lower()]


def test_bought_at_one_server_paid_at_the_other(two):
    alice = Sandbox(two).wallet("alice")
    buyer = Buyer(two).buy(make_event(two), uma_address=alice.address)
    request = alice.request_for(buyer)
    page = Page(two.shop_urls[0], buyer.bought["order"]["token"])
    seen = len(page.changes)
    alice.approve(request)
    wait_until(
        lambda: len(page.changes) > seen, CHANGED_WITHIN_SECONDS, "the page on the first server changes"
    )
    assert_sold_once(buyer)
    taken = '"route": "api/webhooks/payment", "status": 200'  # the doctor's own, 400, goes to the first
    assert taken in two.webs[1].log.read_text()
    assert taken not in two.webs[0].log.read_text()
    wait_until(lambda: mails_to(two, buyer.email), 20, "the buyer's mail")
    assert len(mails_to(two, buyer.email)) == 1
    assert len(requests_of(buyer, "alice")) == 1


def test_sixty_four_buyers_at_both_servers_for_twenty_seats(two):
    event, start = make_event(two, capacity=SEATS), Barrier(BUYERS)

    def buy(number: int) -> requests.Response:
        start.wait(30)
        return post_purchase(two, event, url=two.shop_urls[number % 2])

    with ThreadPoolExecutor(BUYERS) as pool:
        answers = list(pool.map(buy, range(BUYERS)))
    outcomes = Counter((answer.status_code, answer.json().get("code")) for answer in answers)
    assert outcomes == {(201, None): SEATS, (409, "sold_out"): BUYERS - SEATS}
    assert two.django("Event.objects.get(pk=pk).seats_taken", pk=event) == SEATS
    two.audit()


@pytest.mark.parametrize("same_event", [True, False], ids=["one event", "an event each"])
def test_the_same_webhook_at_both_servers_at_once_settles_once(two, same_event):
    sandbox = Sandbox(two)
    sandbox.fault("webhook_lost")
    buyer = Buyer(two).buy(make_event(two))
    bolt11 = buyer.bolt11()
    for worker in two.workers:
        worker.freeze()
    try:
        entity = sandbox.pay_from_outside(bolt11)["to"]["payment_id"]
        bodies = [
            body_of(entity, event_id=f"twice-{buyer.order_id}" if same_event else "") for _ in range(COPIES)
        ]

        def tell(number: int) -> int:
            url = f"{two.shop_urls[number % 2]}/api/webhooks/payment"
            headers = {"lightspark-signature": signature(two, bodies[number])}
            return requests.post(url, data=bodies[number], headers=headers, timeout=60).status_code

        with ThreadPoolExecutor(COPIES) as pool:
            assert set(pool.map(tell, range(COPIES))) == {200}
    finally:
        for worker in two.workers:
            worker.thaw()
        sandbox.no_faults()
    assert_sold_once(buyer)
    wait_until(lambda: mails_to(two, buyer.email), 20, "the buyer's mail")
    assert len(mails_to(two, buyer.email)) == 1


def test_two_workers_push_every_request_once(two):
    event, wallets = make_event(two), ["alice", "bob", "carol"]
    buyers = []
    for number in range(PUSHES):
        user = wallets[number % len(wallets)]
        address = Sandbox(two).wallet(user).address
        buyers.append((Buyer(two).buy(event, uma_address=address), user))
    undelivered = "Payment.objects.filter(order__event_id=pk).exclude(push='delivered').count()"
    wait_until(lambda: two.django(undelivered, pk=event) == 0, 40, "every push is delivered")
    assert [len(requests_of(buyer, user)) for buyer, user in buyers] == [1] * PUSHES


def test_two_workers_do_not_send_the_same_sats(two):
    """The balance is enough for either of two refunds: who counts second sees what the first promised."""
    for worker in two.workers:
        worker.freeze()
    try:
        assert two.django(TWO_SENDERS, wallets=two.sandbox_domain) == ["BalanceTooLow", "True"]
    finally:
        for worker in two.workers:
            worker.thaw()


def test_the_same_key_at_both_servers_at_once_is_one_order(two):
    event, key = make_event(two), uuid.uuid4().hex
    with ThreadPoolExecutor(10) as pool:
        urls = two.shop_urls * 5
        buy = lambda url: post_purchase(two, event, url=url, key=key, email="same@example.com")  # noqa: E731
        orders = {answer.json()["order"]["id"] for answer in pool.map(buy, urls)}
    assert len(orders) == 1
    assert two.django("Event.objects.get(pk=pk).seats_taken", pk=event) == 1


def test_one_of_each_dies_and_the_others_go_on(two):
    two.webs[1].kill()
    two.workers[0].kill()
    sandbox = Sandbox(two)
    buyer = Buyer(two).buy(make_event(two), uma_address=sandbox.wallet("alice").address)
    alice = sandbox.wallet("alice")
    alice.approve(alice.request_for(buyer, seconds=40))
    assert_sold_once(buyer)
    two.webs[1].start()
    two.workers[0].start()
    two.wait_healthy()
