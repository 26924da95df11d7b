"""Outgoing payments of our node: paying a BOLT11 once, and looking up its state."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from .lightspark import _client, _is_ours, _load_signing_key, _msats, _requester, _transactions, call


@dataclass(frozen=True)
class OutgoingPayment:
    """What the node says of a payment that it was told to make; the fees come on top of the amount."""

    node_payment_id: str
    is_sent: bool
    is_failed: bool
    payment_hash: str = ""
    amount_msats: int = 0
    fees_msats: int = 0
    idempotency_key: str = ""
    created_at: datetime | None = None


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
    return _outgoing(payment)


# The SDK's own call stumbles (TypeError) over the null that says that nothing was sent with the key.
_PAYMENT_FOR_KEY = """
query PaymentForKey($key: String!) {
  outgoing_payment_for_idempotency_key(input: {idempotency_key: $key}) {
    payment { ...OutgoingPaymentFragment }
  }
}
"""


def payment_for(idempotency_key: str) -> OutgoingPayment | None:
    """What became of the payment sent with this key; None when the node says that it never saw it."""

    def ask():
        from lightspark.objects.OutgoingPayment import FRAGMENT, from_json

        client = _client()
        answer = client.execute_graphql_request(_PAYMENT_FOR_KEY + FRAGMENT, {"key": idempotency_key})
        payment = (answer["outgoing_payment_for_idempotency_key"] or {}).get("payment")
        return from_json(_requester(client), payment) if payment else None

    payment = call(ask)
    return _outgoing(payment) if payment else None


def sent_since(since: datetime) -> list[OutgoingPayment]:
    """The payments that our node began since `since` and that arrived."""
    sent = _transactions("OUTGOING_PAYMENT", since)
    return [_outgoing(payment) for payment in sent if _is_ours(payment.origin_id)]


def _outgoing(payment) -> OutgoingPayment:
    status = payment.status.name
    return OutgoingPayment(
        node_payment_id=payment.id,
        is_sent=status == "SUCCESS",
        is_failed=status in ("FAILED", "EXPIRED", "CANCELLED"),
        payment_hash=payment.transaction_hash or "",
        amount_msats=_msats(payment.amount),
        fees_msats=_msats(payment.fees) if payment.fees else 0,
        idempotency_key=payment.idempotency_key or "",
        created_at=payment.created_at,
    )
