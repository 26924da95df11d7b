"""Worker and hosts: a silent server holds few threads, however many orders and callbacks name it."""

import threading
from collections import Counter
from dataclasses import replace
from secrets import token_hex

import pytest
from django.utils import timezone

from payments.models import Payment, Refund
from payments.refunds import write_refund
from tests.factories import EventFactory, IncomingPaymentFactory, OrderFactory, PostTransactionFactory
from tests.processes import wait_until
from ticketsuma.jobs.host_turns import AT_ONCE_PER_HOST
from ticketsuma.jobs.registry import Queue, Registry, discover
from ticketsuma.jobs.worker import BATCH, THREADS_FOR_EXTERNAL, Worker, due_rows

pytestmark = pytest.mark.django_db(transaction=True)
SILENT, HONEST = "silent.example.com", "honest.example.com"


class Servers:
    """Handles rows of `queue` by waiting for an answer of `SILENT`, which never comes before `speak`."""

    def __init__(self):
        self.speak, self.lock = threading.Event(), threading.Lock()
        self.waiting, self.most, self.done = Counter(), Counter(), Counter()
        self.queue = discover().queue("pushes")

    def serve(self, name: str) -> Queue:
        """The worker's queue of that name, with these servers."""
        self.queue = discover().queue(name)
        return replace(self.queue, handle=self.ask)

    def ask(self, row) -> None:
        host = self.queue.host_of(row)
        with self.lock:
            self.waiting[host] += 1
            self.most[host] = max(self.most[host], self.waiting[host])
        if host == SILENT:
            self.speak.wait(30)
        type(row).objects.filter(pk=row.pk).update(next_attempt_at=None)
        with self.lock:
            self.waiting[host] -= 1
            self.done[host] += 1


@pytest.fixture
def servers():
    servers = Servers()
    yield servers
    servers.speak.set()


def orders_at(host: str, count: int) -> None:
    event = EventFactory(capacity=count)
    for number in range(count):
        OrderFactory(event=event, email=f"{host}{number}@example.com", uma_address=f"$ann{number}@{host}")


def callbacks_at(host: str, count: int) -> None:
    """Notes that the servers of payers and of refunds' receivers asked for, spelled as they like."""
    now = timezone.now()
    for number in range(count):
        url = (f"https://{host}/{number}", f"https://{host.upper()}?n={number}", f"https://{host}:443/")[
            number % 3
        ]
        incoming = IncomingPaymentFactory(
            node_payment_id=f"IncomingPayment:{host}{number}", payment_hash=token_hex(32), amount_msats=1000,
            received_at=now, allocated_at=now,
        )  # fmt: skip
        refund = write_refund(incoming, amount_msats=1000, reason="unmatched", to=f"$ann@{host}")
        Refund.objects.filter(pk=refund.pk).update(utxo_callback=url)
        PostTransactionFactory(refund=refund, next_attempt_at=now)


@pytest.mark.parametrize(
    ("name", "rows_at"), [("pushes", orders_at), ("post-transaction callbacks", callbacks_at)]
)
def test_a_silent_server_holds_two_threads_and_honest_ones_are_asked_meanwhile(servers, name, rows_at):
    rows_at(SILENT, BATCH + 5)  # more than one look at the table finds
    rows_at(HONEST, 6)
    queue = servers.serve(name)
    worker = Worker(Registry())

    def honest_done() -> bool:
        worker._hand_out(queue)
        return servers.done[HONEST] == 6

    wait_until(honest_done, 20, "the honest wallets are asked")
    assert servers.done[SILENT] == 0
    assert servers.most[SILENT] == AT_ONCE_PER_HOST < THREADS_FOR_EXTERNAL
    servers.speak.set()

    def all_done() -> bool:
        worker._hand_out(queue)
        return servers.done[SILENT] == BATCH + 5

    wait_until(all_done, 30, "the others are asked too")
    assert servers.most[SILENT] == AT_ONCE_PER_HOST
    worker._pool.shutdown(wait=True)
    assert worker._turns.full_hosts() == []


def test_what_never_failed_is_asked_before_what_failed():
    orders_at(SILENT, 3)
    Payment.objects.update(attempts=2)
    orders_at(HONEST, 1)
    pushes = discover().queue("pushes")
    assert [pushes.host_of(row) for row in due_rows(pushes)] == [HONEST, SILENT, SILENT, SILENT]
