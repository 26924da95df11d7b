"""Worker: one loop over rows that are due. Rows are the queue; run as many workers as you like."""

import logging
import signal
import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any

from django.contrib.sessions.backends.db import SessionStore
from django.db import close_old_connections, connection
from django.db.models import Q, QuerySet

from payments import doctor, invoices, reconciliation, services
from payments.checkup_models import Checkup
from payments.models import (
    IncomingPayment,
    Invoice,
    Payment,
    PostTransaction,
    Refund,
    Sweep,
    WebhookEvent,
)
from payments.querysets import REQUEST_LEASE
from payments.refund_sending import send_refund
from payments.uma.address import domain_of
from payments.uma.nonces import purge_nonces
from payments.uma.post_transaction import tell_post_transaction
from payments.uma.push import push_request
from tickets.mail import notifications
from tickets.mail.messages import send_mail
from tickets.models import Mail, Order
from tickets.services import holds, refunds
from tickets.services.hold_limits import forget_networks
from tickets.services.orders import expire_order
from tickets.services.personal_data import purge_erased_orders
from ticketsuma import clock, search_keys
from ticketsuma.errors import DomainError
from ticketsuma.jobs.host_turns import Hosts, host_of_url, urls_at
from ticketsuma.jobs.models import Job
from ticketsuma.state_machine import InvalidTransition

logger = logging.getLogger(__name__)

THREADS = 16
THREADS_FOR_EXTERNAL = 4  # of them, those that may wait for somebody else's server
WAKE_SECONDS = 0.2
BATCH = 50


@dataclass(frozen=True)
class Queue:
    """A kind of due row: `due(now)` finds them, `handle(row)` does the work within `lease`.

    `is_external`: it may wait for somebody else's server, that of the domain in the field `address`, or of
    the row's `url`, which is in one of the fields `urls`.
    """

    name: str
    due: Callable[[datetime], QuerySet]
    handle: Callable[[Any], object]
    lease: timedelta = timedelta(seconds=30)
    is_external: bool = False
    address: str = ""
    urls: tuple[str, ...] = ()

    def host_of(self, row: Any) -> str:
        if self.urls:
            return host_of_url(row.url)
        return domain_of(getattr(row, self.address)) if self.address else ""

    def at(self, host: str) -> Q:
        """The rows that wait for the server of `host`."""
        fields = [urls_at(field, host) for field in self.urls]
        fields += [Q(**{f"{self.address}__endswith": f"@{host}"})] if self.address else []
        return reduce(or_, fields)


QUEUES = [
    Queue(
        "sweep",
        lambda now: Sweep.objects.filter(name__in=[Sweep.INCOMING, Sweep.AGAIN]),
        reconciliation.sweep,
        timedelta(seconds=60),
    ),
    Queue(
        "webhook events",
        lambda now: WebhookEvent.objects.filter(processed_at=None),
        services.process_webhook_event,
    ),
    Queue(
        "incoming payments", lambda now: IncomingPayment.objects.filter(allocated_at=None), services.allocate
    ),
    Queue(
        "invoices",
        lambda now: Invoice.objects.filter(status=Invoice.Status.REQUESTED).select_related("payment"),
        invoices.request_invoice,
        REQUEST_LEASE,
    ),
    Queue("leftover invoices", lambda now: Invoice.objects.leftover(), invoices.cancel_leftover),
    Queue(
        "pushes",
        lambda now: Payment.objects.filter(push=Payment.Push.QUEUED, status=Payment.Status.PENDING),
        push_request,
        is_external=True,
        address="uma_address",
    ),
    Queue(
        "expiries", lambda now: Order.objects.overdue(now).select_related("event", "payment"), expire_order
    ),
    Queue(
        "canceled events",
        lambda now: refunds.orders_of_canceled_events().select_related("event", "payment"),
        refunds.end_canceled_order,
    ),
    Queue(
        "refunds",
        lambda now: Refund.objects.exclude(status__in=[Refund.Status.SENT, Refund.Status.NEEDS_ADDRESS]),
        send_refund,
        timedelta(seconds=60),
        is_external=True,
        address="to",
    ),
    Queue(
        "post-transaction callbacks",
        lambda now: PostTransaction.objects.select_related("incoming_payment__invoice", "refund"),
        tell_post_transaction,
        is_external=True,
        urls=("refund__utxo_callback", "incoming_payment__invoice__utxo_callback"),
    ),
    Queue(
        "doctor", lambda now: Checkup.objects.all(), doctor.check_up, timedelta(minutes=2), is_external=True
    ),
    Queue(
        "mails",
        lambda now: Mail.objects.filter(status=Mail.Status.DUE).select_related("order__event"),
        send_mail,
        timedelta(seconds=60),
    ),
]


def clear_sessions() -> None:
    """Sessions that are over are gone: they say who was signed in and what was bought in a browser."""
    SessionStore.clear_expired()


# What is not in rows: done by every worker, harmless when several do it at once.
PERIODIC_TASKS: list[tuple[float, Callable[[], object]]] = [
    (2.0, refunds.queue_refund_mails),
    (2.0, refunds.wake_canceled_orders),
    (2.0, holds.shorten_holds),
    (5.0, notifications.queue_changes),
    (10.0, notifications.queue_reminders),
    (5.0, search_keys.fill_due),
    (60.0, purge_nonces),
    (60.0, purge_erased_orders),
    (60.0, forget_networks),
    (3600.0, clear_sessions),
]


def work(queue: Queue, row: Job) -> str | None:
    """Handle one leased row; what went wrong, or None. The row keeps the error and comes back later."""
    try:
        queue.handle(row)
        row.done()
    except InvalidTransition:
        return None  # somebody else brought it further meanwhile
    except DomainError as refusal:
        row.retry(refusal.noted)
        return refusal.noted
    except Exception as error:
        logger.exception("%s: row %s failed", queue.name, row.pk)
        row.retry(type(error).__name__)
        return type(error).__name__
    finally:
        connection.close()
    return None


def due_rows(queue: Queue, *, limit: int = BATCH, without: Collection[str] = ()) -> list[Job]:
    """What is due, the longest due first; of what waits for strangers' servers, what never failed first.

    Rows for the hosts in `without` are left out, so that however many they are they hide no other.
    """
    now = clock.now()
    rows = queue.due(now)
    rows = rows.filter(rows.model.is_work_at(now))
    for host in without if queue.address or queue.urls else ():
        rows = rows.exclude(queue.at(host))
    order = ("attempts", "next_attempt_at") if queue.is_external else ("next_attempt_at",)
    return list(rows.order_by(*order)[:limit])


class Worker:
    """Finds due rows, takes their leases and hands them to a pool of threads until `stop()`."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="work")
        self._chores_done: dict[Callable, float] = {}
        self._free = threading.Semaphore(THREADS)
        self._free_for_strangers = threading.Semaphore(THREADS_FOR_EXTERNAL)
        self._hosts = Hosts()

    def stop(self, *_args) -> None:
        self._stop.set()

    def run(self) -> None:
        """Work until stopped; what is in hand is finished first. A database that is away is waited for."""
        reconciliation.sweep_row()
        doctor.wanted_now()
        while not self._stop.is_set():
            started = time.monotonic()
            try:
                close_old_connections()
                for queue in QUEUES:
                    self._hand_out(queue)
                self._do_chores()
            except Exception:
                logger.exception("the worker could not read its queues")
                connection.close()
                self._stop.wait(1)
            self._stop.wait(max(0.0, WAKE_SECONDS - (time.monotonic() - started)))
        self._pool.shutdown(wait=True)

    def _hand_out(self, queue: Queue) -> None:
        """Give due rows to threads; one for whose host no turn is free waits in the table."""
        for row in due_rows(queue, without=self._hosts.full()):
            host = queue.host_of(row)
            if not self._hosts.take_turn(host):
                continue
            if not self._take_thread(queue):
                self._hosts.give_back(host)
                return
            if row.acquire_lease(queue.lease):
                self._pool.submit(self._work_and_free, queue, row, host)
            else:
                self._free_thread(queue)
                self._hosts.give_back(host)

    def _do_chores(self) -> None:
        for every, chore in PERIODIC_TASKS:
            if time.monotonic() - self._chores_done.get(chore, float("-inf")) >= every:
                self._chores_done[chore] = time.monotonic()
                chore()

    def _work_and_free(self, queue: Queue, row: Job, host: str) -> None:
        try:
            work(queue, row)
        finally:
            self._free_thread(queue)
            self._hosts.give_back(host)

    def _take_thread(self, queue: Queue) -> bool:
        if queue.is_external and not self._free_for_strangers.acquire(blocking=False):
            return False
        if self._free.acquire(blocking=False):
            return True
        if queue.is_external:
            self._free_for_strangers.release()
        return False

    def _free_thread(self, queue: Queue) -> None:
        self._free.release()
        if queue.is_external:
            self._free_for_strangers.release()


def run_forever() -> None:
    worker = Worker()
    signal.signal(signal.SIGTERM, worker.stop)
    signal.signal(signal.SIGINT, worker.stop)
    logger.info("the worker is up")
    worker.run()
    logger.info("the worker is down")


def run_once(on_row: Callable[[str, Job, str | None], None] | None = None) -> int:
    """Handle everything that is due now, in this thread; how many rows. For `retry_payments` and tests."""
    reconciliation.sweep_row()
    for _every, chore in PERIODIC_TASKS:
        chore()
    count = 0
    for queue in QUEUES:
        for row in due_rows(queue, limit=10_000):
            if row.acquire_lease(queue.lease):
                error = work(queue, row)
                count += 1
                if on_row:
                    on_row(queue.name, row, error)
    return count
