"""A shop whose every part can fail, and the checks that nothing was lost."""

import functools
import json
import math
import os
import signal
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

from tests.buyer import Sandbox
from tests.engines import ScaledStack
from tests.faults.kill_points import POINTS, planted_tree
from tests.faults.proxy import Proxy
from tests.faults.watched_net import write_sitecustomize
from tests.mailbox import Mailbox
from tests.postgres import Cluster, GivenServer, Server
from tests.processes import PATIENCE, Process, free_port, wait_until
from tests.stack import MIGRATED, Stack, Stacks

NAMES = {point.name for point in POINTS}

# What a healthy worker still has to do; money without an invoice of ours waits for staff, not for it.
UNFINISHED = """
later = timezone.now() + timedelta(seconds=later_seconds)
def due(rows):
    return rows.filter(next_attempt_at__lte=later).count()
answer = {name: count for name, count in {
    "webhook events": due(WebhookEvent.objects.filter(processed_at=None)),
    "incoming payments": due(IncomingPayment.objects.filter(allocated_at=None, payment__isnull=False)),
    "invoices": due(Invoice.objects.filter(status="requested")),
    "leftover invoices": due(Invoice.objects.leftover()),
    "pushes": due(Payment.objects.filter(push="queued", status="pending")),
    "expiries": due(Order.objects.overdue(timezone.now())),
    "canceled events": due(Order.objects.holding().filter(event__canceled_at__isnull=False)),
    "refunds": due(Refund.objects.exclude(status__in=["sent", "needs_address"])),
    "mails": due(Mail.objects.filter(status="due")),
}.items() if count}
"""

HURRY = """
soon = timezone.now() + timedelta(seconds=1)
for model in (WebhookEvent, IncomingPayment, Invoice, Payment, Order, Refund, Mail, Sweep):
    model.objects.filter(next_attempt_at__gt=soon).exclude(pk__in=[]).update(next_attempt_at=timezone.now())
"""

BROKEN = """
from tickets.staff.audit import run_integrity_checks
from tickets.staff.node_audit import compare_with_node
found = run_integrity_checks() + compare_with_node(timezone.now() - timedelta(hours=24))
answer = [f"{one.check}: {one.row}: {one.says}" for one in found]
"""

OUR_LEDGER = """
answer = {
    "received": dict(IncomingPayment.objects.values_list("node_payment_id", "amount_msats")),
    "sent": [list(row) for row in Refund.objects.filter(status="sent")
             .values_list("payment_hash", "amount_msats")],
    "sent_ids": [str(pk) for pk in Refund.objects.filter(status="sent").values_list("pk", flat=True)],
}
"""


class FaultyStack(Stack):
    """A stack whose connections to PostgreSQL, the node and the mail server can be broken, and whose
    programs can be killed or frozen at named lines."""

    def _environment(self) -> dict[str, str]:
        database = urlsplit(self.database_url)
        self.to_database = Proxy(free_port(), database.port)
        self.to_node = Proxy(free_port(), self.sandbox_port)
        self.mailbox = Mailbox()
        through = database._replace(netloc=f"postgres@127.0.0.1:{self.to_database.port}").geturl()
        (self.folder / "points").mkdir()
        return super()._environment() | {
            "DATABASE_URL": through,
            "DB_PREPARED_STATEMENTS": "0",  # `to_database` finds a statement by its words
            "UMA_CONFIGURATION_SECONDS": "0",  # a case breaks what another one may have learned
            "LIGHTSPARK_BASE_URL": f"http://localhost:{self.to_node.port}/graphql/server/2023-09-13",
            "EMAIL_URL": f"smtp://127.0.0.1:{self.mailbox.port}",
        }

    def _process(self, name: str, command: list[str], **more: str) -> Process:
        if name.startswith(("web", "worker")):
            more["PYTHONPATH"] = str(write_sitecustomize(self.folder / "site"))
        return super()._process(name, command, **more)

    @functools.cached_property
    def node(self) -> Sandbox:
        return Sandbox(self)

    # -- breaking ----------------------------------------------------------------------------------

    def arm(self, name: str, number: int = signal.SIGKILL) -> None:
        """The first process that reaches the point `name` is killed there, or frozen (SIGSTOP)."""
        assert name in NAMES, name
        self._point(name).with_suffix(".new").write_text(str(int(number)))
        self._point(name).with_suffix(".new").rename(self._point(name))

    def wait_reached(self, name: str, seconds: float = 30) -> None:
        wait_until(lambda: not self._point(name).exists(), seconds, f"a process is struck at {name}")

    def _point(self, name: str) -> Path:
        return self.folder / "points" / name

    def resolve(self, **names: list[list[str]]) -> None:
        """From now on these names (`_` for `.`) have these addresses, another list at each asking."""
        text = json.dumps({name.replace("_", "."): answers for name, answers in names.items()})
        (self.folder / "names.json").write_text(text)

    def serve_there(self, address: str, port: int) -> None:
        """From now on who connects to `address` ("ip port") is connected to our `port`."""
        (self.folder / "servers.json").write_text(json.dumps({address: port}))

    def connects(self) -> list[str]:
        """Every `address port` that web and worker connected to, or wanted to, by Python's own sockets."""
        log = self.folder / "connects.log"
        return log.read_text().splitlines() if log.exists() else []

    def hurry(self) -> None:
        """Let every lease and every delay run out now."""
        self.django(HURRY)

    def wait_hurried(self, condition, seconds: float, what: str) -> None:
        """Wait for what happens after delays, none of which is awaited."""
        deadline = time.monotonic() + seconds * PATIENCE
        while not condition():
            assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
            self.hurry()
            time.sleep(0.5)

    # -- mending -----------------------------------------------------------------------------------

    def revive(self) -> None:
        """Start what was killed, thaw what was frozen. (gunicorn replaces its killed children itself.)"""
        for process in self.processes:
            if process.running:
                process.thaw()
            else:
                process.start()

    def heal(self) -> None:
        """Every connection, process and server as good as new."""
        self.to_database.heal()
        self.to_node.heal()
        self.mailbox.fault, self.mailbox.rejected = None, ""
        for armed in (self.folder / "points").iterdir():
            armed.unlink()
        self.revive()
        self.wait_healthy()
        self.node.no_faults()

    def close(self) -> None:
        """Twice is fine."""
        if self not in Stack.alive:
            return
        super().close()
        for one in (self.to_database, self.to_node, self.mailbox):
            one.close()

    # -- the proof ---------------------------------------------------------------------------------

    def ends_clean(self, seconds: float = 50) -> None:
        """Healed, it comes to rest by itself; no invariant is broken; every sat agrees with the node."""
        self.heal()
        self.come_to_rest(seconds)
        deadline = time.monotonic() + 25
        while (found := self.django(BROKEN) + self.unlike_ledger()) and time.monotonic() < deadline:
            time.sleep(0.5)
        assert not found, "\n".join(found)

    def come_to_rest(self, seconds: float = 50) -> None:
        """Wait until nothing is left to do; at most `seconds` in which it has not become less."""
        deadline, looks, least = time.monotonic() + seconds, 0, math.inf
        while unfinished := self.django(UNFINISHED, later_seconds=3600):
            if (left := sum(unfinished.values())) < least:
                deadline, least = time.monotonic() + seconds, left
            assert time.monotonic() < deadline, f"not at rest: {unfinished}"
            looks += 1
            if looks % 20 == 0:
                self.hurry()
            time.sleep(0.1)

    def unlike_ledger(self) -> list[str]:
        """Where the sandbox's ledger and our books differ, in msats, either way round."""
        ours = self.django(OUR_LEDGER)
        rows = [row for row in self.node.get("/api/ledger")["payments"] if row["status"] == "SUCCESS"]
        us = self.env["LIGHTSPARK_NODE_ID"]
        received = {
            row["to"]["payment_id"]: row["amount_msats"] for row in rows if row["to"]["node_id"] == us
        }
        outgoing = [row for row in rows if row["from"]["node_id"] == us]
        sent = Counter((row["payment_hash"], row["amount_msats"]) for row in outgoing)
        found = []
        if received != ours["received"]:
            found.append(f"received: the node {received}, we {ours['received']}")
        if sent != Counter(map(tuple, ours["sent"])):
            found.append(f"sent: the node {sent}, we {ours['sent']}")
        refunds = Counter((row["idempotency_key"] or "").rpartition("-")[0] for row in outgoing)
        found += [f"refund {pk} was paid {times} times" for pk, times in refunds.items() if times > 1]
        return found


class FaultyScaledStack(ScaledStack, FaultyStack):
    """The same on all engines of the profile `scale`; its pooler reaches PostgreSQL by what can be broken.

    Buyers come past nginx, which would answer 502 for the web process that a case kills; wallets and the
    node's webhooks come by it.
    """

    def __init__(self, *given, **options):
        super().__init__(*given, **options)
        self.shop_url = self.shop_urls[0]


class FaultyStacks(Stacks):
    """Makes faulty stacks: a PostgreSQL that survives power cuts, a tree with the kill points in it."""

    kind = FaultyScaledStack if os.environ.get("ENGINES") else FaultyStack

    def __init__(self, folder: Path):
        super().__init__(folder)
        self.tree = planted_tree(folder / "tree")

    @functools.cached_property
    def server(self) -> Server:
        given = os.environ.get(MIGRATED)
        return GivenServer(given) if given else Cluster(durable=True, max_connections="120").create()

    def new(self, database: str, **options) -> FaultyStack:
        return super().new(database, root=self.tree, **options)
