"""Open pages: how soon each of 500 shows a payment, one after another and in a burst: `python -m bench.live`.

A page listens as its script does: it is told "changed", fetches its live part, and that says paid. The time
counts from just before the payer's click to that answer.
"""

import argparse
import asyncio
import os
import re
import statistics
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from aiohttp import ClientResponse, ClientSession, ClientTimeout, TCPConnector

from bench import machine
from bench.run import PRODUCTION, unpaid_buyers
from tests.buyer import Buyer, make_event
from tests.postgres import Cluster
from tests.stack import Stack, Stacks

SINGLY, APART_SECONDS = 40, 0.13
# Every page of this machine is of one network.
ROOM = {"WEB_THREADS": "320", "LIVE_STREAMS_PER_PROCESS": "256", "LIVE_STREAMS_PER_NETWORK": "256"}


class Page:
    """The open page of one order: `told` and `paid` at these moments."""

    def __init__(self, browser: ClientSession, shop: str, buyer: Buyer, bolt11: str):
        self._browser, self._bolt11 = browser, bolt11
        self._url = f"{shop}/orders/{buyer.bought['order']['token']}"
        self.clicked = self.told = self.paid = 0.0

    async def open(self) -> bool:
        """Whether there was room for its line."""
        page = await self._text("")
        self._version = re.search(r'data-version="(\w+)"', page)[1]  # type: ignore[index]
        self._invoice = re.search(r'data-invoice="([\w-]+)"', page)[1]  # type: ignore[index]
        self._line = await self._listen()
        return self._line.status == 200

    async def watch(self) -> None:
        while not self.paid:
            said = await self._line.content.readline()
            if not said:  # a minute is over
                self._line = await self._listen()
            elif said.startswith(b"event: changed"):
                self.told = self.told or time.monotonic()
                part = await self._text(f"/status?v={self._version}&invoice={self._invoice}&keeps=pending")
                if found := re.search(r'data-version="(\w+)"', part):  # nothing, when nothing changed
                    self._version = found[1]
                if 'data-state="paid"' in part:
                    self.paid = time.monotonic()

    async def pay(self, sandbox: str) -> None:
        self.clicked = time.monotonic()
        async with self._browser.post(f"{sandbox}/api/payments", json={"bolt11": self._bolt11}) as answer:
            assert answer.status == 200, await answer.text()
            await answer.read()

    async def _text(self, path: str) -> str:
        async with self._browser.get(f"{self._url}{path}") as answer:
            return await answer.text()

    async def _listen(self) -> ClientResponse:
        return await self._browser.get(f"{self._url}/live?v={self._version}")


def browser() -> ClientSession:
    """A client that waits for no connection of its own, and opens one for each request."""
    return ClientSession(connector=TCPConnector(limit=0, force_close=True), timeout=ClientTimeout(total=300))


def told(name: str, pages: list[Page]) -> None:
    took = [(page.paid - page.clicked) * 1000 for page in pages]
    heard = [(page.told - page.clicked) * 1000 for page in pages]
    print(
        f"{name:34} told {statistics.median(heard):7.0f}, {statistics.quantiles(heard, n=20)[-1]:7.0f}   "
        f"shown {statistics.median(took):7.0f}, {statistics.quantiles(took, n=20)[-1]:7.0f}",
        flush=True,
    )


async def run(
    client: ClientSession,
    stack: Stack,
    opened: Iterable[tuple[Buyer, str]],
    alone: float,
    trees: dict[str, int],
) -> None:
    pages = [Page(client, stack.shop_url, *each) for each in opened]
    lines = [await page.open() for page in pages]
    print(f"{sum(lines)} of {len(pages)} pages have a line")
    pages = [page for page, has_line in zip(pages, lines, strict=True) if has_line]
    print(f"{'median and p95, ms':34}")
    with machine.spending(trees) as idle:
        await asyncio.sleep(5)
    print("idle, share of a core: ", ", ".join(f"{name} {spent / 5:.2f}" for name, spent in idle.cpu.items()))
    watching = [asyncio.create_task(page.watch()) for page in pages]
    for page in pages[:SINGLY]:
        await page.pay(stack.sandbox_url)
        while not page.paid:
            await asyncio.sleep(0.002)
        await asyncio.sleep(APART_SECONDS * (0.5 + os.urandom(1)[0] / 255))
    told("one after another", pages[:SINGLY])
    rest = pages[SINGLY:]
    began = time.monotonic()
    with machine.spending(trees) as burst:
        await asyncio.gather(*[page.pay(stack.sandbox_url) for page in rest])
        await asyncio.gather(*watching)
    spent = max(page.paid for page in rest) - began
    told(f"{len(rest)} at once", rest)
    print(
        f"the last of {len(rest)} shows it after {spent:.2f} s; settled without open pages in "
        f"{len(rest) / alone:.2f} s ({alone:.0f}/s)   CPU s: "
        + ", ".join(f"{name} {seconds:.1f}" for name, seconds in burst.cpu.items())
    )


async def burst_alone(client: ClientSession, stack: Stack, buyers: list[tuple[Buyer, str]]) -> float:
    """Payments settled a second, when nobody looks."""
    pages = [Page(client, stack.shop_url, *each) for each in buyers]
    began = time.monotonic()
    await asyncio.gather(*[page.pay(stack.sandbox_url) for page in pages])
    ids = tuple(buyer.order_id for buyer, _ in buyers)
    query = "SELECT count(*) FROM tickets_order WHERE paid_at IS NOT NULL AND id = ANY(%s::uuid[])"
    while stack.sql(query, list(ids))[0][0] < len(ids):
        await asyncio.sleep(0.02)
    return len(ids) / (time.monotonic() - began)


async def measure(stack: Stack, nobody: list, pages: list, postgres: int) -> None:
    trees = {"web": stack.web.pid, "node": stack.sandbox.pid, "PostgreSQL": postgres}
    async with browser() as client:
        await run(client, stack, pages, await burst_alone(client, stack, nobody), trees)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--pages", type=int, default=500)
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="ticketsuma-bench-") as folder:
        stacks = Stacks(Path(folder))
        stacks.server = Cluster(durable=True).create()
        try:
            stack = stacks.new("postgresql", STATIC_ROOT=f"{folder}/static", **PRODUCTION | ROOM)
            stack.manage("collectstatic", "--noinput", seconds=300)
            stack.start()
            event = make_event(stack, capacity=10**6)
            pages, nobody = unpaid_buyers(stack, event, given.pages), unpaid_buyers(stack, event, given.pages)
            asyncio.run(measure(stack, nobody, pages, stacks.server.process.pid))
        finally:
            stacks.close()


if __name__ == "__main__":
    main()
