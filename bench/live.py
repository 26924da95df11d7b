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
from urllib.parse import urlsplit

from bench import machine
from bench.run import PRODUCTION, unpaid_buyers
from tests.buyer import Buyer, make_event
from tests.postgres import Cluster
from tests.stack import Stack, Stacks

SINGLY, APART_SECONDS = 40, 0.13
# Every page of this machine is of one network.
ROOM = {"WEB_THREADS": "320", "LIVE_STREAMS_PER_PROCESS": "256", "LIVE_STREAMS_PER_NETWORK": "256"}


async def ask(url: str, method: str = "GET", body: str = "") -> tuple[asyncio.StreamReader, str]:
    """One request by a connection of its own; its reader, behind the head, and the head."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    head = f"{method} {url.removeprefix(f'{parts.scheme}://{parts.netloc}')} HTTP/1.1\r\n"
    head += f"Host: {parts.netloc}\r\nConnection: close\r\n"
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    writer.write(f"{head}\r\n{body}".encode())
    await writer.drain()
    reader.writer = writer  # type: ignore[attr-defined]  # a connection lasts as long as somebody holds this
    return reader, (await reader.readuntil(b"\r\n\r\n")).decode()


class Page:
    """The open page of one order: `listens` once its line is open, `told` and `paid` at these moments."""

    def __init__(self, shop: str, buyer: Buyer, bolt11: str):
        self.url, self.bolt11 = f"{shop}/orders/{buyer.bought['order']['token']}", bolt11
        self.clicked = self.told = self.paid = 0.0

    async def open(self) -> bool:
        """Whether there was room for its line."""
        reader, _ = await ask(self.url)
        page = (await reader.read()).decode()
        self.version = re.search(r'data-version="(\w+)"', page)[1]  # type: ignore[index]
        self.invoice = re.search(r'data-invoice="([\w-]+)"', page)[1]  # type: ignore[index]
        self.line, head = await ask(f"{self.url}/live?v={self.version}")
        return " 200 " in head.partition("\r\n")[0]

    async def watch(self) -> None:
        while not self.paid:
            said = await self.line.readline()
            if not said:  # a minute is over
                self.line, _ = await ask(f"{self.url}/live?v={self.version}")
            elif said.startswith(b"event: changed"):
                self.told = self.told or time.monotonic()
                asked = f"{self.url}/status?v={self.version}&invoice={self.invoice}&keeps=pending"
                reader, _ = await ask(asked)
                part = (await reader.read()).decode()
                self.version = re.search(r'data-version="(\w+)"', part)[1]  # type: ignore[index]
                if 'data-state="paid"' in part:
                    self.paid = time.monotonic()

    async def pay(self, sandbox: str) -> None:
        self.clicked = time.monotonic()
        reader, _ = await ask(f"{sandbox}/api/payments", "POST", f'{{"bolt11": "{self.bolt11}"}}')
        await reader.read()


def told(name: str, pages: list[Page]) -> None:
    took = [(page.paid - page.clicked) * 1000 for page in pages]
    heard = [(page.told - page.clicked) * 1000 for page in pages]
    print(
        f"{name:34} told {statistics.median(heard):7.0f}, {statistics.quantiles(heard, n=20)[-1]:7.0f}   "
        f"shown {statistics.median(took):7.0f}, {statistics.quantiles(took, n=20)[-1]:7.0f}",
        flush=True,
    )


async def run(stack: Stack, opened: Iterable[tuple[Buyer, str]], alone: float, trees: dict[str, int]) -> None:
    pages = [Page(stack.shop_url, *each) for each in opened]
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


async def burst_alone(stack: Stack, buyers: list[tuple[Buyer, str]]) -> float:
    """Payments settled a second, when nobody looks."""
    pages = [Page(stack.shop_url, *each) for each in buyers]
    began = time.monotonic()
    await asyncio.gather(*[page.pay(stack.sandbox_url) for page in pages])
    ids = tuple(buyer.order_id for buyer, _ in buyers)
    query = "SELECT count(*) FROM tickets_order WHERE paid_at IS NOT NULL AND id = ANY(%s::uuid[])"
    while stack.sql(query, list(ids))[0][0] < len(ids):
        await asyncio.sleep(0.02)
    return len(ids) / (time.monotonic() - began)


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
            alone = asyncio.run(burst_alone(stack, nobody))
            trees = {"web": stack.web.pid, "node": stack.sandbox.pid, "PostgreSQL": stacks.server.process.pid}
            asyncio.run(run(stack, pages, alone, trees))
        finally:
            stacks.close()


if __name__ == "__main__":
    main()
