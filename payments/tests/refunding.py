"""Refunds for tests: the sandbox from outside, and a worker's step."""

import time
from datetime import timedelta

import requests
from django.conf import settings

from payments.models import Refund
from payments.refund_sending import send_refund
from ticketsuma.errors import DomainError

SATS = 2500
TIMEOUT = 30
# The sandbox's node takes less than a second, as long as nothing is wrong.
PENDING_FOR_A_MOMENT = 4.0


class Node:
    """The sandbox from outside: its faults, its ledger, its wallets."""

    def __init__(self, url: str):
        self.url = url

    def post(self, path: str, **body) -> dict:
        answer = requests.post(f"{self.url}{path}", json=body, timeout=TIMEOUT)
        assert answer.ok, answer.text
        return answer.json()

    def fund(self, sats: int) -> None:
        self.post(f"/api/nodes/{settings.LIGHTSPARK_NODE_ID}/fund", amount_sats=sats)

    def no_faults(self) -> None:
        requests.delete(f"{self.url}/api/faults", timeout=TIMEOUT)

    def sent(self, refund: Refund) -> list[dict]:
        """Successful payments of any BOLT11 of this refund."""
        money = refund.incoming_payment.node_payment_id
        rows = requests.get(f"{self.url}/api/ledger", timeout=TIMEOUT).json()["payments"]
        mine = [row for row in rows if (row["idempotency_key"] or "").startswith(f"{money}-")]
        return [row for row in mine if row["status"] == "SUCCESS"]


def step(refund: Refund) -> Refund:
    """What the worker does with a due refund, and its looks at what is PENDING for a moment."""
    _attempt(refund)
    deadline = time.monotonic() + PENDING_FOR_A_MOMENT
    while refund.status == "sending" and not refund.last_error and time.monotonic() < deadline:
        time.sleep(0.1)
        _attempt(refund)
    return refund


def _attempt(refund: Refund) -> Refund:
    refund.refresh_from_db()
    refund.acquire_lease(timedelta(seconds=60), refund.next_attempt_at)
    try:
        send_refund(refund)
    except DomainError as refusal:
        refund.retry(refusal.code)
    refund.refresh_from_db()
    return refund


def assert_sent_once(sandbox: Node, refund: Refund) -> None:
    assert refund.status == "sent"
    assert refund.next_attempt_at is None
    paid = sandbox.sent(refund)
    assert [(row["payment_hash"], row["amount_msats"]) for row in paid] == [
        (refund.payment_hash, refund.amount_msats)
    ]
    assert paid[0]["from"]["payment_id"] == refund.node_payment_id
