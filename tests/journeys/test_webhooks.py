"""Webhooks over real processes: many at once, forged, of unknown kinds."""

import hashlib
import hmac
import json
import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.buyer import Buyer, assert_sold_once, make_event
from tests.processes import wait_until

COPIES = 50


def body_of(entity_id: str, *, kind: str = "PAYMENT_FINISHED", event_id: str = "") -> bytes:
    """A webhook as Lightspark writes it: ids only."""
    event = {"event_type": kind, "event_id": event_id or secrets.token_hex(16), "entity_id": entity_id}
    return json.dumps(event | {"timestamp": "2026-11-22T12:00:00+00:00"}).encode()


def signature(stack, body: bytes) -> str:
    key = stack.env["LIGHTSPARK_WEBHOOK_SIGNING_KEY"]
    return hmac.new(key.encode(), body, hashlib.sha256).hexdigest()


def post(stack, body: bytes, sign: str | None) -> requests.Response:
    headers = {"Content-Type": "application/json"} | ({} if sign is None else {"lightspark-signature": sign})
    return requests.post(f"{stack.shop_url}/api/webhooks/payment", data=body, headers=headers, timeout=60)


def stored(stack) -> int:
    return stack.django("WebhookEvent.objects.count()")


@pytest.fixture
def paid_in_silence(stack, sandbox):
    """A buyer whose payment arrived at the node, while the shop was told nothing and its worker sleeps."""
    sandbox.fault("webhook_lost")
    buyer = Buyer(stack).buy(make_event(stack))
    bolt11 = buyer.bolt11()
    stack.worker.freeze()
    try:
        payment = sandbox.pay_from_outside(bolt11)
        yield buyer, payment["to"]["payment_id"]
    finally:
        stack.worker.thaw()


@pytest.mark.parametrize("same_event", [True, False], ids=["one event", "an event each"])
def test_fifty_webhooks_at_once_make_one_ticket_and_one_mail(stack, paid_in_silence, same_event):
    buyer, payment_id = paid_in_silence
    event_id = secrets.token_hex(16) if same_event else ""
    bodies = [body_of(payment_id, event_id=event_id) for _ in range(COPIES)]
    before = stored(stack)
    with ThreadPoolExecutor(COPIES) as pool:
        answers = list(pool.map(lambda body: post(stack, body, signature(stack, body)), bodies))
    assert [answer.status_code for answer in answers] == [200] * COPIES
    assert stored(stack) - before == (1 if same_event else COPIES)
    stack.worker.thaw()
    assert_sold_once(buyer)
    mine = lambda: [mail for mail in stack.mails() if buyer.email in mail["To"]]  # noqa: E731
    wait_until(mine, 20, "the buyer's mail")
    wait_until(lambda: stack.django("WebhookEvent.objects.filter(processed_at=None).count()") == 0, 30)
    wait_until(lambda: stack.django("Mail.objects.filter(status='due').count()") == 0, 30)
    assert len(mine()) == 1
    assert len(buyer.order()["tickets"]) == 1


@pytest.mark.parametrize(
    "forge",
    [
        pytest.param(lambda sign: None, id="no header"),
        pytest.param(lambda sign: "", id="empty"),
        pytest.param(lambda sign: "not hex", id="not hex"),
        pytest.param(lambda sign: "ä" * 64, id="not ascii"),
        pytest.param(lambda sign: sign[:-1], id="too short"),
        pytest.param(lambda sign: sign + "00", id="too long"),
        pytest.param(lambda sign: f"{int(sign, 16) ^ 1:064x}", id="one bit off"),
        pytest.param(lambda sign: "0" * 64, id="zeros"),
    ],
)
def test_a_forged_webhook_is_refused_and_leaves_no_row(stack, forge):
    body = body_of("IncomingPayment:00000000-0000-0000-0000-000000000000")
    before = stored(stack)
    header = forge(signature(stack, body))
    answer = post(stack, body, header.encode() if header else header)
    assert answer.status_code == 401
    assert stored(stack) == before


def test_an_altered_body_is_refused(stack):
    body = body_of("IncomingPayment:00000000-0000-0000-0000-000000000000")
    before = stored(stack)
    assert post(stack, body.replace(b"FINISHED", b"FINISHED "), signature(stack, body)).status_code == 401
    assert stored(stack) == before


def test_an_unknown_type_is_accepted_and_does_nothing(stack):
    body = body_of("Something:1", kind="SOMETHING_OF_NEXT_YEAR")
    assert post(stack, body, signature(stack, body)).status_code == 200
    stack.audit()


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b"{}", b'"x"', b"{", b'{"event_type":1,"event_id":[],"entity_id":{}}', b"\xff"],
)
def test_signed_nonsense_is_no_server_error(stack, body):
    assert post(stack, body, signature(stack, body)).status_code in (200, 400)


def test_a_webhook_about_an_outgoing_payment_sells_nothing(stack):
    body = body_of("OutgoingPayment:00000000-0000-0000-0000-000000000000")
    assert post(stack, body, signature(stack, body)).status_code == 200
    stack.audit()
