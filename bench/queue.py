"""The queue: how fast 1, 2 and 4 workers do 10,000 due rows together, what a worker at rest asks, and what an
engine of its own would cost a purchase: `python -m bench.queue`.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from bench import machine
from tests.postgres import Cluster
from tests.processes import wait_until
from tests.stack import ROOT, Stack, Stacks

EVENTS = """INSERT INTO payments_webhookevent
    (event_id, type, entity_id, received_at, next_attempt_at, attempts, last_error)
    SELECT 'bench' || n, 't', 'x', now(), now(), 0, '' FROM generate_series(1, %s) AS n"""

OFTEN = """SELECT query, calls FROM pg_stat_statements
    JOIN pg_database ON pg_database.oid = dbid WHERE datname = current_database()
    AND query !~ 'pg_stat_statements' ORDER BY calls DESC LIMIT 12"""


def work(wait_ms: float) -> None:
    """A worker whose one queue are webhook events: each waits so long, as for a node, and is done."""
    import django

    django.setup()
    from django.utils import timezone

    from payments.models import WebhookEvent
    from ticketsuma.jobs import worker
    from ticketsuma.jobs.registry import Queue, Registry

    def handle(row: WebhookEvent) -> None:
        time.sleep(wait_ms / 1000)
        WebhookEvent.objects.filter(pk=row.pk, processed_at=None).update(
            next_attempt_at=None, processed_at=timezone.now()
        )

    registry = Registry()
    due = Queue(
        name="bench",
        priority=1,
        due=lambda now: WebhookEvent.objects.filter(processed_at=None),
        handle=handle,
    )
    registry.add_queue(due)
    worker.Worker(registry).run()


def throughput(stack: Stack, rows: int, workers: int, wait_ms: float) -> tuple[float, float, int]:
    """Rows a second, CPU seconds of all workers, and attempts beyond the one that each row needs."""
    with psycopg.connect(stack.database_url, autocommit=True) as connection:
        connection.execute("TRUNCATE payments_webhookevent CASCADE")
        connection.execute(EVENTS, [rows])
        connection.execute("UPDATE payments_webhookevent SET next_attempt_at = now() + interval '59 minutes'")
        connection.execute("VACUUM ANALYZE payments_webhookevent")
    command = [sys.executable, "-m", "bench.queue", "--work", str(wait_ms)]
    env = stack.env | {"DJANGO_SETTINGS_MODULE": "ticketsuma.settings"}
    children = [
        subprocess.Popen(command, cwd=ROOT, env=env, stderr=subprocess.DEVNULL) for _ in range(workers)
    ]
    try:
        listening = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN work%%'"
        wait_until(lambda: stack.sql(listening)[0][0] == workers, 60, "the workers are up")
        with machine.spending({str(child.pid): child.pid for child in children}) as spent:
            began = time.monotonic()
            with psycopg.connect(stack.database_url, autocommit=True) as connection:
                connection.execute("UPDATE payments_webhookevent SET next_attempt_at = now()")
                connection.execute("NOTIFY work")
            left = "SELECT count(*) FROM payments_webhookevent WHERE processed_at IS NULL"
            wait_until(lambda: stack.sql(left)[0][0] == 0, 600, "all rows are done")
            took = time.monotonic() - began
        again = stack.sql("SELECT sum(attempts) FROM payments_webhookevent")[0][0] - rows
    finally:
        for child in children:
            child.kill()
            child.wait()
    return rows / took, sum(spent.cpu.values()), again


def rest(stack: Stack, seconds: float) -> None:
    """Statements and CPU of the shop's own worker when nothing happens."""
    machine.count_statements(stack.database_url)
    stack.start()
    time.sleep(20)  # its start
    with psycopg.connect(stack.database_url, autocommit=True) as connection:
        connection.execute("SELECT pg_stat_statements_reset()")
    with machine.spending({"worker": stack.worker.pid}, stack.database_url) as spent:
        time.sleep(seconds)
    print(
        f"a worker at rest: {spent.statements / seconds:.1f} statements/s, "
        f"{spent.cpu['worker'] / seconds:.1%} of a core"
    )
    for query, calls in stack.sql(OFTEN):
        print(f"  {calls / seconds:.2f}/s {' '.join(query.split())[:100]}")


def cost(stack: Stack, times: int = 2000) -> None:
    """What a second row for the engine costs a commit that writes one row, on this disk."""
    with psycopg.connect(stack.database_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE bench_sale (id bigserial PRIMARY KEY, due timestamptz, what text)")
        connection.execute("CREATE INDEX ON bench_sale (due)")
        connection.execute(
            """CREATE TABLE bench_job
            (id bigserial PRIMARY KEY, queue text, args jsonb, status text, at timestamptz)"""
        )
        connection.execute("CREATE INDEX ON bench_job (queue, at) WHERE status = 'todo'")
        connection.execute(
            "CREATE TABLE bench_job_event (id bigserial PRIMARY KEY, job bigint, at timestamptz)"
        )

        def own() -> None:
            with connection.transaction():
                connection.execute("INSERT INTO bench_sale (due, what) VALUES (now(), 'sale')")

        def told() -> None:
            own()
            connection.execute("NOTIFY work")

        def engine() -> None:
            with connection.transaction():
                connection.execute("INSERT INTO bench_sale (due, what) VALUES (now(), 'sale')")
                connection.execute(
                    """WITH job AS (INSERT INTO bench_job (queue, args, status, at)
                    VALUES ('mails', '{"order": 1}', 'todo', now()) RETURNING id)
                    INSERT INTO bench_job_event (job, at) SELECT id, now() FROM job"""
                )
                connection.execute("NOTIFY jobs")

        for name, act in (
            ("the row itself", own),
            ("and NOTIFY after it", told),
            ("a job beside it", engine),
        ):
            took = sorted(measured(act) for _ in range(times))
            tenth, median = took[times // 10], statistics.median(took)
            print(
                f"commit of a sale's row, {name}: {tenth * 1e6:.0f} µs (tenth), {median * 1e6:.0f} (median)"
            )


def measured(act: Callable[[], None]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rows", type=int, default=10_000)
    options.add_argument("--wait-ms", type=float, default=50, help="how long a row's handler waits")
    options.add_argument("--work", type=float, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.work is not None:
        return work(given.work)
    with tempfile.TemporaryDirectory(prefix="ticketsuma-bench-") as folder:
        stacks = Stacks(Path(folder))
        stacks.server = Cluster(durable=True, **machine.COUNTING).create()
        try:
            stack = stacks.new("postgresql")
            machine.count_statements(stack.database_url)
            print(
                f"PostgreSQL with fsync, {os.cpu_count()} cores; a row's handler waits {given.wait_ms:g} ms"
            )
            alone = 0.0
            for workers in (1, 2, 4):
                rate, cpu, again = throughput(stack, given.rows, workers, given.wait_ms)
                alone = alone or rate
                print(
                    f"{workers} workers: {rate:.0f} rows/s, {rate / alone:.2f} times one; "
                    f"{cpu * 1000 / given.rows:.2f} ms CPU a row, {again} attempts too many"
                )
            cost(stack)
            rest(stacks.new("postgresql"), 60)
        finally:
            stacks.close()
    return None


if __name__ == "__main__":
    main()
