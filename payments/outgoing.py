"""Money that our node sends: paying a BOLT11 once, and asking what became of it."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from .lightspark import _client, _load_signing_key, _transactions, call


@dataclass(frozen=True)
class OutgoingPayment:
    node_payment_id: str
    is_sent: bool
    is_failed: bool


def pay_invoice(*, bolt11: str, idempotency_key: str, max_fees_msats: int) -> OutgoingPayment:
    """Pay `bolt11` once per key. NodeRefused here may still mean paid: ask `payment_for` by the key."""

    def ask():
        client, node_id = _client(), settings.LIGHTSPARK_NODE_ID
        _load_signing_key()
        return client.pay_invoice(
            node_id,
            bolt11,
            timeout_secs=30,
            maximum_fees_msats=max_fees_msats,
            idempotency_key=idempotency_key,
        )

    payment = call(ask, seconds=settings.NODE_PAY_SECONDS)
    return _outgoing(payment.id, payment.status.name)


# The SDK's own call stumbles (TypeError) over the null that says that nothing was sent with the key.
_PAYMENT_FOR_KEY = """
query PaymentForKey($key: String!) {
  outgoing_payment_for_idempotency_key(input: {idempotency_key: $key}) { payment { id status } }
}"""


def payment_for(idempotency_key: str) -> OutgoingPayment | None:
    """What became of the payment sent with this key; None when the node says that it never saw it."""
    answer = call(lambda: _client().execute_graphql_request(_PAYMENT_FOR_KEY, {"key": idempotency_key}))
    payment = (answer["outgoing_payment_for_idempotency_key"] or {}).get("payment")
    return _outgoing(payment["id"], payment["status"]) if payment else None


def recently_sent(since: datetime) -> set[str]:
    """The ids of the payments that our node began since `since` and that arrived."""
    sent = _transactions("OUTGOING_PAYMENT", since)
    return {payment.id for payment in sent if payment.origin_id == settings.LIGHTSPARK_NODE_ID}


def _outgoing(node_payment_id: str, status: str) -> OutgoingPayment:
    return OutgoingPayment(
        node_payment_id=node_payment_id,
        is_sent=status == "SUCCESS",
        is_failed=status in ("FAILED", "EXPIRED", "CANCELLED"),
    )
