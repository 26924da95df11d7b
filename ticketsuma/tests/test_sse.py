"""Event stream: one event for each change; ends by itself; refused when full."""

import threading
import time

import pytest

from ticketsuma.web import sse
from ticketsuma.web.sse import Hub, Stream, version_of

pytestmark = pytest.mark.django_db(transaction=True)


def next_event(stream: Stream, seconds: float = 5) -> bytes:
    """The first line that says something; fails when the deadline passes."""
    until = time.monotonic() + seconds
    for line in stream:
        if line.startswith(b"event"):
            return line
        assert time.monotonic() < until
    raise AssertionError("the stream ended")


@pytest.fixture
def shown():
    return {"a": ("pending",), "b": ("pending",)}


@pytest.fixture
def hub(shown):
    hub = Hub(lambda keys: {key: shown[key] for key in keys})
    yield hub
    hub.stop()


def test_a_change_reaches_the_page_that_shows_it_and_no_other(hub, shown):
    a = hub.open("a", version_of(("pending",)), "")
    b = hub.open("b", version_of(("pending",)), "")
    assert next(a).startswith(b"retry:")
    shown["a"] = ("paid",)
    assert next_event(a) == f"event: changed\ndata: {version_of(('paid',))}\n\n".encode()
    assert b.version == version_of(("pending",))


def test_what_a_glance_names_is_told_before_the_next_look_at_all(shown, monkeypatch):
    monkeypatch.setattr(sse, "LOOK_EVERY_SECONDS", 60)
    changed: set[str] = set()
    looked = threading.Event()
    hub = Hub(lambda keys: {key: shown[key] for key in keys}, lambda: looked.set() or changed)
    try:
        a = hub.open("a", version_of(("pending",)), "")
        looked.wait(5)  # the look at all of them: the next one is a minute away
        shown["a"] = shown["b"] = ("paid",)
        changed |= {"a", "somebody_elses"}
        assert next_event(a) == f"event: changed\ndata: {version_of(('paid',))}\n\n".encode()
    finally:
        hub.stop()


def test_a_change_before_the_stream_opened_is_told_at_once(hub, shown):
    shown["a"] = ("paid",)
    assert version_of(("paid",)).encode() in next_event(hub.open("a", version_of(("pending",)), ""))


def test_a_full_process_refuses_and_a_closed_stream_makes_room(hub, settings):
    settings.LIVE_STREAMS_PER_PROCESS = 1
    stream = hub.open("a", "", "")
    assert hub.open("b", "", "") is None
    stream.close()
    assert hub.open("b", "", "") is not None


def test_one_page_and_one_network_have_only_so_many(hub, settings):
    settings.LIVE_STREAMS_PER_PAGE, settings.LIVE_STREAMS_PER_NETWORK = 2, 3
    first, second = hub.open("a", "", "192.0.2.1"), hub.open("a", "", "192.0.2.2")
    assert first is not None
    assert second is not None
    assert hub.open("a", "", "192.0.2.3") is None, "a third one of the page, from anywhere"
    assert hub.open("b", "", "192.0.2.1")
    assert hub.open("c", "", "192.0.2.1")
    assert hub.open("d", "", "192.0.2.1") is None, "a fourth one of the network, of any page"
    assert hub.open("d", "", "192.0.2.2")
    first.close()
    assert hub.open("a", "", "192.0.2.1")


def test_stopping_ends_every_stream_now(hub):
    stream = hub.open("a", version_of(("pending",)), "")
    next(stream)
    threading.Timer(0.1, hub.stop).start()
    started = time.monotonic()
    assert list(stream) == []
    assert time.monotonic() - started < 5
    assert hub.open("a", "", "") is None


def test_the_watcher_survives_a_database_that_is_away():
    answers = iter([OSError("away"), {"a": ("paid",)}])

    def read(keys):
        answer = next(answers, {"a": ("paid",)})
        if isinstance(answer, Exception):
            raise answer
        return answer

    hub = Hub(read)
    try:
        assert version_of(("paid",)).encode() in next_event(hub.open("a", version_of(("pending",)), ""))
    finally:
        hub.stop()
