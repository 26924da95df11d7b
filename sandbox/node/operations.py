"""The root fields of the GraphQL API, for one authenticated account."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from node import keys, ledger, nodes, paper, shapes
from node.account_shape import account as account_shape
from node.ledger import Refused
from node.models import (
    Account,
    ApiToken,
    Deposit,
    Invoice,
    Node,
    Payment,
    UmaInvitation,
    UsedNonce,
    Withdrawal,
    new_id,
)

DAY = 86_400
FIELDS: dict[str, Callable] = {}


@dataclass(frozen=True)
class Call:
    """One GraphQL request: who asks, the parsed envelope, the uncompressed bytes, the signature header."""

    account: Account
    envelope: dict
    raw: bytes
    signature: str


def field(function: Callable) -> Callable:
    FIELDS[function.__name__] = function
    return function


def resolve(call: Call, name: str, arguments: dict):
    """The object behind a root field. Mutations take one `input`. Raises Refused."""
    function = FIELDS.get(name)
    if function is None:
        raise Refused(f"the sandbox does not know {name}")
    given = arguments.get("input", arguments)
    try:
        return function(call, **given)
    except TypeError as error:
        raise Refused(f"{name}: {error}") from error


def own_node(call: Call, node_id: str) -> Node:
    node = call.account.nodes.filter(pk=str(node_id)).first()
    if node is None:
        raise Refused("node not found")
    return node


def own_invoice(call: Call, **lookup) -> Invoice | None:
    return (
        Invoice.objects.select_related("node__account").filter(node__account=call.account, **lookup).first()
    )


def check_signature(call: Call, node: Node) -> None:
    """Spending needs the node key's signature over this very request, once, before it expires."""
    if not call.signature:
        raise Refused("this operation must be signed with the node's key")
    if not keys.signature_is_valid(
        signing_public_key=node.signing_public_key, header=call.signature, body=call.raw
    ):
        raise Refused("the signature is not the node's")
    try:
        expires_at = datetime.fromisoformat(str(call.envelope["expires_at"]))
        nonce = str(int(call.envelope["nonce"]))
    except (KeyError, TypeError, ValueError) as error:
        raise Refused("a signed operation needs nonce and expires_at") from error
    expires_at = expires_at if expires_at.tzinfo else expires_at.replace(tzinfo=UTC)
    if expires_at < timezone.now():
        raise Refused("the signed operation has expired")
    try:
        with transaction.atomic():
            UsedNonce.objects.create(node=node, nonce=nonce, expires_at=expires_at)
    except IntegrityError as error:
        raise Refused("the nonce was used before") from error


@field
def current_account(call: Call):
    return account_shape(call.account)


@field
def entity(call: Call, id: str):
    kind, _, rest = str(id).partition(":")
    finder = ENTITIES.get(kind)
    return finder(call, str(id), rest) if finder else None


def _payments():
    return Payment.objects.select_related("invoice__node__account", "payer__account", "payee")


def _by_uuid(rows, text: str):
    try:
        return rows.filter(pk=text).first()
    except ValueError:
        return None
    except Exception as error:  # Django raises its own ValidationError for a malformed UUID
        if type(error).__name__ == "ValidationError":
            return None
        raise


def _shaped(row, shape: Callable):
    return shape(row) if row is not None else None


ENTITIES = {
    "Account": lambda call, id, rest: account_shape(call.account) if id == call.account.id else None,
    "LightsparkNodeWithOSK": lambda call, id, rest: _shaped(
        call.account.nodes.filter(pk=id).first(), shapes.node
    ),
    "GraphNode": lambda call, id, rest: _shaped(
        Node.objects.filter(public_key=rest).first(), shapes.graph_node
    ),
    "Invoice": lambda call, id, rest: _shaped(own_invoice(call, pk=id), shapes.invoice),
    "IncomingPayment": lambda call, id, rest: _shaped(
        _by_uuid(_payments().filter(payee__account=call.account, arrived=True), rest), shapes.incoming
    ),
    "OutgoingPayment": lambda call, id, rest: _shaped(
        _by_uuid(_payments().filter(payer__account=call.account), rest), shapes.outgoing
    ),
    "Deposit": lambda call, id, rest: _shaped(
        _by_uuid(Deposit.objects.filter(node__account=call.account), rest), shapes.deposit
    ),
    "Withdrawal": lambda call, id, rest: _shaped(
        _by_uuid(Withdrawal.objects.filter(node__account=call.account), rest), shapes.withdrawal
    ),
    "WithdrawalRequest": lambda call, id, rest: _shaped(
        _by_uuid(Withdrawal.objects.filter(node__account=call.account), rest), shapes.withdrawal_request
    ),
    "ApiToken": lambda call, id, rest: _shaped(call.account.tokens.filter(pk=id).first(), shapes.api_token),
}


@field
def create_invoice(call: Call, node_id, amount_msats, memo=None, invoice_type=None, expiry_secs=None):
    if invoice_type not in (None, "STANDARD", "AMP"):
        raise Refused("unknown invoice_type")
    row = ledger.create_invoice(
        node=own_node(call, node_id), amount_msats=amount_msats, expiry_s=expiry_secs or DAY, memo=memo or ""
    )
    return {"invoice": shapes.invoice(row)}


@field
def create_lnurl_invoice(
    call: Call, node_id, amount_msats, metadata_hash, expiry_secs=None, receiver_hash=None
):
    row = ledger.create_invoice(
        node=own_node(call, node_id),
        amount_msats=amount_msats,
        expiry_s=expiry_secs or DAY,
        description_hash=str(metadata_hash),
        kind=Invoice.Kind.LNURL,
    )
    return {"invoice": shapes.invoice(row)}


@field
def create_uma_invoice(
    call: Call, node_id, amount_msats, metadata_hash, expiry_secs=None, receiver_hash=None
):
    row = ledger.create_invoice(
        node=own_node(call, node_id),
        amount_msats=amount_msats,
        expiry_s=expiry_secs or 600,
        description_hash=str(metadata_hash),
        kind=Invoice.Kind.UMA,
    )
    return {"invoice": shapes.invoice(row)}


@field
def cancel_invoice(call: Call, invoice_id):
    row = own_invoice(call, pk=str(invoice_id))
    if row is None:
        raise Refused("invoice not found")
    return {"invoice": shapes.invoice(ledger.cancel_invoice(row))}


@field
def fail_htlcs(call: Call, invoice_id, cancel_invoice=True):
    """Pending payments to the invoice fail; with `cancel_invoice` no new ones are taken."""
    row = own_invoice(call, pk=str(invoice_id))
    if row is None:
        raise Refused("invoice not found")
    for payment in row.payments.filter(status=Payment.Status.PENDING):
        ledger.resolve(pk=payment.pk, to="INVOICE_CANCELLED")
    row.refresh_from_db()
    return {"invoice": shapes.invoice(ledger.cancel_invoice(row) if cancel_invoice else row)}


@field
def create_test_mode_invoice(call: Call, local_node_id, amount_msats, memo=None, invoice_type=None):
    node = own_node(call, local_node_id)
    if node.network == "MAINNET":
        raise Refused("test mode needs a test network")
    row = ledger.create_invoice(
        node=nodes.world(network=node.network), amount_msats=amount_msats, expiry_s=DAY, memo=memo or ""
    )
    return {"encoded_payment_request": row.bolt11}


@field
def create_test_mode_payment(call: Call, local_node_id, encoded_invoice, amount_msats=None):
    """Somebody out in the world pays the invoice. Unlike pay_invoice, it is an error when that fails."""
    node = own_node(call, local_node_id)
    row = ledger.find_invoice(str(encoded_invoice))
    if row is None or row.node_id != node.id:
        raise Refused("this is no invoice of the node")
    payment = ledger.pay(
        payer=nodes.world(network=node.network), bolt11=row.bolt11, amount_msats=amount_msats
    )
    if payment.status == Payment.Status.FAILED:
        raise Refused(f"the test payment failed: {payment.failure_reason}")
    shape = shapes.incoming(_payments().get(pk=payment.pk))
    return {
        "incoming_payment": shape,
        "payment": {"__typename": "OutgoingPayment", "id": payment.outgoing_id},
    }


@field
def pay_invoice(
    call: Call,
    node_id,
    encoded_invoice,
    timeout_secs,
    maximum_fees_msats,
    amount_msats=None,
    idempotency_key=None,
    sender_hash=None,
    is_uma=False,
):
    """A failure of the network is a FAILED payment, not an error."""
    node = own_node(call, node_id)
    check_signature(call, node)
    payment = ledger.pay(
        payer=node,
        bolt11=str(encoded_invoice),
        amount_msats=amount_msats,
        idempotency_key=idempotency_key,
        is_uma=is_uma,
    )
    return {"payment": shapes.outgoing(_payments().get(pk=payment.pk))}


@field
def pay_uma_invoice(call: Call, **given):
    return pay_invoice(call, **given, is_uma=True)


@field
def send_payment(call: Call, node_id, destination_public_key, amount_msats, timeout_secs, maximum_fees_msats):
    """Keysend: the payee's node makes the invoice itself, so to speak."""
    node = own_node(call, node_id)
    check_signature(call, node)
    payee = Node.objects.filter(public_key=str(destination_public_key)).first()
    if payee is None:
        raise Refused("no route to this node")
    made = ledger.create_invoice(node=payee, amount_msats=amount_msats, expiry_s=60, memo="keysend")
    payment = ledger.pay(payer=node, bolt11=made.bolt11)
    return {"payment": shapes.outgoing(_payments().get(pk=payment.pk))}


@field
def request_withdrawal(
    call: Call, node_id, amount_sats, bitcoin_address, withdrawal_mode, idempotency_key=None
):
    node = own_node(call, node_id)
    check_signature(call, node)
    row = nodes.withdraw(
        node=node,
        amount_msats=amount_sats * 1000,
        bitcoin_address=str(bitcoin_address),
        mode=str(withdrawal_mode),
        idempotency_key=idempotency_key,
    )
    return {"request": shapes.withdrawal_request(row)}


@field
def fund_node(call: Call, node_id, amount_sats=None):
    node = own_node(call, node_id)
    amount_msats = (amount_sats or 10_000_000) * 1000
    nodes.fund(node=node, amount_msats=amount_msats)
    return {"amount": shapes.money(amount_msats)}


@field
def decoded_payment_request(call: Call, encoded_payment_request):
    row = ledger.find_invoice(str(encoded_payment_request))
    if row is not None:
        return shapes.invoice_data(row, viewer=call.account)
    try:
        foreign = paper.read_bolt11(str(encoded_payment_request))
    except paper.NotBolt11 as error:
        raise Refused(str(error)) from error
    stranger = Node(public_key=foreign.payee, name="", network=foreign.network)
    return {
        "__typename": "InvoiceData",
        "encoded_payment_request": str(encoded_payment_request),
        "bitcoin_network": foreign.network,
        "payment_hash": foreign.payment_hash,
        "amount": shapes.money(foreign.amount_msats),
        "created_at": datetime.fromtimestamp(foreign.created_at, UTC).isoformat(),
        "expires_at": datetime.fromtimestamp(foreign.created_at + foreign.expiry_s, UTC).isoformat(),
        "memo": foreign.description or None,
        "destination": shapes.graph_node(stranger),
    }


def _with_statuses(rows, statuses):
    return rows.filter(status__in=statuses) if statuses else rows


@field
def incoming_payments_for_invoice(call: Call, invoice_id, statuses=None):
    rows = _payments().filter(invoice_id=str(invoice_id), payee__account=call.account, arrived=True)
    found = _with_statuses(rows, statuses).order_by("created_at")
    return {
        "__typename": "IncomingPaymentsForInvoiceQueryOutput",
        "payments": [shapes.incoming(row) for row in found],
    }


@field
def invoice_for_payment_hash(call: Call, payment_hash):
    return {"invoice": _shaped(own_invoice(call, payment_hash=str(payment_hash)), shapes.invoice)}


@field
def outgoing_payments_for_invoice(call: Call, encoded_invoice, statuses=None):
    rows = _payments().filter(bolt11=str(encoded_invoice).strip().lower(), payer__account=call.account)
    return {"payments": [shapes.outgoing(row) for row in _with_statuses(rows, statuses)]}


@field
def outgoing_payments_for_payment_hash(call: Call, payment_hash, statuses=None):
    rows = _payments().filter(payment_hash=str(payment_hash), payer__account=call.account)
    return {"payments": [shapes.outgoing(row) for row in _with_statuses(rows, statuses)]}


@field
def outgoing_payment_for_idempotency_key(call: Call, idempotency_key):
    """An unknown key gives null, as a GraphQL server must; the SDK then raises TypeError."""
    row = _payments().filter(idempotency_key=str(idempotency_key), payer__account=call.account).first()
    return {"payment": _shaped(row, shapes.outgoing)}


@field
def screen_node(call: Call, provider, node_pubkey):
    return {"rating": "LOW_RISK"}


@field
def register_payment(call: Call, provider, payment_id, node_pubkey, direction):
    found = entity(call, payment_id)
    if found is None or not found["__typename"].endswith("Payment"):
        raise Refused("payment not found")
    return {"payment": found}


@field
def lightning_fee_estimate_for_invoice(call: Call, node_id, encoded_payment_request, amount_msats=None):
    own_node(call, node_id)
    return {"__typename": "LightningFeeEstimateOutput", "fee_estimate": shapes.money(0)}


@field
def lightning_fee_estimate_for_node(call: Call, node_id, destination_node_public_key, amount_msats):
    own_node(call, node_id)
    return {"__typename": "LightningFeeEstimateOutput", "fee_estimate": shapes.money(0)}


@field
def bitcoin_fee_estimate(call: Call, network):
    return {
        "__typename": "FeeEstimate",
        "fee_fast": shapes.money(2_000_000),
        "fee_min": shapes.money(200_000),
    }


@field
def create_node_wallet_address(call: Call, node_id):
    node = own_node(call, node_id)
    return {
        "__typename": "CreateNodeWalletAddressOutput",
        "node": {"id": node.id},
        "wallet_address": f"sandbox-{node.public_key[:40]}",
        "multisig_wallet_address_validation_parameters": None,
    }


@field
def create_api_token(call: Call, name, permissions):
    row = ApiToken.objects.create(
        id=new_id("ApiToken"),
        account=call.account,
        name=str(name),
        client_id=secrets.token_hex(16),
        client_secret=secrets.token_urlsafe(32),
        permissions=permissions,
    )
    return {"api_token": shapes.api_token(row), "client_secret": row.client_secret}


@field
def delete_api_token(call: Call, api_token_id):
    deleted, _ = call.account.tokens.filter(pk=str(api_token_id)).delete()
    if not deleted:
        raise Refused("token not found")
    return {"__typename": "DeleteApiTokenOutput", "account": {"id": call.account.id}}


def _invite(call: Call, inviter_uma, with_incentives: bool):
    row = UmaInvitation.objects.create(
        id=new_id("UmaInvitation"),
        account=call.account,
        code=secrets.token_hex(5).upper(),
        inviter_uma=str(inviter_uma),
        with_incentives=with_incentives,
    )
    return {"invitation": shapes.invitation(row)}


@field
def create_uma_invitation(call: Call, inviter_uma):
    return _invite(call, inviter_uma, False)


@field
def create_uma_invitation_with_incentives(call: Call, inviter_uma, inviter_phone_hash, inviter_region):
    return _invite(call, inviter_uma, True)


@field
def claim_uma_invitation(call: Call, invitation_code, invitee_uma, **_):
    row = UmaInvitation.objects.filter(Q(code=str(invitation_code)) & Q(invitee_uma="")).first()
    if row is None:
        raise Refused("no such open invitation")
    row.invitee_uma = str(invitee_uma)
    row.save(update_fields=["invitee_uma", "updated_at"])
    return {"invitation": shapes.invitation(row)}


FIELDS["claim_uma_invitation_with_incentives"] = claim_uma_invitation


@field
def uma_invitation_by_code(call: Call, code):
    return _shaped(UmaInvitation.objects.filter(code=str(code)).first(), shapes.invitation)
