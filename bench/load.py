"""Flash sale: 2,000 buyers want 500 seats at once; 200 of the winners pay at once, and web and worker are
killed in the middle. It ends when the shop is at rest, with the audit: `python -m bench.load`.

With `--pages 10000` as many open pages, held by Pushpin, in place of the sale.
"""

import argparse
import os
import random
import tempfile
import threading
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

from bench import machine, pages
from bench.run import PRODUCTION
from tests.buyer import make_event
from tests.engines import ScaledStack
from tests.postgres import Cluster
from tests.processes import wait_until
from tests.stack import Stack, Stacks

AT_ONCE = 64
LIMITS = {"MAX_OPEN_ORDERS_PER_EMAIL": "3", "HOLD_SECONDS": "900"}


class Sale:
    """One event, its buyers, and what each was told."""

    def __init__(self, stack: Stack, seats: int):
        self.stack, self.event = stack, make_event(stack, capacity=seats)
        self.told: Counter[str] = Counter()
        self.won: list[dict] = []
        self.took: list[float] = []
        self._lock = threading.Lock()

    def buy(self, number: int) -> None:
        """Until the shop answers, as a client with a key does: it asks again with the same one."""
        key, began = str(uuid.uuid4()), time.monotonic()
        body = {"event_id": self.event, "quantity": 1, "email": f"buyer{number}@example.com", "name": "B"}
        while time.monotonic() < began + 120:
            try:
                answer = requests.post(
                    f"{self.stack.shop_url}/api/tickets/purchase", json=body,
                    headers={"Idempotency-Key": key}, timeout=30,
                )  # fmt: skip
            except requests.RequestException:
                word = "no answer"
            else:
                word = (
                    "201" if answer.status_code == 201 else answer.json().get("code", str(answer.status_code))
                )
            with self._lock:
                self.told[word] += 1
                if word == "201":
                    self.won.append(answer.json())
                    self.took.append(time.monotonic() - began)
            if word in ("201", "sold_out"):
                return
            time.sleep(random.uniform(0.2, 0.6))
        raise AssertionError(f"buyer {number} got no answer for two minutes")

    def order(self, bought: dict) -> dict:
        headers = {"Order-Token": bought["order"]["token"]}
        url = f"{self.stack.shop_url}/api/orders/{bought['order']['id']}"
        answer = requests.get(url, headers=headers, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def pay(self, bought: dict) -> None:
        bolt11 = wait_until(lambda: self._patiently(bought)["payment"]["bolt11"], 60, "a BOLT11")
        requests.post(
            f"{self.stack.sandbox_url}/api/payments", json={"bolt11": bolt11}, timeout=60
        ).raise_for_status()

    def is_paid(self, bought: dict) -> bool:
        return self._patiently(bought)["order"]["status"] == "paid"

    def _patiently(self, bought: dict) -> dict:
        try:
            return self.order(bought)
        except requests.RequestException:
            return {"order": {"status": ""}, "payment": {"bolt11": ""}}


def kill_and_start(process) -> None:
    process.kill()
    process.start()


def run(stack: Stack, buyers: int, seats: int, payers: int) -> None:
    sale, began = Sale(stack, seats), time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        rush = [pool.submit(sale.buy, number) for number in range(buyers)]
        wait_until(lambda: len(sale.won) >= seats // 3, 120, "a third of the seats are sold")
        kill_and_start(stack.web)
        for one in rush:
            one.result()
    sold_in = time.monotonic() - began
    ids = {bought["order"]["id"] for bought in sale.won}
    assert len(ids) == seats, f"{len(ids)} orders of {seats} seats"
    print(
        f"{buyers} buyers, {seats} seats: sold out in {sold_in:.1f} s, web killed once; "
        f"told {dict(sale.told)}"
    )
    ranked = sorted(sale.took)
    median, p95 = ranked[len(ranked) // 2], ranked[int(len(ranked) * 0.95)]
    print(f"a winner waited {median:.2f} s (median), {p95:.2f} s (p95)")
    paying, began = sale.won[:payers], time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        rush = [pool.submit(sale.pay, bought) for bought in paying]
        wait_until(lambda: sum(one.done() for one in rush) >= payers // 3, 120, "a third have paid")
        kill_and_start(stack.worker)
        kill_and_start(stack.web)
        for one in rush:
            one.result()
        wait_until(lambda: all(pool.map(sale.is_paid, paying)), 120, "all of them have their tickets")
    print(
        f"{payers} paid at once, web and worker killed: all have their tickets after "
        f"{time.monotonic() - began:.1f} s"
    )
    print(f"memory of web (PSS): {' + '.join(f'{size:.0f}' for size in machine.pss_mib(stack.web.pid))} MiB")
    stack.audit()
    print("The audit finds nothing.")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--buyers", type=int, default=2000)
    options.add_argument("--seats", type=int, default=500)
    options.add_argument("--payers", type=int, default=200)
    options.add_argument("--pages", type=int, default=0)
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="ticketsuma-bench-") as folder:
        stacks = Stacks(Path(folder))
        stacks.server = Cluster(durable=True).create()
        try:
            settings = PRODUCTION | LIMITS | {"STATIC_ROOT": f"{folder}/static"}
            if given.pages:
                stacks.kind = ScaledStack
            stack = stacks.new("postgresql", **settings)
            stack.manage("collectstatic", "--noinput", seconds=300)
            stack.start()
            print(f"PostgreSQL with fsync, 2 web processes, {os.cpu_count()} cores, {AT_ONCE} at once")
            if given.pages:
                pages.run(stack, given.pages)
            else:
                run(stack, given.buyers, given.seats, given.payers)
        finally:
            stacks.close()


if __name__ == "__main__":
    main()
