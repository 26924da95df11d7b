"""Open pages held by Pushpin: what they cost at rest, and how soon each learns of its payment."""

import asyncio
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

from bench import machine
from tests.buyer import Buyer, Sandbox, make_event
from tests.engines import ScaledStack

OF_ONE_ORDER = 50
OPENED_AT_ONCE = 100
PAYMENTS = 40
REST_SECONDS = 30


class Page:
    """One event stream of an order, by a socket; `told` are the moments of its news."""

    def __init__(self, stack: ScaledStack, token: str, version: str):
        self.port, self.host = stack.ports_of["pushpin"], stack.domain
        self.path = f"/orders/{token}/live?v={version}"
        self.told: list[float] = []
        self.refused = 0  # by Pushpin, when the web server closed the connection that it was to ask by

    async def open(self) -> None:
        """Ask until it is held, as the page's script does."""
        while True:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
            self.writer.write(f"GET {self.path} HTTP/1.1\r\nHost: {self.host}\r\n\r\n".encode())
            if b" 200 " in await asyncio.wait_for(self.reader.readline(), 60):
                break
            self.writer.close()
            self.refused += 1
            await asyncio.sleep(1)
        is_held = asyncio.Event()
        self.task = asyncio.create_task(self._listen(is_held))
        await asyncio.wait_for(is_held.wait(), 60)

    async def _listen(self, is_held: asyncio.Event) -> None:
        async for line in self.reader:
            if line.startswith(b"event: held"):
                is_held.set()
            elif line.startswith(b"event: changed"):
                self.told.append(time.monotonic())


async def hold(stack: ScaledStack, pages: int) -> None:
    sandbox, event = Sandbox(stack), make_event(stack, capacity=100_000)
    with ThreadPoolExecutor(8) as pool:
        buyers = list(pool.map(lambda _: Buyer(stack).buy(event), range(max(1, pages // OF_ONE_ORDER))))
        bolt11s = list(pool.map(Buyer.bolt11, buyers))
    shown = stack.django(
        "from tickets.views.order_page import read_states\nfrom ticketsuma.web.sse import version_of\n"
        "states = read_states(Order.objects.values_list('pk', flat=True))\n"
        "answer = {str(pk): version_of(state) for pk, state in states.items()}"
    )
    opened: list[list[Page]] = []
    for buyer in buyers:
        version = shown[buyer.order_id]
        opened.append([Page(stack, buyer.bought["order"]["token"], version) for _ in range(OF_ONE_ORDER)])
    every = [page for group in opened for page in group]
    began = time.monotonic()
    for start in range(0, len(every), OPENED_AT_ONCE):
        await asyncio.gather(*(page.open() for page in every[start : start + OPENED_AT_ONCE]))
    refused = sum(page.refused for page in every)
    print(f"{len(every)} pages held after {time.monotonic() - began:.0f} s; {refused} had to ask again")
    pushpin = stack.engine("pushpin")
    print(f"memory of Pushpin (PSS): {sum(machine.pss_mib(pushpin.pid)):.0f} MiB")
    trees = {"pushpin": pushpin.pid, "web": stack.web.pid, "worker": stack.worker.pid}
    with machine.spending(trees) as spent:
        await asyncio.sleep(REST_SECONDS)
    said = ", ".join(f"{name} {cpu / REST_SECONDS:.1%}" for name, cpu in spent.cpu.items())
    print(f"of a core at rest: {said}")
    took = []
    for group, bolt11 in list(zip(opened, bolt11s, strict=True))[:PAYMENTS]:
        before = [len(page.told) for page in group]
        paid = time.monotonic()
        await asyncio.to_thread(sandbox.pay_from_outside, bolt11)
        for _ in range(200):
            if all(len(page.told) > seen for page, seen in zip(group, before, strict=True)):
                break
            await asyncio.sleep(0.05)
        took += [
            page.told[seen] - paid if len(page.told) > seen else float("inf")
            for page, seen in zip(group, before, strict=True)
        ]
    ranked = sorted(seconds * 1000 for seconds in took)
    print(
        f"{PAYMENTS} payments, each on {OF_ONE_ORDER} pages: to the page {statistics.median(ranked):.0f} ms "
        f"(median), p95 {ranked[int(len(ranked) * 0.95)]:.0f} ms, at most {ranked[-1]:.0f} ms"
    )
    for page in every:
        page.writer.close()


def run(stack: ScaledStack, pages: int) -> None:
    asyncio.run(hold(stack, pages))
    stack.audit()
    print("The audit finds nothing.")
