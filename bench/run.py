"""Benchmarks of the shop, each figure with its upper bound: `python -m bench.run [--seconds 8]`.

Real processes on this machine: the shop (web, worker), the sandbox's node over HTTP, PostgreSQL and
SQLite. The client shares the machine, so figures compare with each other, not with other machines'.
"""

import argparse
import os
import re
import statistics
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import requests

from tests.buyer import Buyer, make_event
from tests.postgres import Cluster
from tests.processes import Process, free_port, wait_until
from tests.stack import ROOT, Stack, Stacks

CLIENTS = 8
# The shop as in production, but for its walls against one busy client and for the network it is on.
PRODUCTION = {
    "DEBUG": "0",
    "ALLOW_TEST_NETWORK": "1",
    "SECURE_SSL_REDIRECT": "0",
    "LIMIT_PURCHASE_PER_IP": "1000000",
    "LIMIT_MAIL_PER_IP": "1000000",
    "MAX_HELD_PERCENT_PER_NETWORK": "100",
    "MAX_FREE_PERCENT_PER_NETWORK": "100",
}


def rate(ask: Callable[[requests.Session], requests.Response], seconds: float, expect: int) -> str:
    """Requests per second by CLIENTS keep-alive clients, with the median and the 95th percentile in ms."""
    took: list[float] = []
    wrong: list[int] = []
    ends = time.monotonic() + seconds

    def client() -> None:
        with requests.Session() as session:
            while (started := time.monotonic()) < ends:
                status = ask(session).status_code
                (took if status == expect else wrong).append(
                    time.monotonic() - started if status == expect else status
                )

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        return f"{len(wrong)} wrong answers: {sorted(set(wrong))}"
    p95 = statistics.quantiles(took, n=20)[-1] * 1000
    return (
        f"{len(took) / seconds:7.1f}/s   median {statistics.median(took) * 1000:6.1f} ms   p95 {p95:6.1f} ms"
    )


def shop(stack: Stack, seconds: float) -> None:
    free, paid = make_event(stack, capacity=10**6, price_sats=0), make_event(stack, capacity=10**6)
    url = stack.shop_url
    page = requests.get(f"{url}/events/{paid}", timeout=10).url

    def buy(event: int) -> Callable[[requests.Session], requests.Response]:
        def ask(session: requests.Session) -> requests.Response:
            body = {"event_id": event, "quantity": 1, "email": f"{uuid.uuid4().hex}@example.com", "name": "B"}
            return session.post(f"{url}/api/tickets/purchase", json=body)

        return ask

    print("  event page            ", rate(lambda s: s.get(page), seconds, 200))
    print("  GET /api/events       ", rate(lambda s: s.get(f"{url}/api/events"), seconds, 200))
    print("  free ticket           ", rate(buy(free), seconds, 201))
    print("  checkout with invoice ", rate(buy(paid), seconds, 201))
    print("  webhook → ticket      ", settle_latency(stack, paid))
    for process in [stack.web, stack.worker]:
        print(f"  memory of {process.name:12}", memory(process))


def settle_latency(stack: Stack, event: int, buyers: int = 20) -> str:
    """From the sandbox's payment to the order's being paid as the API tells, one after another."""
    took = []
    for _ in range(buyers):
        buyer = Buyer(stack).buy(event)
        bolt11 = buyer.bolt11()
        started = time.monotonic()
        pay = requests.post(f"{stack.sandbox_url}/api/wallets/alice/pay", json={"to": bolt11}, timeout=10)
        pay.raise_for_status()
        wait_until(lambda b=buyer: b.status() == "paid", 20, "the order is paid")
        took.append(time.monotonic() - started)
    return f"median {statistics.median(took) * 1000:6.1f} ms   max {max(took) * 1000:6.1f} ms"


def memory(process: Process) -> str:
    """What the process and its children take, in MiB; a page that several share counts in parts (PSS)."""
    pids = [process.child.pid]
    for pid in pids:
        pids += [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    rollups = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in pids]
    kilobytes = [int(re.search(r"^Pss:\s+(\d+)", rollup, re.MULTILINE)[1]) for rollup in rollups]
    return " + ".join(f"{size / 1024:.0f}" for size in kilobytes) + " MiB"


def ceiling(folder: Path, database_url: str, seconds: float) -> None:
    port = free_port()
    stack_env = {"PATH": "/usr/bin:/bin", "CEILING_DATABASE_URL": database_url, "PORT": str(port)}
    env = stack_env | {"PYTHONPATH": str(ROOT)}
    log = folder / "ceiling.log"
    prepare = Process(
        "prepare", [sys.executable, "-m", "bench.ceiling", "prepare"], cwd=ROOT, env=env, log=log
    )
    prepare.start()
    wait_until(lambda: not prepare.running, 20, "the ceiling's tables are there")
    gthread = ["-c", os.devnull, "-k", "gthread", "--workers", "2", "--threads", "64", "--keep-alive", "10"]
    serve = [sys.executable, "-m", "gunicorn", *gthread, "--no-control-socket", "-b", f"localhost:{port}"]
    serve.append("bench.ceiling:application")
    server = Process("ceiling", serve, cwd=ROOT, env=env, log=log).start()
    try:
        url = f"http://localhost:{port}"
        wait_until(lambda: answers(f"{url}/health"), 20, "the ceiling answers")
        print("  ceiling: empty view   ", rate(lambda s: s.get(f"{url}/empty"), seconds, 200))
        print("  ceiling: bare claim   ", rate(lambda s: s.get(f"{url}/claim"), seconds, 201))
    finally:
        server.stop()


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=2).ok
    except requests.RequestException:
        return False


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--seconds", type=float, default=8, help="how long each figure is measured")
    seconds = options.parse_args().seconds
    with tempfile.TemporaryDirectory(prefix="ticketsuma-bench-") as folder:
        stacks = Stacks(Path(folder))
        stacks.server = Cluster(durable=True).create()
        try:
            for database in ("postgresql", "sqlite"):
                print(f"{database}, {CLIENTS} clients, 2 web processes")
                stack = stacks.new(database, STATIC_ROOT=f"{folder}/static", **PRODUCTION)
                stack.manage("collectstatic", "--noinput")
                stack.start()
                shop(stack, seconds)
                stack.close()
                if database == "sqlite":
                    url = f"sqlite:///{folder}/ceiling.sqlite3"
                else:
                    url = stacks.server.create_database("ceiling")
                ceiling(Path(folder), url, seconds)
        finally:
            stacks.close()


if __name__ == "__main__":
    main()
