"""Traces for OpenTelemetry: off without OTEL_EXPORTER_OTLP_ENDPOINT; its libraries are loaded only then.

The id of a trace is that of the payment it is about, without its dashes: the purchase, each call of the
node, each job of the worker and each webhook of one payment are one trace, in whatever process they are.
What is about no payment has the request's id, or one of its own. Which payment it is may turn out last
(a webhook names none), so spans are made when their piece of work is over.
"""

import functools
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from ticketsuma import __version__

SEND_SECONDS = 2.0  # a collector that is away holds nothing up, not even the stop of a process


@dataclass
class Work:
    """One request or job under way. `payment` is the payment's id, once known; `facts` become attributes."""

    name: str
    request_id: str = ""
    payment: uuid.UUID | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    began: int = field(default_factory=time.time_ns)
    steps: list[tuple[str, int, int, str]] = field(default_factory=list)


_work: ContextVar[Work | None] = ContextVar("work", default=None)
_trace_id: ContextVar[int] = ContextVar("trace_id")


@contextmanager
def work(name: str, request_id: str = "") -> Iterator[Work]:
    """A request or job, which is a span once it is over; what it raises is named by its type alone."""
    in_hand = Work(name, request_id)
    if not settings.OTEL_EXPORTER_OTLP_ENDPOINT:
        yield in_hand
        return
    token = _work.set(in_hand)
    try:
        yield in_hand
    except BaseException as error:
        in_hand.facts["error.type"] = type(error).__name__
        raise
    finally:
        _work.reset(token)
        _tell(in_hand)


@contextmanager
def step(name: str) -> Iterator[None]:
    """A part of the work in hand, such as a call of the node: a span below it. Nothing outside of one."""
    in_hand, began, error_type = _work.get(), time.time_ns(), ""
    try:
        yield
    except BaseException as error:
        error_type = type(error).__name__
        raise
    finally:
        if in_hand:
            in_hand.steps.append((name, began, time.time_ns(), error_type))


def about(payment: uuid.UUID | None) -> None:
    """The work in hand is about this payment; the first one counts."""
    if (in_hand := _work.get()) and payment and not in_hand.payment:
        in_hand.payment = payment


def is_on() -> bool:
    return _work.get() is not None


def _tell(done: Work) -> None:
    from opentelemetry.context import Context
    from opentelemetry.trace import Status, StatusCode, set_span_in_context

    ended = time.time_ns()
    _trace_id.set(_id_of(done))
    whole = _tracer().start_span(done.name, Context(), attributes=done.facts, start_time=done.began)
    if "error.type" in done.facts:
        whole.set_status(Status(StatusCode.ERROR))
    inside = set_span_in_context(whole, Context())
    for name, began, over, error_type in done.steps:
        part = _tracer().start_span(name, inside, start_time=began)
        if error_type:
            part.set_attribute("error.type", error_type)
            part.set_status(Status(StatusCode.ERROR))
        part.end(over)
    whole.end(ended)


def _id_of(done: Work) -> int:
    if done.payment:
        return done.payment.int
    try:
        return uuid.UUID(done.request_id).int or uuid.uuid4().int
    except ValueError:
        return uuid.uuid4().int


@functools.cache
def _tracer() -> Any:
    """Made at the first span, so after the fork: it has a thread that sends."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

    class IdOfTheWork(RandomIdGenerator):
        def generate_trace_id(self) -> int:
            return _trace_id.get()

    named = Resource.create({"service.name": "tickets-by-uma", "service.version": __version__})
    # A stop does not wait for a collector: what the last second saw may be lost.
    provider = TracerProvider(resource=named, id_generator=IdOfTheWork(), shutdown_on_exit=False)
    exporter = OTLPSpanExporter(
        timeout=SEND_SECONDS
    )  # where to, and its headers, by OpenTelemetry's own variables
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=1000))
    return provider.get_tracer("tickets-by-uma", __version__)
