"""A wallet whose server is silent holds few threads of the worker, however many orders name it."""

import threading
from collections import Counter

import pytest

from payments.models import Payment
from payments.uma.fetch import AT_ONCE_PER_HOST
from tests.processes import wait_until
from tests.shop import an_event, an_order
from ticketsuma.worker import BATCH, QUEUES, THREADS_FOR_STRANGERS, Queue, Worker, due_rows

pytestmark = pytest.mark.django_db(transaction=True)
SILENT, HONEST = "silent.example.com", "honest.example.com"


class Servers:
    """Handles rows as pushes that wait for an answer of `SILENT`, which never comes before `speak`."""

    def __init__(self):
        self.speak, self.lock = threading.Event(), threading.Lock()
        self.waiting, self.most, self.done = Counter(), Counter(), Counter()

    def ask(self, payment: Payment) -> None:
        host = payment.uma_address.partition("@")[2]
        with self.lock:
            self.waiting[host] += 1
            self.most[host] = max(self.most[host], self.waiting[host])
        if host == SILENT:
            self.speak.wait(30)
        Payment.objects.filter(pk=payment.pk).update(push="delivered", next_attempt_at=None)
        with self.lock:
            self.waiting[host] -= 1
            self.done[host] += 1


@pytest.fixture
def servers():
    servers = Servers()
    yield servers
    servers.speak.set()


def orders_at(host: str, count: int) -> None:
    event = an_event(capacity=count)
    for number in range(count):
        an_order(event, email=f"{host}{number}@example.com", uma_address=f"$ann{number}@{host}")


def test_a_silent_server_holds_two_threads_and_honest_wallets_are_asked_meanwhile(servers):
    orders_at(SILENT, BATCH + 5)  # more than one look at the table finds
    orders_at(HONEST, 6)
    pushes = next(queue for queue in QUEUES if queue.name == "pushes")
    queue = Queue("pushes", pushes.due, servers.ask, strangers=True, address=pushes.address)
    worker = Worker()

    def honest_done() -> bool:
        worker._hand_out(queue)
        return servers.done[HONEST] == 6

    wait_until(honest_done, 20, "the honest wallets are asked")
    assert servers.done[SILENT] == 0
    assert servers.most[SILENT] == AT_ONCE_PER_HOST < THREADS_FOR_STRANGERS
    servers.speak.set()

    def all_done() -> bool:
        worker._hand_out(queue)
        return servers.done[SILENT] == BATCH + 5

    wait_until(all_done, 30, "the others are asked too")
    assert servers.most[SILENT] == AT_ONCE_PER_HOST
    worker._pool.shutdown(wait=True)
    assert worker._hosts.full() == []


def test_what_never_failed_is_asked_before_what_failed():
    orders_at(SILENT, 3)
    Payment.objects.update(attempts=2)
    orders_at(HONEST, 1)
    pushes = next(queue for queue in QUEUES if queue.name == "pushes")
    assert [pushes.host_of(row) for row in due_rows(pushes)] == [HONEST, SILENT, SILENT, SILENT]
