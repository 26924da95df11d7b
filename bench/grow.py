"""Growth of the shop: what each page costs in a small shop and in a large one: `python -m bench.grow`.

Small: 100 events, 1,000 orders, so that every list has a full page (of free events to come: five). Large:
10,000 events, 100,000 orders, or `--orders 1000000`, with which the audit counts. One client asks for page
after page; the worker sleeps.
"""

import argparse
import json
import resource
import signal
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import requests

from bench.run import PRODUCTION
from tests import many_rows
from tests.postgres import Cluster
from tests.stack import Stack, Stacks

SMALL = (100, 1_000)
SIGN_IN = """
from types import SimpleNamespace
from allauth.account.internal.flows.login import record_authentication
from django.contrib.sessions.backends.db import SessionStore
from accounts.staff import save_verified_user
user, session = save_verified_user(email=email, password="play money only")[0], SessionStore()
session["_auth_user_id"], session["_auth_user_hash"] = str(user.pk), user.get_session_auth_hash()
session["_auth_user_backend"] = "django.contrib.auth.backends.ModelBackend"
session.create()
record_authentication(SimpleNamespace(session=session, user=user), user, "mfa", type="totp")
session.save()
answer = [user.pk, session.session_key]
"""
ADMIN = [
    *("tickets/order", "tickets/ticket", "tickets/mail", "tickets/checkin", "tickets/viewer"),
    *("payments/payment", "payments/invoice", "payments/incomingpayment", "payments/refund"),
    *("payments/webhookevent", "payments/posttransaction", "events/event", "accounts/user"),
]


def fill(database_url: str, events: tuple[int, int], orders: tuple[int, int]) -> float:
    """Add these numbers of events and orders; how many seconds it took."""
    started = time.monotonic()
    with psycopg.connect(database_url) as connection:
        connection.execute("SET statement_timeout = 0")
        connection.execute("SET session_replication_role = replica")  # the rows are right: no key is checked
        if events[1] >= events[0]:
            many_rows.add_events(connection.execute, *events)
        many_rows.add_orders(connection.execute, *orders)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("SET statement_timeout = 0")
        connection.execute("VACUUM ANALYZE")
    return time.monotonic() - started


class Reader:
    """Somebody who asks for pages, signed in or not."""

    def __init__(self, stack: Stack, email: str = ""):
        self.url, self.session = stack.shop_url, requests.Session()
        if email:
            self.pk, key = stack.django(SIGN_IN, email=email)
            self.session.headers["Cookie"] = f"sessionid={key}"

    def p95_ms(self, path: str, times: int) -> tuple[float, float]:
        """Median and 95th percentile of asking so often."""
        took = []
        for number in range(times + 3):
            started = time.monotonic()
            answer = self.session.get(self.url + path, timeout=60, allow_redirects=False)
            assert answer.status_code == 200, f"{path}: {answer.status_code}"
            if number >= 3:
                took.append((time.monotonic() - started) * 1000)
        return statistics.median(took), statistics.quantiles(took, n=20)[-1]


def pages(stack: Stack) -> Iterator[tuple[Reader, str, str]]:
    """Who, the page's name, and where it is in this shop."""
    event_id, slug = stack.django(
        "list(Event.objects.filter(start_time__gt=timezone.now(), price_sats__gt=0)"
        ".order_by('start_time').values_list('pk', 'slug')[0])"
    )
    anybody = Reader(stack)
    paths = ("/", "/?page=2", "/?show=past", "/?show=free", "/?q=club", "/?q=no-such-word", "/api/events")
    for path in paths:
        yield anybody, path, path
    yield anybody, "/api/events?upcoming=true", "/api/events?upcoming=true"
    yield anybody, "an event's page", f"/events/{slug}"
    yield anybody, "/api/events/{id}", f"/api/events/{event_id}"
    yield Reader(stack, many_rows.PERSON), "/me", "/me"
    staff = Reader(stack, "staff@example.com")
    yield staff, "/admin/", "/admin/"
    for model in ADMIN:
        yield staff, f"/admin/{model}/", f"/admin/{model}/"
    order, code = stack.django(
        "[str(o) for o in Order.objects.filter(status='paid', payment__isnull=False)"
        ".values_list('pk', 'code')[0]]"
    )
    yield staff, "an order in the admin", f"/admin/tickets/order/{order}/change/"
    yield staff, "an order's code, searched", f"/admin/tickets/order/?q={code}"


def measure(stack: Stack, times: int) -> dict[str, tuple[float, float]]:
    return {name: reader.p95_ms(path, times) for reader, name, path in pages(stack)}


def audit(stack: Stack, *how: str) -> tuple[float, float]:
    """Seconds, and the MiB that the largest command so far took at most."""
    started = time.monotonic()
    done = stack.manage("audit", "--offline", "--json", *how, check=False, seconds=600)
    assert json.loads(done.stdout.splitlines()[-1])["ok"], done.stdout[-2000:] + done.stderr[-2000:]
    return time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--events", type=int, default=10_000)
    options.add_argument("--orders", type=int, default=100_000)
    options.add_argument("--times", type=int, default=40, help="how often each page is asked for")
    options.add_argument("--audit-only", action="store_true")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="ticketsuma-bench-") as folder:
        stacks = Stacks(Path(folder))
        stacks.server = Cluster(durable=True).create()
        try:
            settings = PRODUCTION | {"STAFF_SECOND_FACTOR": "optional"}
            stack = stacks.new("postgresql", STATIC_ROOT=f"{folder}/static", **settings)
            fill(stack.database_url, (1, SMALL[0]), (1, SMALL[1]))
            stack.manage("collectstatic", "--noinput", seconds=300)
            stack.start()
            stack.worker.signal_group(signal.SIGSTOP)
            before = {} if given.audit_only else measure(stack, given.times)
            audits = [audit(stack), audit(stack, "--recent")]
            events, orders = (SMALL[0] + 1, given.events), (SMALL[1] + 1, given.orders)
            took = fill(stack.database_url, events, orders)
            print(f"{given.events:,} events and {given.orders:,} orders, written in {took:.0f} s")
            after = {} if given.audit_only else measure(stack, given.times)
            print(f"{'':34}{'small p95':>10}{'large p95':>10}{'ratio':>7}{'of medians':>11}")
            for name, (median, p95) in after.items():
                ratio, of_medians = p95 / before[name][1], median / before[name][0]
                print(f"{name:34}{before[name][1]:10.1f}{p95:10.1f}{ratio:7.2f}{of_medians:11.2f}")
            for name, was, now in zip(
                ("audit", "audit --recent"), audits, [audit(stack), audit(stack, "--recent")], strict=True
            ):
                print(f"{name}: {was[0]:.2f} s small, {now[0]:.2f} s large, at most {now[1]:.0f} MiB")
        finally:
            stacks.close()


if __name__ == "__main__":
    main()
