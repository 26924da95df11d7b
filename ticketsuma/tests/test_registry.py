"""Registry of the worker's work: order, names and priorities, and who loads it."""

import subprocess
import sys
from datetime import timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from payments.models import WebhookEvent
from tests.factories import WebhookEventFactory
from ticketsuma.jobs.registry import Queue, Registry, discover
from ticketsuma.jobs.worker import Worker


def a_queue(name: str = "mails", priority: int = 10) -> Queue:
    return Queue(
        name=name, priority=priority, due=lambda now: WebhookEvent.objects.all(), handle=lambda row: None
    )


def test_queues_are_read_in_this_order():
    """Money before mails: it counts when all threads are taken."""
    assert [queue.name for queue in discover().queues] == [
        "sweep",
        "rates",
        "webhook events",
        "incoming payments",
        "invoices",
        "taps",
        "leftover invoices",
        "pushes",
        "connected wallets",
        "news for open pages",
        "expiries",
        "canceled events",
        "refunds",
        "post-transaction callbacks",
        "doctor",
        "mails",
        "web pushes",
        "messages",
        "export mails",
    ]


def test_priority_is_not_the_order_of_registration():
    jobs = Registry()
    for queue in (a_queue("last", 30), a_queue("first", 10), a_queue("second", 20)):
        jobs.add_queue(queue)
    assert [queue.name for queue in jobs.queues] == ["first", "second", "last"]


@pytest.mark.parametrize(
    ("second", "says"),
    [
        (a_queue("mails", 20), "Two queues are named 'mails'"),
        (a_queue("pushes", 10), "'mails' and 'pushes' have the same priority, 10"),
    ],
)
def test_a_name_or_a_priority_twice_stops_the_start(second, says):
    jobs = Registry()
    jobs.add_queue(a_queue("mails", 10))
    with pytest.raises(ImproperlyConfigured, match=says):
        jobs.add_queue(second)


def test_a_periodic_task_or_a_start_hook_twice_stops_the_start():
    jobs = Registry()
    jobs.add_periodic_task(60, discover)
    jobs.add_start_hook(discover)
    with pytest.raises(ImproperlyConfigured, match="task discover is registered twice"):
        jobs.add_periodic_task(5, discover)
    with pytest.raises(ImproperlyConfigured, match="hook discover is registered twice"):
        jobs.add_start_hook(discover)


@pytest.mark.django_db(transaction=True)
def test_a_worker_does_what_is_registered_and_nothing_else(django_assert_num_queries):
    """Hook, queue and task of a registry of its own; without them it asks the database nothing."""
    with django_assert_num_queries(0):
        stop_after_one_turn(Registry())
    row = WebhookEventFactory(
        event_id="e", type="t", entity_id="x", next_attempt_at=timezone.now() - timedelta(seconds=1)
    )
    jobs, done = Registry(), []
    jobs.add_start_hook(lambda: done.append("hook"))
    jobs.add_queue(
        Queue(name="q", priority=1, due=lambda now: WebhookEvent.objects.all(), handle=done.append)
    )
    stop_after_one_turn(jobs)
    assert done == ["hook", row]


def stop_after_one_turn(jobs: Registry) -> None:
    worker = Worker(jobs)
    jobs.add_periodic_task(0, worker.stop)
    worker.run()


def test_web_processes_load_no_work():
    """What handlers import takes seconds, and a web process does none of it."""
    loads = "import sys, ticketsuma.wsgi; print(*(name for name in sys.modules if name.endswith('.tasks')))"
    done = subprocess.run([sys.executable, "-c", loads], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["asyncio.tasks"]
