"""The drill of docs/operations.md: an old backup is restored, the node remembers all that was sent since."""

import subprocess
from pathlib import Path

import pytest

from tests.buyer import Buyer, make_event
from tests.faults.faulty import FaultyStack
from tests.faults.test_refunds import assert_refunded_once, paid_by, refund_of, refund_order
from tests.postgres import find_binaries
from tests.processes import wait_until

MONEY_OF = "IncomingPayment.objects.get(payment__order__pk=pk).node_payment_id"
FOUND = "IncomingPayment.objects.filter(node_payment_id__in=ids, payment=None).count()"
SEND_BACK = """
from payments.unmatched import refund_unmatched
refund_unmatched(IncomingPayment.objects.get(node_payment_id=id), to=to)
"""


def outgoing(shop: FaultyStack) -> list[tuple[str, int]]:
    """Our key and the msats of everything that our node ever sent."""
    us = shop.env["LIGHTSPARK_NODE_ID"]
    rows = [row for row in shop.node.get("/api/ledger")["payments"] if row["from"]["node_id"] == us]
    return sorted((row["idempotency_key"], row["amount_msats"]) for row in rows if row["status"] == "SUCCESS")


def back_up(shop: FaultyStack, file: Path) -> None:
    """As the guide says; and what it holds was read hours ago."""
    shop.django("Sweep.objects.update(read_until=timezone.now() - timedelta(hours=3))")
    command = [find_binaries() / "pg_dump", "--format=custom", "--file", file, shop.database_url]
    subprocess.run(command, check=True)


def restore(shop: FaultyStack, file: Path) -> None:
    """As the guide says, up to the audit, after which everything starts again."""
    for process in (*shop.webs, *shop.workers):
        process.stop()
    command = [find_binaries() / "pg_restore", "--clean", "--if-exists", "--dbname", shop.database_url, file]
    subprocess.run(command, check=True)
    shop.manage("migrate", "--no-input", "--verbosity=0")
    shop.manage("audit", check=False)
    shop.revive()
    shop.wait_healthy()


@pytest.mark.case("F62", fault="an hours old backup is restored: seats were sold and refunds sent since")
def test_after_the_restore_of_an_old_backup_nothing_is_sent_twice(shop, tmp_path):
    """What was sent since is found; orders whose money went back, and money of lost orders, are named."""
    event = make_event(shop)
    refunded, waiting, sold = (paid_by(shop, user, event) for user in ("alice", "bob", "carol"))
    refund_order(refunded)
    assert_refunded_once(refunded)
    for worker in shop.workers:
        worker.freeze()
    refund_order(waiting)
    back_up(shop, tmp_path / "shop.dump")
    for worker in shop.workers:
        worker.thaw()
    gone, unsold = paid_by(shop, "alice", event), paid_by(shop, "bob", event)
    for buyer in (sold, gone):
        refund_order(buyer)
    for buyer in (waiting, sold, gone):
        assert_refunded_once(buyer)
    ids = [shop.django(MONEY_OF, pk=buyer.order_id) for buyer in (gone, unsold)]
    sent = outgoing(shop)

    restore(shop, tmp_path / "shop.dump")
    assert shop.django("Order.objects.filter(pk__in=pks).count()", pks=[gone.order_id, unsold.order_id]) == 0
    wait_until(lambda: shop.django(FOUND, ids=ids) == 2, 60, "the money of orders since is found")
    assert_refunded_once(waiting)
    shop.wait_hurried(lambda: is_named(shop, sold), 60, "the audit names the order whose money went back")
    shop.come_to_rest()
    assert outgoing(shop) == sent

    refund_order(sold)
    for user, id in zip(("alice", "bob"), ids, strict=True):
        shop.django(SEND_BACK, id=id, to=shop.node.wallet(user).address)
    shop.come_to_rest()
    assert sold.status() == "canceled"
    assert refund_of(sold)["status"] == "sent"
    more = set(outgoing(shop)) - set(sent)
    assert (len(outgoing(shop)), [amount for _key, amount in more]) == (len(sent) + 1, [unsold.amount_msats])


def is_named(shop: FaultyStack, buyer: Buyer) -> bool:
    return buyer.bought["order"]["code"] in shop.manage("audit", check=False).stdout
