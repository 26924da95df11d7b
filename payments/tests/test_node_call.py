"""Calls to the node: bounded in time whatever the other side does, errors kept."""

import threading
import time

import pytest

from payments.node import call, lightspark, outgoing

BOLT11 = "lnbcrt25u1p5kzxypp5" + "q" * 300
KEY = {"data": {"outgoing_payment_for_idempotency_key": None}}


def errors(message: str, name: str | None = None) -> dict:
    said = {"message": message} | ({"extensions": {"error_name": name}} if name else {})
    return {"data": None, "errors": [said]}


def refusal(kind: type[Exception]) -> str:
    with pytest.raises(kind) as caught:
        outgoing.payment_for("a-key")
    assert type(caught.value) is kind
    return caught.value.noted


def test_each_kind_of_call_may_take_as_long_as_it_says(toy, settings):
    """The socket's own limit, three seconds, used to end the calls that may take ten and twenty."""
    settings.NODE_TIMEOUT_SECONDS, settings.NODE_LIST_SECONDS = 0.3, 5.0
    toy.delay = 0.8
    assert refusal(lightspark.NodeUnknown) == "node_unreachable"
    toy.answer = lambda *_: KEY
    key = "query PaymentForKey { outgoing_payment_for_idempotency_key { payment { id } } }"
    ask = lambda: lightspark._client().execute_graphql_request(key)  # noqa: E731
    assert call.call(ask, seconds=settings.NODE_LIST_SECONDS) == KEY["data"]


def test_an_answer_that_drips_ends_with_its_call_and_leaves_no_thread(toy, settings):
    settings.NODE_TIMEOUT_SECONDS = 0.5
    toy.answer, toy.drip = lambda *_: KEY, 0.1
    started = time.monotonic()
    refusal(lightspark.NodeUnknown)
    assert time.monotonic() - started < 2
    assert toy.hung_up.wait(5), "the thread went on reading"


def test_what_still_waits_for_a_thread_is_never_asked(toy, settings):
    settings.NODE_TIMEOUT_SECONDS = 0.3
    release = threading.Event()
    held = [call._threads.submit(release.wait, 20) for _ in range(call._threads._max_workers)]
    try:
        refusal(lightspark.NodeUnknown)
    finally:
        release.set()
    assert all(one.result(5) for one in held)
    call._threads.submit(int).result(5)
    assert toy.asked == {}


def test_the_words_of_lightspark_are_kept_but_nothing_that_pays(toy, caplog):
    toy.answer = lambda *_: errors(f"cannot pay {BOLT11} of\n$bob@wallet.example " + "x" * 400, "BadRoute")
    noted = refusal(lightspark.NodeRefused)
    assert noted.startswith("node_refused: BadRoute cannot pay (hidden) of (hidden) xxx")
    assert len(noted) < 250
    assert noted in caplog.text
    assert BOLT11[:30] not in caplog.text
    assert "bob@" not in caplog.text


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_is_not_accepted_is_not_silence(toy, status):
    toy.status, toy.answer = status, lambda *_: errors("invalid API token")
    assert refusal(lightspark.NodeForbidden) == f"node_forbidden: HTTP {status} invalid API token"


def test_a_token_that_may_not_is_not_silence_either(toy):
    toy.answer = lambda *_: errors("You need REGTEST_TRANSACT.", "InsufficientPermissions")
    assert refusal(lightspark.NodeForbidden).startswith("node_forbidden: InsufficientPermissions You need")


@pytest.mark.parametrize(
    ("status", "answer", "noted"),
    [
        (500, errors("oops"), "node_unreachable: HTTP 500 oops"),
        (429, {}, "node_unreachable: HTTP 429"),
        (502, "<h1>Bad gateway</h1>", "node_unreachable: HTTP 502"),
        (200, "<h1>Back soon</h1>", "node_unreachable"),
        (200, '{"data": {', "node_unreachable"),
    ],
)
def test_what_is_no_answer_is_unknown(toy, status, answer, noted):
    toy.status, toy.answer = status, lambda *_: answer
    assert refusal(lightspark.NodeUnknown) == noted


def test_errors_that_are_null_are_none(toy):
    """GraphQL allows them; the SDK would call the answer a refusal."""
    toy.answer = lambda *_: KEY | {"errors": None}
    assert outgoing.payment_for("a-key") is None
