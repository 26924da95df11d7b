"""One GraphQL request of an authenticated account, and the table of root fields."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import IntegrityError, transaction
from django.utils import timezone

from node import keys
from node.ledger import Refused
from node.models import Account, Invoice, Node, UsedNonce

FIELDS: dict[str, Callable] = {}


@dataclass(frozen=True)
class Call:
    """Who asks, the parsed envelope, the uncompressed bytes, the signature header."""

    account: Account
    envelope: dict
    raw: bytes
    signature: str


def field(function: Callable) -> Callable:
    """Make the function the root field of its name; its arguments are the field's `input`."""
    FIELDS[function.__name__] = function
    return function


def resolve(call: Call, name: str, arguments: dict):
    """The object behind a root field. Raises Refused."""
    function = FIELDS.get(name)
    if function is None:
        raise Refused(f"the sandbox does not know {name}")
    try:
        return function(call, **arguments.get("input", arguments))
    except TypeError as error:
        raise Refused(f"{name}: {error}") from error


def find_own_node(call: Call, node_id: str) -> Node | None:
    """By the UUID behind the colon: the word before it is spelled in several ways."""
    kind, _, rest = str(node_id).partition(":")
    if not kind.startswith("LightsparkNode") or not rest:
        return None
    return call.account.nodes.filter(pk__endswith=f":{rest}").first()


def own_node(call: Call, node_id: str) -> Node:
    node = find_own_node(call, node_id)
    if node is None:
        raise Refused("node not found", name="NotFoundException")
    return node


def find_own_invoice(call: Call, **lookup) -> Invoice | None:
    own = Invoice.objects.select_related("node__account").filter(node__account=call.account)
    return own.filter(**lookup).first()


def own_invoice(call: Call, invoice_id: str) -> Invoice:
    invoice = find_own_invoice(call, pk=str(invoice_id))
    if invoice is None:
        raise Refused("invoice not found", name="NotFoundException")
    return invoice


def check_signature(call: Call, node: Node) -> None:
    """Spending needs the node key's signature over this very request, once, in time. Raises Refused."""
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
