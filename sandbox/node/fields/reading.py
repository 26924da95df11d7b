"""Root fields that read entities: by id, by payment hash, by invoice, by idempotency key."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

from node import bolt11_codec, ledger, objects
from node.account_shape import account as account_shape
from node.fields.call import Call, field, find_own_invoice, find_own_node
from node.ledger import Refused
from node.models import Deposit, Node, Payment, Withdrawal


def payments():
    return Payment.objects.select_related("invoice__node__account", "payer__account", "payee")


def _shaped(row, shape: Callable):
    return shape(row) if row is not None else None


def _by_uuid(rows, text: str):
    try:
        return rows.filter(pk=UUID(text)).first()
    except ValueError:
        return None


@field
def current_account(call: Call):
    return account_shape(call.account)


@field
def entity(call: Call, id: str):
    """What belongs to the account, by id; null for everything else."""
    kind, _, rest = str(id).partition(":")
    finder = _node if kind.startswith("LightsparkNode") else ENTITIES.get(kind)
    return finder(call, str(id), rest) if finder else None


def _account(call: Call, id: str, rest: str):
    return account_shape(call.account) if id == call.account.id else None


def _node(call: Call, id: str, rest: str):
    return _shaped(find_own_node(call, id), objects.node)


def _graph_node(call: Call, id: str, rest: str):
    return _shaped(Node.objects.filter(public_key=rest).first(), objects.graph_node)


def _invoice(call: Call, id: str, rest: str):
    return _shaped(find_own_invoice(call, pk=id), objects.invoice)


def _incoming(call: Call, id: str, rest: str):
    own = payments().filter(payee__account=call.account, arrived=True)
    return _shaped(_by_uuid(own, rest), objects.incoming)


def _outgoing(call: Call, id: str, rest: str):
    return _shaped(_by_uuid(payments().filter(payer__account=call.account), rest), objects.outgoing)


def _on_chain(model, shape: Callable) -> Callable:
    def find(call: Call, id: str, rest: str):
        return _shaped(_by_uuid(model.objects.filter(node__account=call.account), rest), shape)

    return find


def _token(call: Call, id: str, rest: str):
    return _shaped(call.account.tokens.filter(pk=id).first(), objects.api_token)


ENTITIES = {
    "Account": _account,
    "GraphNode": _graph_node,
    "Invoice": _invoice,
    "IncomingPayment": _incoming,
    "OutgoingPayment": _outgoing,
    "Deposit": _on_chain(Deposit, objects.deposit),
    "Withdrawal": _on_chain(Withdrawal, objects.withdrawal),
    "WithdrawalRequest": _on_chain(Withdrawal, objects.withdrawal_request),
    "ApiToken": _token,
}


@field
def decoded_payment_request(call: Call, encoded_payment_request):
    """Any BOLT11, also one that no node of the sandbox made."""
    text = str(encoded_payment_request)
    row = ledger.find_invoice(text)
    if row is not None:
        return objects.invoice_data(row, viewer=call.account)
    try:
        foreign = bolt11_codec.read_bolt11(text)
    except bolt11_codec.NotBolt11 as error:
        raise Refused(str(error)) from error
    return {
        "__typename": "InvoiceData",
        "encoded_payment_request": text,
        "bitcoin_network": foreign.network,
        "payment_hash": foreign.payment_hash,
        "amount": objects.money(foreign.amount_msats),
        "created_at": datetime.fromtimestamp(foreign.created_at, UTC).isoformat(),
        "expires_at": datetime.fromtimestamp(foreign.created_at + foreign.expiry_s, UTC).isoformat(),
        "memo": foreign.description or None,
        "destination": objects.graph_node(Node(public_key=foreign.payee, network=foreign.network)),
    }


def _with_statuses(rows, statuses):
    return rows.filter(status__in=statuses) if statuses else rows


@field
def incoming_payments_for_invoice(call: Call, invoice_id, statuses=None):
    rows = payments().filter(invoice_id=str(invoice_id), payee__account=call.account, arrived=True)
    found = _with_statuses(rows, statuses).order_by("created_at")
    return {
        "__typename": "IncomingPaymentsForInvoiceQueryOutput",
        "payments": [objects.incoming(row) for row in found],
    }


@field
def invoice_for_payment_hash(call: Call, payment_hash):
    """An unknown hash gives null, as a GraphQL server must; the SDK then raises TypeError."""
    return {"invoice": _shaped(find_own_invoice(call, payment_hash=str(payment_hash)), objects.invoice)}


@field
def outgoing_payments_for_invoice(call: Call, encoded_invoice, statuses=None):
    rows = payments().filter(bolt11=str(encoded_invoice).strip().lower(), payer__account=call.account)
    return {"payments": [objects.outgoing(row) for row in _with_statuses(rows, statuses)]}


@field
def outgoing_payments_for_payment_hash(call: Call, payment_hash, statuses=None):
    rows = payments().filter(payment_hash=str(payment_hash), payer__account=call.account)
    return {"payments": [objects.outgoing(row) for row in _with_statuses(rows, statuses)]}


@field
def outgoing_payment_for_idempotency_key(call: Call, idempotency_key):
    """An unknown key gives null, as a GraphQL server must; the SDK then raises TypeError."""
    own = payments().filter(idempotency_key=str(idempotency_key), payer__account=call.account)
    return {"payment": _shaped(own.first(), objects.outgoing)}
