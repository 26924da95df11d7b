"""Chaos: purchases, refunds and faults all at once, after which every sat agrees with the node's ledger.

python -m tests.faults.chaos                  ten minutes with a drawn seed, which is printed
python -m tests.faults.chaos --seed 7 --minutes 2

A seed draws the same acts in the same order for each actor; what they meet is the machine's timing.
"""

import argparse
import random
import secrets
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import requests

from tests.buyer import Buyer, make_event
from tests.faults.faulty import UNFINISHED, FaultyStack, FaultyStacks

BUYERS = 6
WALLETS = ("alice", "bob", "carol")
NODE_FAULTS = ("node_500", "node_error", "commit_then_drop", "node_slow", "node_bad_json", "webhook_lost")
MONEY_FAULTS = (
    ("wrong_amount", {"delta_msats": -1000}),
    ("wrong_amount", {"delta_msats": 500_000}),
    ("duplicate_payment", {}),
    ("payment_failed", {}),
    ("payment_pending", {"delay_s": 2}),
    ("route_costs", {"fee_msats": 9000}),
)
# A second type at each event, and a code of ten uses that half of the buyers want.
CATALOGUE = """
event = Event.objects.get(pk=pk)
other = TicketType(event=event, name="Other", price=60)
other.save()
PromoCode.objects.create(event=event, text="TEN", kind="percent", value=20, max_uses=10)
answer = [event.default_type_id, other.pk]
"""
# Racing staff: the same order refunded, in part and whole, by several at once; refunds pressed again.
STAFF = """
from random import Random
from tests.acts import together
from ticketsuma.errors import DomainError
from tickets.services.refunds import refund_order, refund_part
from payments import refunds
draw = Random(seed)
orders = list(Order.objects.filter(status="paid", payment__isnull=False).order_by("pk"))
failed = list(Refund.objects.filter(status="failed").order_by("pk"))
def whole(pk): return lambda: refund_order(Order.objects.get(pk=pk))
def part(pk): return lambda: refund_part(Order.objects.get(pk=pk), amount_sats=7, already_refunded_sats=0)
def again(pk): return lambda: refunds.retry(Refund.objects.get(pk=pk))
acts = [whole, whole, part] if draw.random() < 0.7 else [part, part, whole]
works = [act(draw.choice(orders).pk) for act in acts] if orders and draw.random() < 0.3 else []
if orders and not works:
    pk = draw.choice(orders).pk
    works = [act(pk) for act in acts]
works += [again(draw.choice(failed).pk)] * 2 if failed else []
answer = [type(one).__name__ for one in (together(*works) if works else [])]
"""
TOTALS = """
from django.db.models import Count
answer = {
    "orders": dict(Order.objects.values_list("status").annotate(n=Count("pk"))),
    "refunds": dict(Refund.objects.values_list("status").annotate(n=Count("pk"))),
    "payments": IncomingPayment.objects.count(),
    "uses of codes": list(PromoCode.objects.order_by("pk").values_list("uses", flat=True)),
}
"""


class Chaos:
    """One run on one stack: actors in threads until the time is up, then the proof."""

    def __init__(self, stacks: FaultyStacks, stack: FaultyStack, seed: int):
        self.stacks, self.stack, self.seed = stacks, stack, seed
        self.over, self.done = threading.Event(), Counter()
        self.inside = threading.Lock()  # one line at a time goes to `stack.django`
        self.broken: list[BaseException] = []
        self.events = [
            make_event(stack, capacity=capacity, price_sats=price)
            for capacity, price in zip((3, 20, 500, 500), (2500, 100, 21, 40_000), strict=True)
        ]
        self.types = {event: stack.django(CATALOGUE, pk=event) for event in self.events}

    def run(self, seconds: float) -> dict:
        """Everything at once for so long; raises AssertionError when anything ends wrong."""
        threads = [self._actor(f"buyer{number}", self.buy) for number in range(BUYERS)]
        threads.append(self._actor("staff", self.staff))
        ends = time.monotonic() + seconds
        draw = random.Random(f"{self.seed} breaker")
        # Here: a child process lives no longer than the thread that started it.
        while time.monotonic() < ends and not self.broken:
            self.break_something(draw)
            self.over.wait(draw.uniform(0.5, 3))
        self.over.set()
        self.stack.heal()
        for thread in threads:
            thread.join(120)
        if self.broken:
            raise self.broken[0]
        waiting, began = sum(self.stack.django(UNFINISHED, later_seconds=3600).values()), time.monotonic()
        self.stack.ends_clean(seconds=120)
        rest = {"left at the end": waiting, "seconds to rest": round(time.monotonic() - began)}
        return self.done | rest | self.stack.django(TOTALS)

    def _actor(self, name: str, act: Callable[[random.Random], None]) -> threading.Thread:
        draw = random.Random(f"{self.seed} {name}")

        def live() -> None:
            while not self.over.is_set():
                try:
                    act(draw)
                except requests.RequestException:
                    self.done["connections lost"] += 1
                except AssertionError:
                    self.done["refusals"] += 1  # 503, sold out, gone, too late: what they cost is proven last
                except BaseException as error:
                    self.broken.append(error)
                    return

        thread = threading.Thread(target=live, name=name, daemon=True)
        thread.start()
        return thread

    # -- who acts ----------------------------------------------------------------------------------

    def buy(self, draw: random.Random) -> None:
        """One purchase of somebody, paid in one of the ways there are, twice, late, or not at all."""
        wallet = self.stack.node.wallet(draw.choice(WALLETS))
        how = draw.choice(("request", "request", "qr", "qr", "outside", "twice", "never", "both"))
        quantity, event = draw.choice((1, 1, 2)), draw.choice(self.events)
        pause = draw.uniform(0, 1.5)
        typed = {"uma_address": wallet.address} if how != "outside" or draw.random() < 0.5 else {}
        typed |= {"promo_code": "ten"} if draw.random() < 0.5 else {}
        if draw.random() < 0.4:
            types = draw.sample(self.types[event], quantity)
            typed |= {"items": [{"ticket_type_id": each, "quantity": 1} for each in types]}
        else:
            typed |= {"quantity": quantity}
        buyer = Buyer(self.stack).buy(event, **typed)
        self.done["bought"] += 1
        self.done["bought with a code"] += "promo_code" in typed
        self.over.wait(pause)
        if how in ("request", "both"):
            wallet.approve(wallet.request_for(buyer))
            self.done["paid by request"] += 1
        if how in ("qr", "both"):
            wallet.pay(buyer.bolt11())
            self.done["paid by QR"] += 1
        if how in ("outside", "twice"):
            bolt11 = buyer.bolt11()
            for _ in range(2 if how == "twice" else 1):
                self.stack.node.pay_from_outside(bolt11)
            self.done["paid from outside"] += 1

    def staff(self, draw: random.Random) -> None:
        self.over.wait(draw.uniform(0.2, 1))
        with self.inside:
            try:
                self.stack.django(STAFF, seed=draw.randrange(10**9))
            except AssertionError:
                self.done["staff saw no database"] += 1
                return
        self.done["staff raced"] += 1

    # -- what breaks -------------------------------------------------------------------------------

    def break_something(self, draw: random.Random) -> None:
        act = draw.choice(
            (
                self.kill_worker,
                self.kill_worker,
                self.kill_web,
                self.freeze,
                self.power_cut,
                self.cut_database,
            )
            + (self.break_node, self.break_node, self.break_money, self.break_money, self.cut_node)
        )
        act(draw)
        self.done[act.__name__.replace("_", " ")] += 1

    def kill_worker(self, draw: random.Random) -> None:
        worker = draw.choice(self.stack.workers)
        worker.kill()
        worker.start()

    def kill_web(self, draw: random.Random) -> None:
        self.stack.web.kill()
        self.stack.web.start()

    def freeze(self, draw: random.Random) -> None:
        process = draw.choice((*self.stack.workers, self.stack.web))
        process.freeze()
        time.sleep(draw.uniform(0.5, 4))
        process.thaw()

    def power_cut(self, draw: random.Random) -> None:
        self.stacks.server.restart(immediate=True)

    def cut_database(self, draw: random.Random) -> None:
        self.stack.to_database.cut()
        self.stack.to_database.heal()

    def cut_node(self, draw: random.Random) -> None:
        self.stack.to_node.cut()
        self.stack.to_node.heal()

    def break_node(self, draw: random.Random) -> None:
        kind = draw.choice(NODE_FAULTS)
        self.stack.node.fault(kind, count=draw.randint(1, 3))

    def break_money(self, draw: random.Random) -> None:
        kind, params = draw.choice(MONEY_FAULTS)
        self.stack.node.fault(kind, count=1, **params)


def run(stacks: FaultyStacks, *, seed: int, seconds: float, **options) -> dict:
    """A run of its own shop; what happened how often. Raises AssertionError naming the seed."""
    print(f"chaos with seed {seed} for {seconds:.0f} s", flush=True)
    stack = stacks.new("postgresql", workers=2, WEB_THREADS="32", **options).start()
    try:
        told = Chaos(stacks, stack, seed).run(seconds)
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {error}\n{stack.logs()}") from error
    finally:
        stack.close()
    return told


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    parser.add_argument("--minutes", type=float, default=10)
    given = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="ticketsuma-chaos-"))
    stacks = FaultyStacks(folder)
    try:
        told = run(stacks, seed=given.seed, seconds=given.minutes * 60)
    finally:
        stacks.close()
        shutil.rmtree(folder, ignore_errors=True)
    for what, count in sorted(told.items(), key=str):
        print(f"{what}: {count}")
    print(f"Books and ledger agree, no refund was sent twice. Seed {given.seed}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
