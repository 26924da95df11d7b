"""Two web servers and two workers on one PostgreSQL: whoever serves which request, it is one shop."""

import contextlib
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.buyer import Buyer, Sandbox, assert_sold_once, make_event, post_purchase
from tests.processes import wait_until

DEADLINE_SECONDS = 5


@pytest.fixture(scope="module")
def pair(stacks):
    """The stack with two of each; stopped with the module."""
    stack = stacks.new("postgresql", webs=2, workers=2).start()
    yield stack
    stack.close()


class Page:
    """An open order page: the moments at which its event stream said "changed"."""

    def __init__(self, url: str, token: str):
        self.changes: list[float] = []
        self.answer = requests.get(f"{url}/orders/{token}/live", params={"v": ""}, stream=True, timeout=70)
        assert self.answer.status_code == 200, self.answer.text
        threading.Thread(target=self._listen, daemon=True).start()
        wait_until(lambda: self.changes, DEADLINE_SECONDS, "the stream tells the first version")

    def _listen(self) -> None:
        with contextlib.suppress(requests.RequestException):  # the server may die under the page
            for line in self.answer.iter_lines(chunk_size=1):
                if line == b"event: changed":
                    self.changes.append(time.monotonic())

    def seconds_until_changed(self, since: float) -> float:
        wait_until(lambda: self.changes[-1] > since, DEADLINE_SECONDS, "the page changes")
        return next(moment for moment in self.changes if moment > since) - since


def test_a_page_on_one_server_hears_of_a_payment_told_to_the_other(pair, record_property):
    buyer = Buyer(pair).buy(make_event(pair))
    bolt11 = buyer.bolt11()
    pages = [Page(url, buyer.bought["order"]["token"]) for url in pair.shop_urls]
    paid_at = time.monotonic()
    Sandbox(pair).pay_from_outside(bolt11)
    waits = [page.seconds_until_changed(paid_at) for page in pages]
    record_property("seconds_from_paying_to_changed_page", max(waits))
    print(f"from paying to the changed page: {[round(wait, 2) for wait in waits]} s")
    assert_sold_once(buyer)


def test_an_order_placed_on_one_server_is_seen_on_the_other(pair):
    buyer = Buyer(pair).buy(make_event(pair))
    token = buyer.bought["order"]["token"]
    for url in pair.shop_urls:
        answer = requests.get(
            f"{url}/api/orders/{buyer.order_id}", headers={"Order-Token": token}, timeout=20
        )
        assert answer.json()["order"]["id"] == buyer.order_id


def test_the_last_seats_are_sold_once_by_both_servers(pair):
    event = make_event(pair, capacity=10)
    with ThreadPoolExecutor(30) as pool:
        urls = pair.shop_urls * 15
        answers = list(pool.map(lambda url: post_purchase(pair, event, url=url), urls))
    assert Counter(answer.status_code for answer in answers) == {201: 10, 409: 20}
    pair.audit()


def test_the_same_key_at_both_servers_at_once_is_one_order(pair):
    event = make_event(pair)
    with ThreadPoolExecutor(10) as pool:
        urls = pair.shop_urls * 5
        buy = lambda url: post_purchase(pair, event, url=url, key="twice", email="same@example.com")  # noqa: E731
        orders = {answer.json()["order"]["id"] for answer in pool.map(buy, urls)}
    assert len(orders) == 1
    assert pair.django("Event.objects.get(pk=pk).seats_taken", pk=event) == 1


def test_one_of_each_dies_and_the_others_go_on(pair):
    pair.webs[1].kill()
    pair.workers[0].kill()
    sandbox = Sandbox(pair)
    buyer = Buyer(pair).buy(make_event(pair), uma_address=sandbox.wallet("alice").address)
    alice = sandbox.wallet("alice")
    alice.approve(alice.request_for(buyer, seconds=40))
    assert_sold_once(buyer)
    pair.webs[1].start()
    pair.workers[0].start()
    pair.wait_healthy()
