"""Holds: only for what a Pushpin of ours passed on, with what it needs to hold; the outbox; publishing."""

import json
import threading
import time
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import jwt
import pytest
from django.db import transaction
from django.utils import timezone

from payments.services import settle_node_payment
from tests.acts import money_for, open_invoice
from tests.factories import OrderFactory
from tickets.views.order_page import order_page
from tickets.views.orders import order_by_token
from ticketsuma.jobs.registry import discover
from ticketsuma.jobs.worker import work
from ticketsuma.live.models import News
from ticketsuma.live.news import tell_pages

pytestmark = pytest.mark.django_db(transaction=True)
KEY = "0123456789abcdef" * 2


@pytest.fixture
def pushpins():
    """Two that note what is published, or refuse it."""
    made = []

    class Control(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.server.published += [item["channel"] for item in body["items"]]
            self.send_response(self.server.status)
            self.end_headers()

        def log_message(self, *_args):
            pass

    for _ in range(2):
        server = HTTPServer(("127.0.0.1", 0), Control)
        server.published, server.status = [], 200
        threading.Thread(target=server.serve_forever, daemon=True).start()
        made.append(server)
    yield made
    for server in made:
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def held(settings, pushpins):
    settings.GRIP_URL = [f"http://127.0.0.1:{each.server_port}?key={KEY}" for each in pushpins]


def signed(key: str = KEY, seconds: int = 60) -> dict[str, str]:
    claims = {"iss": "pushpin", "exp": int(time.time()) + seconds}
    return {"grip-sig": jwt.encode(claims, key, algorithm="HS256")}


def listen(client, order, headers, **query):
    return client.get(f"{order.get_absolute_url()}/live", query, headers=headers)


def test_what_pushpin_passed_on_is_answered_by_a_hold(client):
    order = order_by_token(OrderFactory().token)
    version = order_page(order)["version"]
    answer = listen(client, order, signed(), v=version)
    assert answer["Grip-Hold"] == "stream"
    assert answer["Grip-Channel"] == f"order-{order.pk}, payment-{order.payment_id}"
    assert f"/live?v={version}&again=1>; rel=next; timeout=1800" in answer["Grip-Link"]
    assert b"event: held" in answer.content
    assert b"changed" not in answer.content
    assert b"event: changed" in listen(client, order, signed(), v="").content
    assert listen(client, order, signed(), v=version, again=1).content == b""


@pytest.mark.parametrize(
    "headers",
    [{}, signed(key="another key " * 4), signed(seconds=-60), {"grip-sig": "nonsense"}],
    ids=["unsigned", "foreign", "old", "unreadable"],
)
def test_nobody_else_is(client, headers):
    answer = listen(client, OrderFactory(), headers, v="")
    assert "Grip-Hold" not in answer
    assert answer.streaming
    answer.close()


def test_a_link_that_was_replaced_is_held_no_longer(client):
    order = OrderFactory()
    url = f"{order.get_absolute_url()}/live"
    assert "Grip-Hold" in client.get(url, headers=signed())
    type(order).objects.filter(pk=order.pk).update(generation=order.generation + 1)
    answer = client.get(url, {"again": 1}, headers=signed())
    assert (answer.status_code, "Grip-Hold" in answer) == (404, False)


def handle_all() -> list[str | None]:
    queue = discover().queue("news for open pages")
    return [work(queue, row) for row in queue.due(timezone.now())]


def test_news_are_written_with_what_they_tell_of(pushpins):
    order = OrderFactory()
    settle_node_payment(money_for(open_invoice(order)))
    assert [row.channel for row in News.objects.all()] == [f"order-{order.pk}"]
    with transaction.atomic():
        tell_pages("undone")
        transaction.set_rollback(True)
    assert handle_all() == [None]
    assert [each.published for each in pushpins] == [[f"order-{order.pk}"]] * 2
    assert not News.objects.exists()


def test_news_that_one_does_not_take_are_published_again(pushpins):
    tell_pages("order-1")
    pushpins[0].status = 503
    assert handle_all() == ["not_published"]
    assert pushpins[1].published == ["order-1"], "the other one has it"
    pushpins[0].status = 200
    assert handle_all() == [None]
    assert not News.objects.exists()


def test_old_news_are_dropped(pushpins):
    tell_pages("order-1")
    News.objects.update(created_at=timezone.now() - timedelta(minutes=2))
    assert handle_all() == [None]
    assert (pushpins[0].published, News.objects.exists()) == ([], False)


def test_without_pushpin_there_is_no_outbox(settings):
    settings.GRIP_URL = []
    tell_pages("order-1")
    assert not News.objects.exists()
