"""Connected wallets (NIP-47) over real processes: relay, wallet, shop, worker."""

import re

import pytest
import requests

from tests.buyer import Buyer, make_event
from tests.processes import wait_until


@pytest.fixture
def stack(sqlite_stack):
    yield sqlite_stack.with_relay()
    requests.delete(f"{sqlite_stack.sandbox_url}/api/faults", timeout=30)


class Page:
    """An order's page in a browser without scripts."""

    def __init__(self, stack, buyer: Buyer):
        self.url = f"{stack.shop_url}/orders/{buyer.bought['order']['token']}"
        self.session = requests.Session()

    def text(self) -> str:
        answer = self.session.get(self.url, timeout=30)
        assert answer.status_code == 200
        return answer.text

    def post(self, act: str, **fields) -> requests.Response:
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.text())[1]
        return self.session.post(
            self.url, data={"csrfmiddlewaretoken": token, "act": act, **fields},
            headers={"Referer": self.url}, timeout=30,
        )  # fmt: skip

    def connect(self, link: str) -> str:
        answer = self.post("wallet_connect", link=link)
        assert answer.status_code == 200, answer.text
        wait_until(lambda: 'data-wallet="ready"' in self.text(), 20, "the wallet is ready")
        return re.search(r'name="wallet" value="([^"]+)"', self.text())[1]


def link_for(sandbox, name: str = "alice", **body) -> str:
    return sandbox.post(f"/api/wallets/{name}/connections", **body)["link"]


def test_a_guest_connects_a_wallet_and_pays_by_a_press(stack, sandbox):
    buyer = Buyer(stack).buy(make_event(stack))
    page = Page(stack, buyer)
    wallet = page.connect(link_for(sandbox))
    assert re.search(r"200,000\ssats are left of its budget", page.text())
    page.post("wallet_pay", wallet=wallet)
    buyer.wait_for("paid")
    stack.audit()


# -- many at a time ---------------------------------------------------------------------------
PRESS = """
from payments.nwc.services import connect, press
from payments.nwc.models import ConnectedWallet, Tap
"""


ENDED = "[str(pk) for pk in Order.objects.filter(pk__in=orders, payment__taps__status='ended').values_list('pk', flat=True)]"  # noqa: E501


class Crowd:
    """Buyers with a wallet connected to each order, all by one link for each of the sandbox's users."""

    def __init__(self, stack, sandbox, event_id: int):
        self.stack, self.sandbox, self.event_id = stack, sandbox, event_id
        self.buyers: list[Buyer] = []

    def join(self, name: str, count: int) -> list[str]:
        """So many more buyers, who all pay from the wallet of `name`; the ids of their orders."""
        self.sandbox.post("/api/wallets", name=name, balance_sats=10_000_000)
        link = link_for(self.sandbox, name, budget_sats=9_000_000)
        buyers = [Buyer(self.stack).buy(self.event_id) for _ in range(count)]
        orders = [buyer.order_id for buyer in buyers]
        self.stack.django(
            PRESS + "for pk in orders: connect(link, payment=Order.objects.get(pk=pk).payment, ip='test')",
            orders=orders, link=link,
        )  # fmt: skip
        self.buyers += buyers
        return orders

    def press(self) -> None:
        """All at once, as soon as every wallet is ready."""
        orders = [buyer.order_id for buyer in self.buyers]
        ready = "ConnectedWallet.objects.filter(status='ready', payment__order__in=orders)"
        count = f"{ready}.count()"
        wait_until(
            lambda: self.stack.django(count, orders=orders) == len(orders), 60, "all wallets are ready"
        )
        code = f"for w in {ready}: press(w.payment, str(w.pk), None)"
        self.stack.django(PRESS + code, orders=orders)

    def taps(self, orders: list[str], status: str) -> int:
        return self.stack.django(
            "Tap.objects.filter(payment__order__in=orders, status=status).count()",
            orders=orders,
            status=status,
        )

    def hurry(self, orders: list[str]) -> None:
        """Their twenty seconds are over."""
        sent = "Tap.objects.filter(payment__order__in=orders, status='sent')"
        self.stack.django(f"{sent}.update(next_attempt_at=timezone.now())", orders=orders)


def many(stack, sandbox, *, tag: str) -> None:
    """Of twenty 11 pay, 6 are silent, 2 pay late, 1 pays twice; of whom nobody pays in vain."""
    crowd = Crowd(stack, sandbox, make_event(stack, capacity=20))
    good = crowd.join(f"good{tag}", 11)
    silent = crowd.join(f"silent{tag}", 6)
    late = crowd.join(f"late{tag}", 2)
    twice = crowd.join(f"twice{tag}", 1)
    everybody = [*good, *silent, *late, *twice]
    sandbox.fault("nwc_silent", match=f"silent{tag}")
    sandbox.fault("nwc_late", match=f"late{tag}", delay_s=8)
    sandbox.fault("nwc_pays_twice", match=f"twice{tag}")
    crowd.press()
    wait_until(lambda: crowd.taps(everybody, "queued") == 0, 90, "all are asked")
    crowd.hurry([*silent, *late])
    over = lambda: crowd.taps(everybody, "paid") + crowd.taps(everybody, "ended")  # noqa: E731
    wait_until(lambda: over() == len(everybody), 90, "all presses are over")
    assert crowd.taps([*good, *twice], "paid") == len(good + twice)
    assert crowd.taps(silent, "ended") == len(silent)
    tried = lambda: {row["status"] for row in sandbox.wallet(f"late{tag}").look()["history"]}  # noqa: E731
    wait_until(
        lambda: len(sandbox.wallet(f"late{tag}").look()["history"]) == len(late), 90, "late ones tried"
    )
    ended = set(stack.django(ENDED, orders=everybody))
    assert tried() == {"failed" if pk in ended else "succeeded" for pk in late}
    for buyer in crowd.buyers:  # whose request was taken back pays by the code that came back
        if buyer.order_id in ended:
            sandbox.pay_from_outside(buyer.bolt11())
        buyer.wait_for("paid", 60)
    hashes = "list(Invoice.objects.filter(payment__order__in=orders).values_list('payment_hash', flat=True))"
    moved = sandbox.payments(stack.django(hashes, orders=[*good, *silent, *late]))
    assert len(moved) == len(good + silent + late), "nobody of them paid twice"
    refunded = (
        "Refund.objects.filter(incoming_payment__payment__order__in=orders, reason='duplicate').count()"
    )
    wait_until(lambda: stack.django(refunded, orders=twice) == len(twice), 60, "what came twice goes back")
    stack.audit()


def test_nobody_pays_twice_and_no_seat_is_lost(stack, sandbox, pytestconfig):
    """Twenty presses at once; with `--long` five times."""
    for crowd in range(5 if pytestconfig.getoption("long") else 1):
        many(stack, sandbox, tag=f"n{crowd}")
