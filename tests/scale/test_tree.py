"""Profile `scale`, performed: a sale, a race, live pages, and every part killed in the middle of it."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.buyer import Buyer, Sandbox, assert_sold_once, make_event, post_purchase
from tests.processes import PATIENCE, wait_until
from tests.scale.held_page import HeldPage

AT_ONCE_SECONDS = 2.0
SLOW_POLL_SECONDS = 24.0  # live.js: 20, and a fifth more at most
PARTS = ["pooler", "cache", "pushpin", "proxy", "web0", "web1", "worker0", "worker1"]


@pytest.fixture
def open_page(tree):
    """Opens the page of an order that is to be paid; all are closed with the test."""
    opened = []

    def opening() -> tuple[Buyer, HeldPage]:
        buyer = Buyer(tree).buy(make_event(tree))
        buyer.bolt11()
        opened.append(HeldPage(buyer))
        return buyer, opened[-1]

    yield opening
    for each in opened:
        each.close()


def pay(tree, buyer: Buyer) -> float:
    Sandbox(tree).pay_from_outside(buyer.bolt11())
    return time.monotonic()


def test_a_ticket_is_bought_by_a_wallet_and_mailed(tree):
    alice = Sandbox(tree).wallet("alice")
    buyer = Buyer(tree).buy(make_event(tree), uma_address=alice.address)
    alice.approve(alice.request_for(buyer, seconds=40))
    assert_sold_once(buyer)
    tree.audit()


def test_a_race_for_the_last_seats_sells_each_once(tree):
    event = make_event(tree, capacity=20)
    with ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(lambda _: post_purchase(tree, event), range(64)))
    assert Counter(answer.status_code for answer in answers) == {201: 20, 409: 44}
    tree.audit()


def test_pushpin_holds_the_page_and_tells_it_at_once(tree, open_page):
    buyer, shown = open_page()
    assert shown.held.wait(10), "it is held by Pushpin"
    paid = pay(tree, buyer)
    at = wait_until(lambda: shown.became("paid"), 20, "the page shows the ticket")
    print(f"from payment to page: {at - paid:.2f} s")
    assert at - paid < AT_ONCE_SECONDS * PATIENCE


def test_who_does_not_come_by_pushpin_is_held_by_a_thread(tree):
    """Nobody can make the shop answer with a hold that nobody holds."""
    buyer = Buyer(tree).buy(make_event(tree))
    url = f"{tree.shop_urls[0]}/orders/{buyer.bought['order']['token']}/live"
    headers = {"Grip-Sig": "eyJhbGciOiJub25lIn0.eyJleHAiOjQxMDI0NDQ4MDB9."}
    with requests.get(url, params={"v": ""}, headers=headers, stream=True, timeout=20) as answer:
        lines = answer.iter_lines(chunk_size=1)
        assert "Grip-Hold" not in answer.headers
        assert b"event: changed" in [next(lines) for _ in range(4)]


@pytest.mark.parametrize("name", PARTS)
def test_a_part_is_killed_and_sales_and_pages_go_on(tree, open_page, name):
    part = next(each for each in tree.processes if each.name == name)
    buyer, shown = open_page()
    assert shown.held.wait(15)
    part.kill()
    if name in ("proxy", "pooler"):  # without these nothing is answered; it comes back, and all goes on
        part.start()
    paid = pay_when_possible(tree, buyer)
    at = wait_until(lambda: shown.became("paid"), 60, "the page shows the ticket")
    print(f"{name} killed: from payment to page {at - paid:.2f} s")
    assert at - paid < SLOW_POLL_SECONDS
    buy_when_possible(tree)
    if not part.running:
        part.start()
    wait_until(lambda: requests.get(f"{tree.shop_url}/health/live", timeout=5).ok, 30, "it is back")
    tree.wait_healthy()
    held_again, again = wait_until(lambda: _patiently(open_page), 60, "every process sells again")
    assert again.held.wait(40), "pages are held again"
    paid = pay(tree, held_again)
    at = wait_until(lambda: again.became("paid"), 30, "the next page shows its ticket")
    assert at - paid < AT_ONCE_SECONDS * PATIENCE
    tree.audit()


def pay_when_possible(tree, buyer: Buyer) -> float:
    return wait_until(lambda: _patiently(lambda: pay(tree, buyer)), 60, "it is paid")


def buy_when_possible(tree) -> Buyer:
    event = make_event(tree)
    return wait_until(lambda: _patiently(lambda: Buyer(tree).buy(event)), 60, "seats are sold")


def _patiently(act):
    try:
        return act()
    except (requests.RequestException, AssertionError):
        return None


def test_news_survive_a_crash_after_the_commit(tree, open_page):
    """Both workers are gone when the payment settles: the outbox keeps it until one is back."""
    buyer, shown = open_page()
    assert shown.held.wait(10)
    for worker in tree.workers:
        worker.kill()
    began = pay(tree, buyer)
    wait_until(lambda: buyer.status() == "paid", 15, "a web server settles it")
    assert tree.sql("SELECT count(*) FROM live_news WHERE channel = %s", f"order-{buyer.order_id}") == [(1,)]
    for worker in tree.workers:
        worker.start()
    wait_until(lambda: shown.became("paid"), 20, "the page shows the ticket")
    wait_until(lambda: tree.sql("SELECT count(*) FROM live_news") == [(0,)], 20, "the outbox is empty")
    print(f"published {time.monotonic() - began:.1f} s after the payment, by workers that began anew")
    tree.audit()
