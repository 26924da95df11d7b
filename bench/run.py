"""Benchmarks of the shop, each figure beside its upper bound: `python -m bench.run [--seconds 6] [--peers]`.

Real processes on this machine: the shop in production settings (web, worker), the sandbox's node over HTTP,
PostgreSQL with fsync. The client shares the machine; it is wrk, which gets several thousand answers a second
out of the empty view. While a figure is taken the worker is paused, but for that which is about it.
"""

import argparse
import os
import re
import signal
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import requests

from bench import machine, peers
from bench.clients import Rate, need_wrk, together, wrk
from tests.buyer import Buyer, make_event
from tests.nginx import nginx
from tests.postgres import Cluster
from tests.processes import Process, find_program, free_port, wait_until
from tests.stack import ROOT, Stack, Stacks

CLIENTS = 16
# The shop as in production, but for its walls against one busy client and for the network it is on.
PRODUCTION = {
    "DEBUG": "0",
    "ALLOW_TEST_NETWORK": "1",
    "SECURE_SSL_REDIRECT": "0",
    "DB_PREPARED_STATEMENTS": "1",
    "LIMIT_PURCHASE_PER_IP": "1000000",
    "LIMIT_MAIL_PER_IP": "1000000",
    "LIMIT_REQUEST_PER_IP_AND_DOMAIN": "1000000",
    "TRUSTED_PROXIES": "1",  # wrk gives every buyer an address of its own
    "MAX_HELD_PERCENT_PER_NETWORK": "100",
    "MAX_FREE_PERCENT_PER_NETWORK": "100",
}
UNPAID = """
INSERT INTO tickets_order (attempts, last_error, id, email, name, quantity, price_sats, uma_address, language,
    code, scope, key, request_hash, status, network, expires_at, search_key, created_at, updated_at, event_id,
    payment_id)
SELECT 0, '', md5('order' || i || event)::uuid, 'p' || i || '@example.com', 'P', 1, 2500,
    '$p' || i || '@wallet.example', 'en', upper(lpad(to_hex(event * 100000 + i), 8, '0')), 'guest',
    'key' || i || 'of' || event, md5('hash' || i), 'pending', md5('network' || i), now() + interval '1 hour',
    E'\\np' || i, now(), now(), event, md5('payment' || i || event)::uuid
FROM generate_series(1, %(orders)s) AS i, (SELECT %(event)s::bigint AS event) AS one
"""
HEAD = f"{'':26}{'/s':>8}{'median':>8}{'p95 ms':>8}{'of ceiling':>18}{'statements':>11}  CPU ms each"


def row(name: str, rate: Rate, spent: machine.Spent | None = None, ceiling: Rate | None = None) -> None:
    """One line of the table; `ceiling` was measured in the same run."""
    share = f"{rate.per_second / ceiling.per_second:.2f} of {ceiling.per_second:,.0f}" if ceiling else ""
    statements = f"{spent.statements / rate.done:.1f}" if spent else ""
    line = (
        f"{name:26}{rate.per_second:8.1f}{rate.median_ms:8.1f}{rate.p95_ms:8.1f}{share:>18}{statements:>11}"
    )
    wrong = f"  {rate.wrong} WRONG" if rate.wrong else ""
    print(line + (f"  {spent.for_each(rate.done)}" if spent else "") + wrong, flush=True)


class Bench:
    """One shop with its node and its database, measured."""

    def __init__(self, stack: Stack, server: Cluster, seconds: float):
        self.stack, self.seconds = stack, seconds
        self.trees = {
            "web": stack.web.pid, "node": stack.sandbox.pid, "PostgreSQL": server.process.pid,
            "worker": stack.worker.pid,
        }  # fmt: skip

    def measured(self, act) -> tuple[Rate, machine.Spent]:
        with machine.spending(self.trees, self.stack.database_url) as spent:
            rate = act()
        return rate, spent

    def wrk(self, path: str, *events: int) -> tuple[Rate, machine.Spent]:
        url = self.stack.shop_url + path
        return self.measured(lambda: wrk(url, self.seconds, clients=CLIENTS, events=events))

    def run(self, empty: Rate, claim: Rate) -> tuple[Callable[[], Rate], Rate]:
        """Every figure of the shop; for the peers, what sells seats with a BOLT11 again, and checkouts."""
        stack = self.stack
        free = make_event(stack, capacity=10**6, price_sats=0)
        paid = make_event(stack, capacity=10**6)
        page = requests.get(f"{stack.shop_url}/events/{paid}", timeout=10).url
        stack.worker.signal_group(signal.SIGSTOP)
        row("event page", *self.wrk(page.removeprefix(stack.shop_url)), empty)
        self.behind_proxy(page.removeprefix(stack.shop_url), empty)
        row("event list", *self.wrk("/"), empty)
        row("GET /api/events", *self.wrk("/api/events"), empty)
        row("free ticket by API", *self.wrk("/api/tickets/purchase", free), claim)
        row("seat with BOLT11 by API", *self.wrk("/api/tickets/purchase", paid), claim)
        checkout, spent = self.measured(lambda: together(CLIENTS, self.seconds, lambda: check_out(page)))
        row("checkout by pages", checkout, spent, claim)
        self.order_page(paid)
        self.crowded()
        orders = unpaid_orders(stack, paid, 200)
        row("settled in a burst", *self.measured(lambda: settle(stack, orders)))
        stack.worker.signal_group(signal.SIGCONT)
        row("webhook to paid, singly", settle_singly(stack, paid))
        self.shares(page)
        for process in (stack.web, stack.worker):
            sizes = " + ".join(f"{size:.0f}" for size in machine.pss_mib(process.pid))
            print(f"memory of {process.name} (PSS): {sizes} MiB")
        return lambda: self.wrk("/api/tickets/purchase", paid)[0], checkout

    def behind_proxy(self, path: str, empty: Rate) -> None:
        """The page that nginx keeps for a second, configured as docs/operations.md says, over TLS."""
        if find_program("nginx") is None:
            return
        folder, port = self.stack.folder / "nginx", free_port()
        folder.mkdir()
        proxy = nginx(folder, shop_port=self.stack.ports[0], port=port, plain_port=free_port())
        url = f"https://localhost:{port}{path}"
        row("  behind nginx", *self.measured(lambda: wrk(url, self.seconds, clients=CLIENTS)), empty)
        proxy.stop()

    def order_page(self, event: int) -> None:
        """The page of an unpaid order, and its live part: after a change, and when it is still the same."""
        token = Buyer(self.stack).buy(event).bought["order"]["token"]
        page = requests.get(f"{self.stack.shop_url}/orders/{token}", timeout=10).text
        version, invoice = (re.search(rf'data-{name}="([^"]+)"', page)[1] for name in ("version", "invoice"))
        row("order page", *self.wrk(f"/orders/{token}"))
        part = f"/orders/{token}/status?keeps=pending&invoice={invoice}&v="
        row("order page, its live part", *self.wrk(f"{part}another"))
        row("order page, still the same", *self.wrk(f"{part}{version}"))

    def crowded(self, pending: int = 20_000, events: int = 64) -> None:
        """Sales of many events, and of one of which so many orders are unpaid."""
        for name, price in (("free ticket", 0), ("seat with BOLT11", 2500)):
            many = [make_event(self.stack, capacity=10**6, price_sats=price) for _ in range(events)]
            spread = self.wrk("/api/tickets/purchase", *many)
            row(f"{name}, {events} events", *spread)
            hold(self.stack, many[0], pending)
            row("  one, 20,000 unpaid", *self.wrk("/api/tickets/purchase", many[0]), spread[0])

    def shares(self, page: str, runs: int = 10) -> None:
        """How the web processes share one page's kept connections, run by run."""
        ratios = []
        for _ in range(runs):
            pids = machine.tree(self.stack.web.pid)[1:]
            before = [machine.cpu_seconds(pid) for pid in pids]
            wrk(page, 2, clients=CLIENTS)
            used = [machine.cpu_seconds(pid) - was for pid, was in zip(pids, before, strict=True)]
            ratios.append(max(used) / max(min(used), 0.01))
        print(f"busiest ÷ idlest web process, {runs} runs:", " ".join(f"{ratio:.2f}" for ratio in ratios))


def check_out(page: str) -> None:
    """As a browser without a session: look at the event, send the form, look at the order."""
    with requests.Session() as browser:
        form = browser.get(page, timeout=20).text
        hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form)
        fields = dict(hidden) | {"quantity": "1", "email": f"{uuid.uuid4().hex}@example.com", "name": "B"}
        fields["key"] = str(uuid.uuid4())
        origin = "/".join(page.split("/")[:3])
        sold = browser.post(page, data=fields, headers={"Origin": origin}, timeout=20)
        assert "/orders/" in sold.url, f"{sold.status_code} {sold.url}"


def unpaid_buyers(stack: Stack, event: int, buyers: int) -> list[tuple[Buyer, str]]:
    """So many who bought, and the BOLT11 of each."""
    with ThreadPoolExecutor(8) as pool:
        bought = list(pool.map(lambda _: Buyer(stack).buy(event), range(buyers)))
        return [(buyer, buyer.bolt11()) for buyer in bought]


def unpaid_orders(stack: Stack, event: int, buyers: int) -> dict[str, str]:
    """The BOLT11 of so many new orders, by their ids."""
    return {buyer.order_id: bolt11 for buyer, bolt11 in unpaid_buyers(stack, event, buyers)}


def hold(stack: Stack, event: int, orders: int) -> None:
    """So many unpaid orders of one event, each of somebody else."""
    with psycopg.connect(stack.database_url) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(UNPAID, {"event": event, "orders": orders})
        connection.execute(
            "UPDATE events_event SET seats_taken = seats_taken + %s WHERE id = %s", [orders, event]
        )
    with psycopg.connect(stack.database_url, autocommit=True) as connection:
        connection.execute("ANALYZE tickets_order")


def settle(stack: Stack, orders: dict[str, str]) -> Rate:
    """All paid at once; the sandbox sends the webhooks, and the last is settled by them alone."""
    ids, buyers = tuple(orders), len(orders)
    with ThreadPoolExecutor(8) as pool:
        began = time.monotonic()
        started = stack.sql("SELECT now()")[0][0]

        def pay(bolt11: str) -> None:
            paid = requests.post(f"{stack.sandbox_url}/api/payments", json={"bolt11": bolt11}, timeout=60)
            paid.raise_for_status()

        list(pool.map(pay, orders.values()))
        query = f"SELECT paid_at FROM tickets_order WHERE id IN ({', '.join(['%s'] * buyers)})"
        query += " AND paid_at IS NOT NULL"
        wait_until(lambda: len(stack.sql(query, *ids)) == buyers, 60, "all of them are paid")
        seconds = time.monotonic() - began
    took = sorted((paid_at - started).total_seconds() * 1000 for (paid_at,) in stack.sql(query, *ids))
    return Rate(buyers, seconds, statistics.median(took), took[round(buyers * 0.95) - 1])


def settle_singly(stack: Stack, event: int, buyers: int = 20) -> Rate:
    """From the sandbox's payment to the order's being paid as the API tells, one after another."""
    took = []
    for _ in range(buyers):
        buyer = Buyer(stack).buy(event)
        bolt11 = buyer.bolt11()
        started = time.monotonic()
        pay = requests.post(f"{stack.sandbox_url}/api/wallets/alice/pay", json={"to": bolt11}, timeout=10)
        pay.raise_for_status()
        wait_until(lambda b=buyer: b.status() == "paid", 20, "the order is paid")
        took.append((time.monotonic() - started) * 1000)
    return Rate(buyers, sum(took) / 1000, statistics.median(took), max(took))


def ceilings(folder: Path, database_url: str, seconds: float) -> tuple[Rate, Rate]:
    """An empty view, and a bare claim, served by gunicorn's own threads in two processes."""
    port = free_port()
    env = {"PATH": "/usr/bin:/bin", "CEILING_DATABASE_URL": database_url, "PYTHONPATH": str(ROOT)}
    log = folder / "ceiling.log"
    command = [sys.executable, "-m", "bench.ceiling", "prepare"]
    prepare = Process("prepare", command, cwd=ROOT, env=env, log=log).start()
    wait_until(lambda: not prepare.running, 20, "the ceiling's tables are there")
    gthread = ["-c", os.devnull, "-k", "gthread", "--workers", "2", "--threads", "8", "--keep-alive", "10"]
    serve = [sys.executable, "-m", "gunicorn", *gthread, "--no-control-socket", "-b", f"localhost:{port}"]
    serve.append("bench.ceiling:application")
    server = Process("ceiling", serve, cwd=ROOT, env=env, log=log).start()
    try:
        url = f"http://localhost:{port}"
        wait_until(lambda: answers(f"{url}/health"), 20, "the ceiling answers")
        empty = wrk(f"{url}/empty", seconds, clients=CLIENTS)
        claim = wrk(f"{url}/claim", seconds, clients=CLIENTS)
    finally:
        server.stop()
    row("ceiling: empty view", empty)
    row("ceiling: bare claim", claim)
    return empty, claim


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=2).ok
    except requests.RequestException:
        return False


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--seconds", type=float, default=6, help="how long each figure is measured")
    peers.add_options(options)
    given = options.parse_args()
    need_wrk()
    with tempfile.TemporaryDirectory(prefix="ticketsuma-bench-") as folder:
        stacks = Stacks(Path(folder))
        stacks.server = Cluster(durable=True, **machine.COUNTING).create()
        try:
            stack = stacks.new("postgresql", STATIC_ROOT=f"{folder}/static", **PRODUCTION)
            machine.count_statements(stack.database_url)
            stack.manage("collectstatic", "--noinput", seconds=300)
            print(
                f"PostgreSQL with fsync, 2 web processes, {CLIENTS} clients, {os.cpu_count()} cores\n{HEAD}"
            )
            empty, claim = ceilings(Path(folder), stacks.server.create_database("ceiling"), given.seconds)
            stack.start()
            seat, checkout = Bench(stack, stacks.server, given.seconds).run(empty, claim)
            stack.worker.signal_group(signal.SIGSTOP)
            peers.run(given, CLIENTS, seat, checkout)
        finally:
            stacks.close()


if __name__ == "__main__":
    main()
