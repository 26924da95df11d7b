"""Refunds while workers die, freeze, and the node loses requests: sent at most once."""

import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.buyer import Buyer, make_event
from tests.faults.selling import assert_paid_once, books, seats_taken
from tests.processes import wait_until

PAY = "PayInvoice"
REFUND_OF = """
r = Refund.objects.get(incoming_payment__payment__order__pk=pk)
answer = {"id": str(r.pk), "money": r.incoming_payment.node_payment_id, "status": r.status,
          "payment_hash": r.payment_hash, "asked": r.invoices_asked, "node_payment_id": r.node_payment_id,
          "error": r.last_error, "attempts": r.attempts}
"""


def paid_by(shop, user: str, event: int | None = None) -> Buyer:
    """A paid order whose refund would go to this user of the sandbox's wallet."""
    wallet = shop.node.wallet(user)
    buyer = Buyer(shop).buy(event or make_event(shop), uma_address=wallet.address)
    wallet.pay(buyer.bolt11())
    buyer.wait_for("paid")
    return buyer


def refund_order(buyer: Buyer) -> None:
    act = "from tickets.services.refunds import refund_order\nrefund_order(Order.objects.get(pk=pk))"
    buyer.stack.django(act, pk=buyer.order_id)


def refund_of(buyer: Buyer) -> dict:
    return buyer.stack.django(REFUND_OF, pk=buyer.order_id)


def sent_for(buyer: Buyer) -> list[dict]:
    """What the sandbox's ledger says was paid for this refund."""
    money = refund_of(buyer)["money"]
    rows = buyer.stack.node.get("/api/ledger")["payments"]
    return [
        r for r in rows if (r["idempotency_key"] or "").startswith(f"{money}-") and r["status"] == "SUCCESS"
    ]


def assert_refunded_once(buyer: Buyer, seconds: float = 30) -> None:
    """The refund is sent, once, over the whole price; and the order is canceled.

    A payment is under way for a moment, and who looks too early looks again after a delay.
    """
    sent = lambda: refund_of(buyer)["status"] == "sent"  # noqa: E731
    buyer.stack.wait_hurried(sent, seconds, "the refund is sent")
    rows = [(row["payment_hash"], row["amount_msats"]) for row in sent_for(buyer)]
    assert rows == [(refund_of(buyer)["payment_hash"], buyer.amount_msats)]
    assert buyer.status() == "canceled"


@pytest.mark.short
@pytest.mark.case("F45", fault="kill -9 worker after the refund's BOLT11 was committed, before it is paid")
def test_a_refund_killed_before_paying_pays_the_same_bolt11(shop):
    """The node never saw our key: the same BOLT11 is paid with the same key, once."""
    buyer = paid_by(shop, "alice")
    shop.arm("refund_committed")
    refund_order(buyer)
    shop.wait_reached("refund_committed")
    committed = refund_of(buyer)
    assert committed["status"] == "sending"
    shop.revive()
    shop.hurry()
    assert_refunded_once(buyer)
    assert refund_of(buyer)["payment_hash"] == committed["payment_hash"]


@pytest.mark.case("F45", fault="kill -9 worker after the wallet gave a BOLT11, before it is committed")
def test_a_refund_killed_before_its_commit_asks_again(shop):
    """Nothing was paid; another BOLT11 is asked for and paid once."""
    buyer = paid_by(shop, "bob")
    shop.arm("refund_asked")
    refund_order(buyer)
    shop.wait_reached("refund_asked")
    assert refund_of(buyer)["status"] == "queued"
    shop.revive()
    shop.hurry()
    assert_refunded_once(buyer)


@pytest.mark.short
@pytest.mark.case("F46", fault="kill -9 worker after the refund was paid, before that is recorded")
def test_a_refund_killed_after_paying_is_not_paid_again(shop):
    """Asked by our key, the node says that it was paid; one outgoing payment."""
    buyer = paid_by(shop, "carol")
    shop.arm("refund_paid")
    refund_order(buyer)
    shop.wait_reached("refund_paid")
    wait_until(lambda: len(sent_for(buyer)) == 1, 10, "the payment under way arrives")
    shop.revive()
    shop.hurry()
    assert_refunded_once(buyer)
    assert refund_of(buyer)["asked"] == 1


@pytest.mark.case("F10", fault="SIGSTOP worker just before it pays a refund, SIGCONT after another one paid")
def test_a_worker_frozen_before_paying_a_refund_pays_nothing_when_it_wakes(shop):
    """The other worker pays with the same key; the zombie's paying is that same payment again."""
    buyer = paid_by(shop, "alice")
    shop.arm("refund_committed", signal.SIGSTOP)
    refund_order(buyer)
    shop.wait_reached("refund_committed")
    shop.hurry()
    assert_refunded_once(buyer)
    shop.revive()
    shop.come_to_rest()
    assert_refunded_once(buyer)


@pytest.mark.case("F47", fault="the node pays the refund and drops the connection")
def test_a_refund_in_doubt_that_was_paid_is_found_paid(shop):
    """No other BOLT11; the node says by our key that it was paid."""
    buyer = paid_by(shop, "bob")
    shop.node.fault("commit_then_drop", match=PAY, count=1)
    refund_order(buyer)
    assert_refunded_once(buyer)
    assert refund_of(buyer)["asked"] == 1


@pytest.mark.case("F47", fault="paying the refund times out, and nothing was sent")
def test_a_refund_in_doubt_that_never_left_is_paid_with_the_same_key(shop):
    """The node never saw our key: the same BOLT11 is paid with the same key, once."""
    buyer = paid_by(shop, "alice")
    shop.node.fault("node_hang", match=PAY, count=1)
    refund_order(buyer)
    wait_until(lambda: refund_of(buyer)["error"], 40, "nobody knows whether it was paid")
    first = refund_of(buyer)["payment_hash"]
    assert sent_for(buyer) == []
    assert_refunded_once(buyer)
    assert (refund_of(buyer)["payment_hash"], refund_of(buyer)["asked"]) == (first, 1)


@pytest.mark.case("F47", fault="the node cannot be told to pay the refund until its BOLT11 runs out")
def test_a_refund_in_doubt_gets_another_bolt11_only_when_the_first_is_dead(shop):
    """While the first BOLT11 could still be paid no other is asked for; ten minutes after its end one is."""
    buyer = paid_by(shop, "carol")
    shop.node.fault("node_500", match=PAY)
    refund_order(buyer)
    wait_until(lambda: refund_of(buyer)["error"], 30, "nobody knows whether it was paid")
    first = refund_of(buyer)["payment_hash"]
    shop.django(
        "Refund.objects.filter(pk=pk).update(heard_at=timezone.now() - timedelta(minutes=4))",
        pk=refund_of(buyer)["id"],
    )
    shop.wait_hurried(lambda: refund_of(buyer)["status"] == "in_doubt", 20, "after minutes it is in doubt")
    for tries in range(3, 6):
        shop.wait_hurried(lambda n=tries: refund_of(buyer)["attempts"] >= n, 20, f"it is tried {tries} times")
        assert (refund_of(buyer)["status"], refund_of(buyer)["payment_hash"]) == ("in_doubt", first)
    assert sent_for(buyer) == []
    shop.django(
        "Refund.objects.filter(pk=pk).update(bolt11_expires_at=timezone.now() - timedelta(minutes=11))",
        pk=refund_of(buyer)["id"],
    )
    shop.hurry()
    wait_until(lambda: refund_of(buyer)["status"] != "in_doubt", 20, "the first is known to be dead")
    shop.wait_hurried(lambda: refund_of(buyer)["payment_hash"] != first, 30, "another BOLT11 is asked for")
    shop.node.no_faults()
    shop.hurry()
    assert_refunded_once(buyer)


@pytest.mark.case("F47", fault="the refund's payment stays under way, and then fails")
def test_a_refund_under_way_that_fails_is_sent_anew(shop):
    """No other BOLT11 while it is under way; after the failure another one is paid, once."""
    buyer = paid_by(shop, "alice")
    shop.node.fault("payment_pending", count=1, delay_s=3, then="NO_ROUTE")
    refund_order(buyer)
    assert_refunded_once(buyer, 50)
    assert refund_of(buyer)["asked"] == 2


@pytest.mark.case("I13", fault="our books say that a refund was sent, and the node knows nothing of it")
def test_the_audit_asks_the_node_for_every_refund(shop):
    """The audit names it."""
    buyer = paid_by(shop, "bob")
    refund_order(buyer)
    assert_refunded_once(buyer)
    found = shop.django(
        "from tickets.staff.node_audit import compare_with_node\n"
        "refund = Refund.objects.filter(pk=pk)\n"
        "true = refund.values('node_payment_id', 'invoices_asked')[0]\n"
        "refund.update(node_payment_id='OutgoingPayment:made-up', invoices_asked=7)\n"
        "answer = [one.row for one in compare_with_node(timezone.now() - timedelta(hours=1))]\n"
        "refund.update(**true)",
        pk=refund_of(buyer)["id"],
    )
    true = refund_of(buyer)
    assert found == [f"refund {true['id']}", f"node payment {true['node_payment_id']}"]


@pytest.mark.case("F48", fault="two of staff refund the same order in the same moment")
def test_two_refunds_at_once_are_one(shop):
    """One wins, the other is told; one refund, one outgoing payment."""
    buyer = paid_by(shop, "bob")
    outcomes = shop.django(
        "from tests.acts import together\n"
        "from tickets.services.refunds import refund_order\n"
        "orders = [Order.objects.get(pk=pk) for _ in range(2)]\n"
        "def act(order): return lambda: refund_order(order)\n"
        "answer = sorted(type(one).__name__ for one in together(*map(act, orders)))",
        pk=buyer.order_id,
    )
    assert outcomes in (["InvalidTransition", "Refund"], ["NothingToRefund", "Refund"])
    assert_refunded_once(buyer)


@pytest.mark.case("F49", fault="the event is canceled while ten buyers pay")
def test_an_event_canceled_while_ten_pay_gives_everything_back(shop):
    """Every order ends canceled, every sat that arrived goes back, no ticket is good, no seat is taken."""
    event, alice = make_event(shop), shop.node.wallet("alice")
    buyers = [Buyer(shop).buy(event, uma_address=alice.address) for _ in range(10)]
    bolt11s = [buyer.bolt11() for buyer in buyers]
    with ThreadPoolExecutor(10) as pool:
        paying = [pool.submit(pay_if_possible, alice, bolt11) for bolt11 in bolt11s]
        wait_until(lambda: any(one.done() for one in paying), 20, "the first has paid")
        act = "from tickets.services.refunds import cancel_event\ncancel_event(Event.objects.get(pk=pk))"
        shop.django(act, pk=event)
        paid = sum(one.result() for one in paying)
    wait_until(lambda: {buyer.status() for buyer in buyers} == {"canceled"}, 40, "every order is canceled")
    shop.come_to_rest()
    refunds = [refund for buyer in buyers for refund in books(buyer)["refunds"]]
    assert len(refunds) == paid
    assert {status for _, _, status in refunds} <= {"sent"}
    assert sum(books(buyer)["admitting"] for buyer in buyers) == 0
    assert seats_taken(shop, event) == 0


def pay_if_possible(wallet, bolt11: str) -> int:
    try:
        wallet.pay(bolt11)
    except AssertionError:
        return 0
    return 1


@pytest.mark.short
@pytest.mark.case("F36", fault="a wallet pays the same BOLT11 twice")
def test_the_second_payment_of_an_order_goes_back(shop):
    """The first one buys, the second one is refunded as a duplicate to the wallet that was named."""
    buyer = Buyer(shop).buy(make_event(shop), uma_address=shop.node.wallet("alice").address)
    shop.node.fault("duplicate_payment", count=1)
    shop.node.pay_from_outside(buyer.bolt11())
    buyer.wait_for("paid")
    sent = [[buyer.amount_msats, "duplicate", "sent"]]
    wait_until(lambda: books(buyer)["refunds"] == sent, 40, "the second payment is sent back")
    assert books(buyer)["admitting"] == 1


@pytest.mark.case("F36", fault="a wallet pays its UMA request, and the QR was paid as well")
def test_paying_by_request_after_the_qr_was_paid_costs_nothing(shop):
    """The payreq is refused because the order is paid; nothing arrives twice."""
    alice = shop.node.wallet("alice")
    buyer = Buyer(shop).buy(make_event(shop), uma_address=alice.address)
    request = alice.request_for(buyer)
    shop.node.pay_from_outside(buyer.bolt11())
    buyer.wait_for("paid")
    with pytest.raises(AssertionError):
        alice.approve(request)
    assert_paid_once(buyer)


SURPLUS = [
    pytest.param(1, [], 1, id="1 msat over"),
    pytest.param(10_000, [], 10_000, id="10 sats over"),
    pytest.param(1_000_500, [[1_000_000, "surplus", "sent"]], 500, id="1000 sats and a half over"),
]


@pytest.mark.case("F37", fault="a payer sends more than the BOLT11 says")
@pytest.mark.parametrize(("more", "refunds", "kept"), SURPLUS)
def test_what_was_paid_too_much_goes_back_beyond_dust(shop, more, refunds, kept):
    """Up to 10 sats, and fractions of a sat, are kept and recorded; more is refunded; the ticket is good."""
    buyer = Buyer(shop).buy(make_event(shop), uma_address=shop.node.wallet("bob").address)
    shop.node.fault("wrong_amount", count=1, delta_msats=more)
    shop.node.pay_from_outside(buyer.bolt11())
    buyer.wait_for("paid")
    wait_until(lambda: books(buyer)["refunds"] == refunds, 40, "the surplus is on its way")
    assert books(buyer)["arrived"] == [[buyer.amount_msats + more, buyer.amount_msats, kept, True]]


@pytest.mark.case("F37", fault="a payer sends less than the BOLT11 says")
def test_too_little_goes_back_and_sells_nothing(shop):
    """All of it is refunded; the order waits on, and ends when its time is up."""
    buyer = Buyer(shop).buy(make_event(shop), uma_address=shop.node.wallet("carol").address)
    shop.node.fault("wrong_amount", count=1, delta_msats=-1000)
    shop.node.pay_from_outside(buyer.bolt11())
    back = [[buyer.amount_msats - 1000, "underpaid", "sent"]]
    wait_until(lambda: books(buyer)["refunds"] == back, 40, "everything is sent back")
    assert buyer.status() == "pending"
