"""Metrics: what rows say, where they are told, and what is counted."""

import json
import logging
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import RequestFactory, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest

from payments.models import Sweep
from tests.acts import hold, overdue, pay, stray_money
from tests.factories import EveningFactory
from tests.tree import ROOT
from tickets.metrics import rows
from tickets.metrics.middleware import MetricsMiddleware
from tickets.models import Mail, Order
from tickets.services.refunds import refund_order
from ticketsuma.jobs.registry import discover
from ticketsuma.jobs.worker import due_rows

pytestmark = pytest.mark.django_db(transaction=True)


def told() -> dict[str, float]:
    """Every sample that rows give now, by its name and label: `tickets_refunds{status="queued"}`."""
    registry = CollectorRegistry()
    registry.register(rows.RowsCollector())
    lines = [line for line in generate_latest(registry).decode().splitlines() if line[0] != "#"]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def test_a_sale_is_told_from_hold_to_paid():
    order = hold(EveningFactory(), quantity=2)
    said = told()
    assert (said["tickets_held_orders"], said["tickets_held_seats"], said["tickets_seats_taken"]) == (1, 2, 2)
    assert said["tickets_paid_orders_last_hour"] == 0
    pay(order)
    said = told()
    assert (said["tickets_held_orders"], said["tickets_paid_orders_last_hour"]) == (0, 1)
    assert (said["tickets_paid_seats_last_hour"], said["tickets_paid_sats_last_hour"]) == (
        2,
        order.amount_sats,
    )
    assert said['tickets_settle_seconds{quantile="1"}'] < 10
    assert said['tickets_queue_due{queue="mails"}'] == 1
    Order.objects.update(paid_at=timezone.now() - timedelta(hours=2))
    assert told()["tickets_paid_orders_last_hour"] == 0


def test_what_waits_is_told_with_its_age():
    overdue(hold(EveningFactory()))
    order = hold(EveningFactory())
    pay(order)
    Mail.objects.update(next_attempt_at=timezone.now() - timedelta(minutes=5))
    Order.objects.filter(status="pending").update(next_attempt_at=timezone.now() - timedelta(minutes=1))
    said = told()
    assert 300 <= said['tickets_queue_age_seconds{queue="mails"}'] < 330
    assert said['tickets_queue_due{queue="expiries"}'] == 1
    assert 60 <= said["tickets_hold_overdue_seconds"] < 90


def test_refunds_and_what_needs_attention_are_told_by_kind():
    order = hold(EveningFactory())
    pay(order)
    refund_order(order)
    stray_money()
    said = told()
    assert said['tickets_refunds{status="needs_address"}'] == 1
    assert said['tickets_refund_msats{status="needs_address"}'] == order.amount_sats * 1000
    assert said['tickets_needs_attention{kind="unmatched"}'] == 1
    assert said['tickets_needs_attention{kind="worker"}'] == 1
    assert said["tickets_owed_msats"] > order.amount_sats * 1000


def test_the_silence_of_worker_and_node_is_told():
    assert "tickets_worker_silent_seconds" not in told(), "nobody knows, before a worker has run"
    now = timezone.now()
    Sweep.objects.create(read_until=now, tried_at=now, succeeded_at=now - timedelta(minutes=5))
    said = told()
    assert said["tickets_worker_silent_seconds"] < 10
    assert 300 <= said["tickets_node_silent_seconds"] < 310


def test_the_queues_that_are_told_are_the_workers():
    """A web process does not load the worker's queues, so they are written down twice."""
    overdue(hold(EveningFactory()))
    pay(hold(EveningFactory()))
    queues = {queue.name: queue for queue in discover().queues}
    assert set(queues) - set(rows.QUEUES) == {
        "sweep",
        "doctor",
        "post-transaction callbacks",
        "canceled events",
        "news for open pages",
        "rates",
    }
    now = timezone.now()
    for name, read in rows.QUEUES.items():
        assert set(read(now).values_list("pk", flat=True)) == set(
            queues[name].due(now).values_list("pk", flat=True)
        )
    assert due_rows(queues["mails"])


def test_every_kind_in_the_guide_has_its_number():
    text = (ROOT / "docs/operations.md").read_text().split("**What needs attention.**")[1].split("\n\n")[1]
    kinds = re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
    assert set(kinds) == set(rows.KINDS)


def test_scrapers_cost_one_reading_in_five_seconds():
    collector = rows.RowsCollector()
    list(collector.collect())
    with CaptureQueriesContext(connection) as asked:
        again = list(collector.collect())
    assert (len(asked), bool(again)) == (0, True)


def test_the_cost_of_a_reading_does_not_grow_with_what_was_sold():
    def cost() -> int:
        with CaptureQueriesContext(connection) as asked:
            told()
        return len(asked)

    pay(hold(EveningFactory()))
    few = cost()
    for _ in range(5):
        pay(hold(EveningFactory()))
    assert cost() == few < 48


# -- where they are told ----------------------------------------------------------------------
def ask(path: str, port: str) -> int:
    request = RequestFactory().get(path, SERVER_PORT=port)
    return MetricsMiddleware(lambda request: pytest.fail("the shop was asked"))(request).status_code


@override_settings(METRICS_PORT=9100)
def test_the_metrics_port_tells_metrics_and_nothing_else():
    assert (ask("/metrics", "9100"), ask("/", "9100"), ask("/admin/", "9100")) == (200, 404, 404)


@pytest.mark.parametrize("port", [0, 9100])
def test_the_shops_port_has_no_such_page(client, port):
    with override_settings(METRICS_PORT=port):
        for claimed in ({}, {"HTTP_HOST": "localhost:9100"}, {"HTTP_X_FORWARDED_PORT": "9100"}):
            assert client.get("/metrics", **claimed).status_code == 404


# -- what is counted --------------------------------------------------------------------------
def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0


def test_a_webhook_that_is_refused_is_counted(client):
    before = counted("tickets_webhooks_total", answer="invalid_signature")
    client.post("/api/webhooks/payment", "{}", content_type="application/json")
    assert counted("tickets_webhooks_total", answer="invalid_signature") == before + 1


def test_a_limit_that_is_hit_is_counted(client, settings):
    settings.LIMITS = settings.LIMITS | {"BAD_TOKEN_PER_IP": (1, 900)}
    before = counted("tickets_limits_hit_total", limit="BAD_TOKEN_PER_IP")
    for _ in range(3):
        client.get("/api/events", headers={"Authorization": "Bearer nonsense"})
    assert counted("tickets_limits_hit_total", limit="BAD_TOKEN_PER_IP") > before


def test_the_dashboard_and_the_rules_are_of_one_mind_about_names():
    """Whether they exist is asked of a real Prometheus in tests/journeys/test_metrics.py."""
    dashboard = json.loads((ROOT / "deploy/monitoring/dashboard.json").read_text())
    shown = {
        name
        for p in dashboard["panels"]
        for t in p["targets"]
        for name in re.findall(r"tickets_\w+", t["expr"])
    }
    ruled = set(re.findall(r"tickets_\w+", (ROOT / "deploy/monitoring/alerts.yml").read_text()))
    assert ruled <= shown, "an alert about what no panel shows"


def test_a_line_that_says_something_is_wrong_is_counted():
    before = counted("tickets_log_lines_total", level="error")
    logging.getLogger("tickets.somewhere").error("something is wrong")
    logging.getLogger("tickets.somewhere").info("nothing is")
    assert counted("tickets_log_lines_total", level="error") == before + 1
