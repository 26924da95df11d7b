"""Lightspark node client: the only importer of its SDK, beside `outgoing.py`.

Every answer is yes, no (`NodeRefused`) or unknown (`NodeUnknown`): a timeout is never a failure.
Amounts are msats. The SDK is imported on first use: it takes half a second.
"""

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from .call import BoundedAdapter, NodeForbidden, NodeRefused, NodeUnknown, call, understand

__all__ = ["NodeForbidden", "NodeRefused", "NodeUnknown"]


class NotBitcoin(NodeUnknown):
    """An amount in a unit that we do not know."""


@dataclass(frozen=True)
class NodeInvoice:
    invoice_id: str
    bolt11: str
    payment_hash: str
    expires_at: datetime
    is_open: bool
    paid_msats: int


@dataclass(frozen=True)
class NodePayment:
    """A successful incoming payment."""

    node_payment_id: str
    invoice_id: str | None
    payment_hash: str
    amount_msats: int
    received_at: datetime
    # An account may have several nodes; what we did not ask for is ours only if it came to our node.
    is_to_our_node: bool = True


@dataclass(frozen=True)
class NodeFacts:
    public_key: str | None
    utxos: tuple[str, ...]


def load_sdk() -> None:
    """Import the SDK now: before a web process forks, and before a worker's threads do it at the same time,
    of which one may see a half of it.
    """
    import lightspark  # noqa: F401


@functools.cache
def _client():
    from lightspark import LightsparkSyncClient

    client = LightsparkSyncClient(
        settings.LIGHTSPARK_API_TOKEN_CLIENT_ID,
        settings.LIGHTSPARK_API_TOKEN_CLIENT_SECRET,
        base_url=settings.LIGHTSPARK_BASE_URL or None,
    )
    adapter = BoundedAdapter(pool_maxsize=32)
    session = _requester(client).graphql_session
    session.hooks["response"].append(understand)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return client


def _requester(client):
    """The SDK's own HTTP client, which it has no public name for: our adapter and its `from_json` need it."""
    return client._requester


def run(query: str, variables: dict, *, seconds: float | None = None) -> Mapping[str, Any]:
    """The `data` of a GraphQL query of our own; raises NodeRefused or NodeUnknown."""
    return call(lambda: _client().execute_graphql_request(query, variables), seconds=seconds)


# -- invoices ---------------------------------------------------------------------------------
def create_invoice(*, amount_msats: int, metadata: str, expires_at: datetime) -> NodeInvoice:
    """A BOLT11 whose description hash is that of `metadata` (LUD-06)."""
    return _create(
        "create_lnurl_invoice", amount_msats=amount_msats, metadata=metadata, expires_at=expires_at
    )


def create_uma_invoice(
    *, amount_msats: int, metadata: str, expires_at: datetime, receiver_identifier: str
) -> NodeInvoice:
    """A BOLT11 that the node knows to be a UMA payment (UMAD-05)."""
    return _create(
        "create_uma_invoice", amount_msats=amount_msats, metadata=metadata, expires_at=expires_at,
        receiver_identifier=receiver_identifier,
        signing_private_key=bytes.fromhex(settings.UMA_SIGNING_PRIVATE_KEY),
    )  # fmt: skip


def _create(method: str, *, expires_at: datetime, amount_msats: int, **options) -> NodeInvoice:
    seconds = int((expires_at - timezone.now()).total_seconds())
    if seconds < 5:
        raise NodeRefused("There is no time left to pay.")
    node_id = settings.LIGHTSPARK_NODE_ID
    invoice = call(lambda: getattr(_client(), method)(node_id, amount_msats, expiry_secs=seconds, **options))
    if invoice.data.bitcoin_network.name != settings.LIGHTSPARK_NETWORK:
        raise NodeRefused(reason="its invoice is for another Bitcoin network")
    if _msats(invoice.data.amount) != amount_msats:
        raise NodeRefused(reason="its invoice is over another amount")
    return _node_invoice(invoice)


def cancel_invoice(invoice_id: str) -> NodeInvoice:
    """Cancel an invoice at the node; the outcome is in `is_open` and `paid_msats`."""
    return _node_invoice(call(lambda: _client().cancel_invoice(invoice_id)))


def get_invoice(invoice_id: str) -> NodeInvoice:
    def ask():
        from lightspark import Invoice

        return _client().get_entity(invoice_id, Invoice)

    invoice = call(ask)
    if invoice is None:
        raise NodeUnknown("The node does not know this invoice.")
    return _node_invoice(invoice)


def _node_invoice(invoice) -> NodeInvoice:
    return NodeInvoice(
        invoice_id=invoice.id,
        bolt11=invoice.data.encoded_payment_request,
        payment_hash=invoice.data.payment_hash,
        expires_at=invoice.data.expires_at,
        is_open=invoice.status.name == "OPEN",
        paid_msats=_msats(invoice.amount_paid) if invoice.amount_paid else 0,
    )


# -- money that came in -----------------------------------------------------------------------
# The SDK's own incoming_payments_for_invoice sends an invalid query (2.10.1).
_PAYMENTS_OF_INVOICE = """
query PaymentsOfInvoice($invoice_id: ID!) {
  incoming_payments_for_invoice(input: {invoice_id: $invoice_id, statuses: [SUCCESS]}) { payments { id } }
}"""


def incoming_payment(node_payment_id: str) -> NodePayment | None:
    """The incoming payment with this id if it succeeded, to whatever node of the account, else None."""

    def ask():
        from lightspark import IncomingPayment

        return _client().get_entity(node_payment_id, IncomingPayment)

    return _node_payment(call(ask))


def incoming_payments_of_invoice(invoice_id: str) -> list[NodePayment]:
    """Every successful payment of the invoice; wallets have paid one twice."""
    answer = run(_PAYMENTS_OF_INVOICE, {"invoice_id": invoice_id})
    listed = answer["incoming_payments_for_invoice"]
    if listed is None or listed["payments"] is None:
        raise NodeUnknown(reason="it does not say what was paid")  # which is not that nothing was
    ids = [row["id"] for row in listed["payments"]]
    return [payment for payment in map(incoming_payment, ids) if payment]


def _transactions(kind: str, since: datetime) -> Iterator:
    from lightspark import TransactionStatus, TransactionType

    wanted = {"types": [TransactionType[kind]], "statuses": [TransactionStatus.SUCCESS], "after_date": since}
    wanted["lightning_node_id"], after = settings.LIGHTSPARK_NODE_ID, None
    while True:
        page = functools.partial(_read_page, after=after, **wanted)
        answer = call(page, seconds=settings.NODE_LIST_SECONDS)
        yield from answer.entities
        after = answer.page_info.end_cursor
        if not has_more(answer.page_info.has_next_page, answer.entities) or not after:
            return


def has_more(said: bool | None, entities: list) -> bool:
    """Whether another page is to be asked for; a list that does not say so ends with an empty page."""
    return bool(entities) if said is None else said


def _read_page(**wanted):
    return _account().get_transactions(first=100, **wanted)


@functools.cache
def _account():
    return _client().get_current_account()


def _node_payment(payment) -> NodePayment | None:
    if payment is None or type(payment).__name__ != "IncomingPayment" or payment.status.name != "SUCCESS":
        return None
    return NodePayment(
        node_payment_id=payment.id,
        invoice_id=payment.payment_request_id,
        payment_hash=payment.transaction_hash or "",
        amount_msats=_msats(payment.amount),
        received_at=payment.resolved_at or payment.created_at,
        is_to_our_node=_is_ours(payment.destination_id),
    )


def _is_ours(node_id: str) -> bool:
    return node_id == settings.LIGHTSPARK_NODE_ID or node_id == own_node_id()


def incoming_fragment() -> str:
    """The fields of an IncomingPayment that `read_incoming` reads, as a GraphQL fragment."""
    from lightspark.objects.IncomingPayment import FRAGMENT

    return FRAGMENT


def read_incoming(entity: dict) -> NodePayment | None:
    """A row of a list asked for with `incoming_fragment`; raises anything on what the SDK cannot read."""
    from lightspark.objects.IncomingPayment import from_json

    return _node_payment(from_json(_requester(_client()), entity))


def _msats(amount) -> int:
    from lightspark.exceptions import LightsparkException
    from lightspark.utils.currency_amount import amount_as_msats

    try:
        return amount_as_msats(amount)
    except LightsparkException as error:
        raise NotBitcoin(reason="an amount in a unit that is no bitcoin's") from error


@functools.cache
def _load_signing_key() -> None:
    """Ready the key that sending is signed with; raises NodeRefused with the reason why it cannot be had."""
    from cryptography.exceptions import InvalidTag

    try:
        _client().recover_node_signing_key(settings.LIGHTSPARK_NODE_ID, settings.LIGHTSPARK_NODE_PASSWORD)
    except (KeyError, TypeError) as error:
        raise NodeRefused(reason="Lightspark holds no signing key of this node (remote signing)") from error
    except (InvalidTag, ValueError) as error:
        reason = "the node's signing key does not open with LIGHTSPARK_NODE_PASSWORD"
        raise NodeRefused(reason=reason) from error


# -- what a payment went through ---------------------------------------------------------------
def utxos_of_payment(node_payment_id: str) -> list[tuple[str, int]]:
    """The UTXOs of the channels that a payment came or went through, and the msats of each (UMAD-07)."""

    def ask():
        from lightspark.objects.LightningTransaction import LightningTransaction

        return _client().get_entity(node_payment_id, LightningTransaction)

    payment = call(ask)
    through = payment.uma_post_transaction_data if payment else None
    return [(each.utxo, _msats(each.amount)) for each in through or []]


# -- the node itself --------------------------------------------------------------------------
def _node():
    from lightspark import LightsparkNode

    node = _client().get_entity(settings.LIGHTSPARK_NODE_ID, LightsparkNode)
    if node is None:
        raise NodeRefused(reason="LIGHTSPARK_NODE_ID names no node of this account")
    return node


@functools.cache
def own_node_id() -> str:
    """Our node's id as Lightspark spells it: its payments name it so, whatever the setting looks like."""
    return call(_node).id


def node() -> Any:
    """Our node as the SDK describes it; most of its fields may be None. Raises NodeUnknown."""
    return call(_node)


def check_signing_key() -> None:
    """The key that refunds are signed with can be had and opens; raises NodeRefused or NodeUnknown."""
    _load_signing_key.cache_clear()
    call(_load_signing_key, seconds=settings.NODE_PAY_SECONDS)


def owned_msats() -> int | None:
    """All that the node owns, with its channels' reserves and what is on its way out; None if not said."""
    balances = call(_node).balances
    return _msats(balances.owned_balance) if balances else None


def available_msats() -> int | None:
    """What the node can send right now; None for a node that does not tell its balances."""
    balances = call(_node).balances
    return _msats(balances.available_to_send_balance) if balances else None


_facts: tuple[datetime, NodeFacts] | None = None


def node_facts() -> NodeFacts:
    """The node's public key and the UTXOs its channels rest on, read anew every ten minutes."""
    global _facts
    if _facts is None or _facts[0] < timezone.now() - timedelta(minutes=10):
        node = call(_node)
        _facts = (timezone.now(), NodeFacts(node.public_key, tuple(node.uma_prescreening_utxos or ())))
    return _facts[1]
