"""PostgreSQL restarts, goes away, loses an answer; SQLite is locked; gunicorn is replaced under load."""

import sqlite3
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.buyer import Buyer, Sandbox, make_event, post_purchase
from tests.faults.selling import assert_one_mail, assert_paid_once, post_webhook, seats_taken
from tests.processes import wait_until


def buy_until_sold(shop, event: int, seen: list[int]) -> dict:
    """One purchase, tried again with its key while the shop is not there; what it answered at last."""
    key, email = uuid.uuid4().hex, f"{uuid.uuid4().hex}@example.com"
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            answer = post_purchase(shop, event, key=key, email=email)
        except requests.ConnectionError:
            seen.append(0)
        else:
            seen.append(answer.status_code)
            if answer.status_code == 201:
                return answer.json()
        time.sleep(0.2)
    raise AssertionError(f"never sold; answers {Counter(seen)}")


@pytest.mark.case("F09", fault="SIGTERM gunicorn (a deploy) while twenty purchases wait for a slow node")
def test_a_deploy_finishes_the_requests_it_has(shop):
    """Every purchase that was begun is answered with 201."""
    event = make_event(shop)
    shop.node.fault("node_slow", delay_s=2)
    with ThreadPoolExecutor(20) as pool:
        answers = [pool.submit(post_purchase, shop, event) for _ in range(20)]
        wait_until(lambda: seats_taken(shop, event) == 20, 20, "twenty purchases wait for the node")
        code = shop.web.stop()
    assert code == 0
    assert [answer.result().status_code for answer in answers] == [201] * 20


@pytest.mark.short
@pytest.mark.case("F11", fault="PostgreSQL ends like in a power cut during fifty purchases, and starts again")
def test_a_database_restart_during_a_rush_costs_only_seconds(shop, faulty_stacks):
    """Answers are 201 or 503, never 500; whoever tries again with their key gets one order each."""
    event, seen = make_event(shop), []
    with ThreadPoolExecutor(16) as pool:
        sold = [pool.submit(buy_until_sold, shop, event, seen) for _ in range(50)]
        wait_until(lambda: seen.count(201) >= 5, 20, "the rush is on")
        faulty_stacks.server.restart(immediate=True)
        orders = {one.result()["order"]["id"] for one in sold}
    assert len(orders) == 50
    assert set(seen) <= {201, 503}, Counter(seen)
    assert seats_taken(shop, event) == 50


@pytest.mark.case("F12", fault="PostgreSQL is away while payments arrive")
def test_without_its_database_the_shop_says_so_and_settles_later(shop, faulty_stacks):
    """The webhook is answered 503, never 200; /health 503, /health/live 200; afterwards all is settled."""
    event = make_event(shop)
    buyers = [Buyer(shop).buy(event) for _ in range(3)]
    bolt11s = [buyer.bolt11() for buyer in buyers]
    faulty_stacks.server.stop()
    try:
        paid = [shop.node.pay_from_outside(bolt11)["to"]["payment_id"] for bolt11 in bolt11s]
        assert post_webhook(shop, paid[0]).status_code == 503
        wait_until(lambda: webhooks_tried(shop, paid), 15, "the node told us")
        assert "delivered" not in {row["state"] for row in webhooks_of(shop, paid)}
        assert requests.get(f"{shop.shop_url}/health", timeout=20).status_code == 503
        assert requests.get(f"{shop.shop_url}/health/live", timeout=20).status_code == 200
        time.sleep(8)  # long enough for every pool to begin to wait longer and longer
    finally:
        faulty_stacks.server.start()
    wait_until(lambda: all(answers_orders(buyer) for buyer in buyers * 4), 8, "every web process is back")
    for buyer in buyers:
        assert_paid_once(buyer, 30)


def answers_orders(buyer: Buyer) -> bool:
    """Whether whichever web process is asked now can read its database."""
    try:
        return bool(buyer.status())
    except AssertionError:
        return False


def webhooks_of(shop, entities: list[str]) -> list[dict]:
    return [row for row in shop.node.get("/api/webhooks")["webhooks"] if row["entity_id"] in entities]


def webhooks_tried(shop, entities: list[str]) -> bool:
    rows = webhooks_of(shop, entities)
    return len(rows) == len(entities) and all(row["attempts"] and row["answer"] for row in rows)


@pytest.mark.short
@pytest.mark.case("F13", fault="TCP cut after COMMIT was sent to PostgreSQL, before its answer")
def test_a_commit_whose_answer_was_lost_is_found_by_its_key(shop):
    """Nobody knows whether the sale was committed; the same key answers the order that was."""
    event = make_event(shop)
    shop.to_database.swallow(seen=b'INSERT INTO "tickets_order"', then=b"COMMIT")
    key, email = uuid.uuid4().hex, f"{uuid.uuid4().hex}@example.com"
    first = post_purchase(shop, event, key=key, email=email)
    assert shop.to_database.swallowed
    assert first.status_code == 503, first.text
    assert seats_taken(shop, event) == 1, "the server had committed"
    buyer = Buyer(shop, email=email).buy(event, key=key)
    assert seats_taken(shop, event) == 1
    shop.hurry()
    shop.node.pay_from_outside(buyer.bolt11(30))
    assert_paid_once(buyer)
    assert_one_mail(buyer)


@pytest.mark.case("F13", fault="TCP cut after COMMIT of a settling was sent, before its answer")
def test_a_settling_whose_commit_answer_was_lost_settles_once(shop):
    """It was committed: the next look finds it done. One ticket, one mail."""
    buyer = Buyer(shop).buy(make_event(shop))
    bolt11 = buyer.bolt11()
    before = shop.to_database.swallowed
    shop.to_database.swallow(seen=b'UPDATE "tickets_order" SET "status" = \'paid\'', then=b"COMMIT")
    shop.node.pay_from_outside(bolt11)
    wait_until(lambda: shop.to_database.swallowed > before, 20, "a COMMIT's answer is lost")
    assert_paid_once(buyer)
    assert_one_mail(buyer)


@pytest.mark.case("F13", fault="the connections to PostgreSQL go silent for some seconds, and are then cut")
def test_silent_connections_to_the_database_are_got_over(shop):
    """A payment that arrives meanwhile is settled when the connections are back."""
    buyer = Buyer(shop).buy(make_event(shop))
    bolt11 = buyer.bolt11()
    shop.to_database.silence()
    shop.node.pay_from_outside(bolt11)
    time.sleep(4)
    shop.to_database.cut()
    shop.to_database.heal()
    wait_until(lambda: all(answers_orders(buyer) for _ in range(12)), 15, "every web process is back")
    assert_paid_once(buyer, 40)
    assert_one_mail(buyer)


@pytest.fixture
def locked_shop(stacks):
    """A shop on SQLite."""
    stack = stacks.new("sqlite").start()
    yield stack
    stack.close()


@pytest.mark.case("F40", fault="somebody locks the SQLite file for 23 seconds")
def test_a_locked_sqlite_file_is_waited_for_and_never_a_500(locked_shop):
    """Who can wait is served; who waited 20 s is told 503 with Retry-After, and buys with the same key."""
    event = make_event(locked_shop)
    early, late = uuid.uuid4().hex, uuid.uuid4().hex
    who = {"email": "f40@example.com"}
    other = sqlite3.connect(locked_shop.folder / "shop.sqlite3", isolation_level=None)
    with ThreadPoolExecutor(2) as pool:
        other.execute("BEGIN IMMEDIATE")
        first = pool.submit(post_purchase, locked_shop, event, key=early, **who)
        time.sleep(8)
        second = pool.submit(post_purchase, locked_shop, event, key=late)
        time.sleep(15)
        other.execute("COMMIT")
    other.close()
    assert first.result().status_code == 503, first.result().text
    assert first.result().headers["Retry-After"]
    assert second.result().status_code == 201
    buyer = Buyer(locked_shop, email="f40@example.com").buy(event, key=early)
    Sandbox(locked_shop).pay_from_outside(buyer.bolt11())
    buyer.wait_for("paid")
    locked_shop.audit()
