"""E13: forged and malformed webhooks and answers of the node."""

import hashlib
import hmac
import json
import secrets

import pytest

from tests.attacks.attacker import assert_problem, cases

HOOK = "/api/webhooks/payment"


@pytest.fixture
def bought(shop) -> dict:
    return shop.buy()


def hook(entity: str, **more) -> bytes:
    """A webhook as Lightspark writes it."""
    event = {"event_type": "PAYMENT_FINISHED", "event_id": secrets.token_hex(16), "entity_id": entity}
    return json.dumps(event | {"timestamp": "2026-11-22T12:00:00+00:00"} | more).encode()


def signed(shop, body: bytes) -> str:
    key = shop.stack.env["LIGHTSPARK_WEBHOOK_SIGNING_KEY"]
    return hmac.new(key.encode(), body, hashlib.sha256).hexdigest()


@cases(
    "forge",
    [
        ("E13", "no header", lambda sign: None),
        ("E13", "an empty header", lambda sign: ""),
        ("E13", "zeros", lambda sign: "0" * 64),
        ("E13", "one digit off", lambda sign: sign[:-1] + ("0" if sign[-1] != "0" else "1")),
        ("E13", "one digit short", lambda sign: sign[:-1]),
        ("E13", "one digit more", lambda sign: sign + "0"),
        ("E13", "not hex", lambda sign: "sha256=" + sign),
        ("E13", "not ASCII", lambda sign: "ä" * 64),
        ("E13", "of another body", lambda sign: hmac.new(b"k", b"{}", "sha256").hexdigest()),
    ],
)
def test_a_forged_webhook(shop, someone, bought, forge):
    """For a payment that really came: the shop does not believe it, and writes nothing down."""
    invoice = shop.bolt11(bought) and shop.order(bought).json()["payment"]["invoice_id"]
    before = shop.stack.django("WebhookEvent.objects.count()")
    body = hook(invoice)
    header = forge(signed(shop, body))
    headers = {} if header is None else {"lightspark_signature": header}
    answer = someone.post(HOOK, body, **headers)
    assert_problem(answer, 401, "invalid_signature", challenge='Lightspark-Signature realm="webhooks"')
    assert shop.stack.django("WebhookEvent.objects.count()") == before
    assert shop.order(bought).json()["order"]["status"] == "pending"


def test_a_stolen_signing_key_makes_no_money(shop, someone, bought):
    """E13: a webhook is a hint; the node is asked, and knows of no payment."""
    shop.bolt11(bought)
    invoice = shop.order(bought).json()["payment"]["invoice_id"]
    for entity in (
        invoice,
        "IncomingPayment:" + "0" * 8,
        "Order:" + bought["order"]["id"],
        "'; DROP TABLE x",
    ):
        for kind in ("PAYMENT_FINISHED", "FORCE_CLOSURE", "WITHDRAWAL_FINISHED", "OF_NEXT_YEAR"):
            body = hook(entity, event_type=kind)
            assert someone.post(HOOK, body, lightspark_signature=signed(shop, body)).status == 200
    assert shop.order(bought).json()["order"]["status"] == "pending"
    assert_problem(someone.get(HOOK), 405, "method_not_allowed")
