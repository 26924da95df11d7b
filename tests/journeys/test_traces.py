"""Traces over real processes: what one payment met in web, worker and at the node is one trace of its id."""

import gzip
import os
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.buyer import Buyer, Sandbox, assert_sold_once, make_event
from tests.engines import without_engines
from tests.processes import wait_until


class Collector(ThreadingHTTPServer):
    """Takes OTLP over HTTP; `spans` are (trace id, name, attributes)."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Taking)
        self.spans: list[tuple[str, str, dict[str, str]]] = []
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def names(self, trace: str) -> set[str]:
        return {name for of, name, _facts in self.spans if of == trace}

    def has_request(self, trace: str, route: str) -> bool:
        return any(of == trace and route in facts.get("http.route", "") for of, _name, facts in self.spans)


class Taking(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    facts = {one.key: str(one.value) for one in span.attributes}
                    self.server.spans.append((span.trace_id.hex(), span.name, facts))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_args):
        pass


@pytest.fixture(scope="module")
def collector():
    server = Collector()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def shop(stacks, collector):
    stack = stacks.new("postgresql", OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    yield stack.start()
    stack.close()


def test_a_purchase_is_one_trace_from_request_to_worker_to_node(shop, collector):
    alice = Sandbox(shop).wallet("alice")
    buyer = Buyer(shop).buy(make_event(shop), uma_address=alice.address)
    alice.approve(alice.request_for(buyer))
    assert_sold_once(buyer)
    payment = shop.django("str(Order.objects.get(pk=pk).payment_id)", pk=buyer.order_id)
    trace = uuid.UUID(payment).hex
    expected = {"request", "job pushes", "job mails", "node create"}
    wait_until(lambda: expected <= collector.names(trace), 20, f"all of {expected}: {collector.names(trace)}")
    for route in ("tickets/purchase", "webhooks/payment"):
        wait_until(lambda r=route: collector.has_request(trace, r), 20, f"the request {route}")
    told = str(collector.spans)
    for secret in (buyer.email, alice.address, buyer.bought["order"]["token"], "lnbc"):
        assert secret not in told


@without_engines
def test_a_request_about_no_payment_has_its_own_id(shop, collector):
    request_id = uuid.uuid4().hex
    requests.get(f"{shop.shop_url}/api/events", headers={"X-Request-ID": request_id}, timeout=20)
    wait_until(lambda: collector.names(request_id) == {"request"}, 10, "the request's trace")


def test_a_collector_that_is_away_holds_nothing_up(stacks):
    stack = stacks.new("postgresql", OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9").start()
    Buyer(stack).buy(make_event(stack))
    assert stack.web.stop(seconds=8) == 0
    assert stack.worker.stop(seconds=10) == 0
    stack.close()


def test_without_a_collector_nothing_of_it_is_loaded(postgres_stack):
    code = "'opentelemetry' in __import__('sys').modules"
    assert os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") is None
    assert postgres_stack.django(code) is False
