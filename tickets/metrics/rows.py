"""Metrics that rows tell when they are asked for: sales, holds, queues, refunds, node and worker.

Nothing of it costs a purchase anything. Each query reads what an index holds of now or of the last hour;
what they said is kept for some seconds, so that many scrapers cost no more than one.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from django.db import DatabaseError, connection
from django.db.models import Count, DurationField, ExpressionWrapper, F, Min, QuerySet, Sum
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from events.models import Event
from payments.checkup_models import Checkup
from payments.models import IncomingPayment, Invoice, Payment, Refund, Sweep, WebhookEvent
from payments.node.balance import waiting_msats
from payments.nwc.models import ConnectedWallet, Tap
from payments.rates.models import CurrencyRate
from payments.rates.services import why_paused
from tickets.models import Mail, Order
from tickets.push.models import Push
from tickets.scheduled_exports.models import ExportMail
from tickets.staff.alerts import needs_attention
from ticketsuma import __version__, clock

KEPT_SECONDS = 5.0
LAST_HOUR = timedelta(hours=1)
SETTLED_AT_MOST = 500  # of the last hour, the newest
KINDS = (
    "worker", "node", "forbidden", "doctor", "clock", "balance", "unmatched", "failed", "in_doubt",
    "needs_address", "failing", "parked", "second_person", "rate", "came_back",
)  # fmt: skip

# The worker's queues by their names (`tasks.py`, which a web process does not load) that somebody waits for.
QUEUES: dict[str, Callable[[datetime], QuerySet]] = {
    "webhook events": lambda now: WebhookEvent.objects.filter(processed_at=None),
    "incoming payments": lambda now: IncomingPayment.objects.filter(allocated_at=None),
    "invoices": lambda now: Invoice.objects.filter(status=Invoice.Status.REQUESTED),
    "leftover invoices": lambda now: Invoice.objects.leftover(),
    "pushes": lambda now: Payment.objects.filter(push=Payment.Push.QUEUED, status=Payment.Status.PENDING),
    "expiries": lambda now: Order.objects.overdue(now),
    "refunds": lambda now: Refund.objects.exclude(
        status__in=[Refund.Status.SENT, Refund.Status.NEEDS_ADDRESS]
    ),
    "taps": lambda now: Tap.objects.filter(status__in=Tap.LIVE),
    "connected wallets": lambda now: ConnectedWallet.objects.all(),
    "mails": lambda now: Mail.objects.filter(status=Mail.Status.DUE).exclude(kind=Mail.Kind.MESSAGE),
    "messages": lambda now: Mail.objects.filter(status=Mail.Status.DUE, kind=Mail.Kind.MESSAGE),
    "web pushes": lambda now: Push.objects.all(),
    "export mails": lambda now: ExportMail.objects.filter(status=ExportMail.Status.DUE),
}


class RowsCollector(Collector):
    """A collector of prometheus_client; safe for threads. Without a database it says that it is away."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._said: list[Metric] = []
        self._read_at = float("-inf")

    def describe(self) -> Iterable[Metric]:
        return ()  # registering asks the database nothing

    def collect(self) -> Iterator[Metric]:
        with self._lock:
            if time.monotonic() - self._read_at >= KEPT_SECONDS:
                self._said, self._read_at = self._read(), time.monotonic()
        yield from self._said

    def _read(self) -> list[Metric]:
        try:
            rows = [metric for read in READERS for metric in read(clock.now())]
        except DatabaseError:
            connection.close()
            return [*_build(), _gauge("tickets_database_up", "1 while the database answers", 0)]
        return [*_build(), _gauge("tickets_database_up", "1 while the database answers", 1), *rows]


def _gauge(name: str, says: str, value: float | None) -> Metric:
    """One number; without a sample while nobody knows it."""
    family = GaugeMetricFamily(name, says)
    if value is not None:
        family.add_metric([], value)
    return family


def _by(name: str, says: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, says, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def _age(now: datetime, since: datetime | None) -> float | None:
    return None if since is None else max(0.0, (now - since).total_seconds())


def _build() -> list[Metric]:
    return [_by("tickets_build_info", "The version that answers", "version", {__version__: 1})]


def _sales(now: datetime) -> list[Metric]:
    paid = Order.objects.filter(status=Order.Status.PAID, paid_at__gte=now - LAST_HOUR)
    sold = paid.aggregate(orders=Count("pk"), seats=Sum("quantity"), sats=Sum("payment__amount_sats"))
    coming = Event.objects.selling(now).aggregate(seats=Sum("capacity"), taken=Sum("seats_taken"))
    return [
        _gauge(
            "tickets_paid_orders_last_hour", "Orders paid in the last hour, and paid still", sold["orders"]
        ),
        _gauge("tickets_paid_seats_last_hour", "Their seats", sold["seats"] or 0),
        _gauge("tickets_paid_sats_last_hour", "Their sats", sold["sats"] or 0),
        _gauge("tickets_seats_on_sale", "Seats of all events on sale", coming["seats"] or 0),
        _gauge("tickets_seats_taken", "Those of them that are held or sold", coming["taken"] or 0),
    ]


def _holds(now: datetime) -> list[Metric]:
    pending = Order.objects.filter(status=Order.Status.PENDING)
    held = pending.aggregate(orders=Count("pk"), seats=Sum("quantity"), first=Min("expires_at"))
    late = _age(now, held["first"]) if held["first"] else 0
    return [
        _gauge("tickets_held_orders", "Orders that wait for their money", held["orders"]),
        _gauge("tickets_held_seats", "Their seats", held["seats"] or 0),
        _gauge("tickets_hold_overdue_seconds", "How long the oldest hold has been over", late),
    ]


def _settling(now: datetime) -> list[Metric]:
    """How long money that arrived in the last hour took to become paid orders, or refunds."""
    arrived = IncomingPayment.objects.filter(received_at__gte=now - LAST_HOUR, allocated_at__isnull=False)
    lasting = ExpressionWrapper(F("allocated_at") - F("received_at"), DurationField())
    newest = arrived.order_by("-received_at").annotate(took=lasting)[:SETTLED_AT_MOST]
    took = sorted(max(0.0, lasted.total_seconds()) for lasted in newest.values_list("took", flat=True))
    quantiles = (
        {share: took[int(float(share) * (len(took) - 1))] for share in ("0.5", "0.95", "1")} if took else {}
    )
    return [
        _by(
            "tickets_settle_seconds", "From the node's receipt to the books, last hour", "quantile", quantiles
        )
    ]


def _queues(now: datetime) -> list[Metric]:
    depth, age = {}, {}
    for name, rows in QUEUES.items():
        due = rows(now).order_by().filter(next_attempt_at__lte=now)
        found = due.aggregate(count=Count("pk"), first=Min("next_attempt_at"))
        depth[name], age[name] = found["count"], _age(now, found["first"]) or 0
    return [
        _by("tickets_queue_due", "Work that waits for a worker", "queue", depth),
        _by("tickets_queue_age_seconds", "How long the first of it has been due", "queue", age),
    ]


def _refunds(now: datetime) -> list[Metric]:
    states = [status for status in Refund.Status.values if status != Refund.Status.SENT]
    unsent = Refund.objects.exclude(status=Refund.Status.SENT).order_by()
    count, msats = dict.fromkeys(states, 0), dict.fromkeys(states, 0)
    for row in unsent.values("status").annotate(count=Count("pk"), msats=Sum("amount_msats")):
        count[row["status"]], msats[row["status"]] = row["count"], row["msats"]
    return [
        _by("tickets_refunds", "Refunds that are not sent", "status", count),
        _by("tickets_refund_msats", "What they owe", "status", msats),
    ]


def _node(now: datetime) -> list[Metric]:
    sweep = Sweep.objects.filter(name=Sweep.INCOMING).first()
    checkup = Checkup.objects.first()
    tried = _age(now, sweep.tried_at) if sweep else None
    answered = _age(now, sweep.succeeded_at) if sweep else None
    available = sweep.available_msats if sweep else None
    return [
        _gauge("tickets_worker_silent_seconds", "Since a worker last asked the node", tried),
        _gauge("tickets_node_silent_seconds", "Since the node last answered a worker", answered),
        _gauge("tickets_node_available_msats", "What the node can send", available),
        _gauge("tickets_owed_msats", "What is to be sent, with its fees", waiting_msats()),
        _gauge(
            "tickets_doctor_wrong",
            "Faults that `manage.py doctor` found",
            len(checkup.wrong) if checkup else None,
        ),
    ]


def _attention(now: datetime) -> list[Metric]:
    count = dict.fromkeys(KINDS, 0)
    unsent = 0
    for line in needs_attention():
        count[line.kind] = count.get(line.kind, 0) + line.count
        unsent += line.count if line.model == "tickets.mail" else 0
    return [
        _by("tickets_needs_attention", "What needs attention (docs/operations.md)", "kind", count),
        _gauge("tickets_mails_failing", "Mails that are failing or given up", unsent),
    ]


def _rates(now: datetime) -> list[Metric]:
    found = list(CurrencyRate.objects.exclude(btc_price=None))
    prices = {row.currency: float(row.btc_price or 0) for row in found}
    ages = {row.currency: _age(now, row.taken_at) or 0 for row in found}
    pauses = {row.currency: float(bool(why_paused(row))) for row in found}
    return [
        _by("tickets_btc_price", "What a bitcoin costs", "currency", prices),
        _by("tickets_rate_age_seconds", "Since that was found out", "currency", ages),
        _by("tickets_rate_paused", "1 while sales in the currency pause", "currency", pauses),
    ]


READERS = (_sales, _holds, _settling, _queues, _refunds, _node, _rates, _attention)
