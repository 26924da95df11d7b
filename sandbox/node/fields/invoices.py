"""Root fields of invoices: creating and canceling. None needs the node's signing key."""

from node import ledger, nodes, objects
from node.fields.call import Call, field, own_invoice, own_node
from node.ledger import Refused
from node.models import Invoice, Payment

DAY_S = 86_400
UMA_EXPIRY_S = 600


@field
def create_invoice(
    call: Call,
    node_id,
    amount_msats,
    memo=None,
    invoice_type=None,
    expiry_secs=None,
    payment_hash=None,
    preimage_nonce=None,
):
    """The JavaScript and Go SDKs always name `payment_hash` and `preimage_nonce`, mostly null."""
    if invoice_type not in (None, "STANDARD", "AMP"):
        raise Refused("unknown invoice_type")
    row = ledger.create_invoice(
        node=own_node(call, node_id),
        amount_msats=amount_msats,
        expiry_s=expiry_secs or DAY_S,
        memo=str(memo or ""),
        payment_hash=str(payment_hash or "").lower(),
    )
    return {"invoice": objects.invoice(row)}


@field
def create_lnurl_invoice(
    call: Call, node_id, amount_msats, metadata_hash, expiry_secs=None, receiver_hash=None
):
    row = ledger.create_invoice(
        node=own_node(call, node_id),
        amount_msats=amount_msats,
        expiry_s=expiry_secs or DAY_S,
        description_hash=str(metadata_hash),
        kind=Invoice.Kind.LNURL,
    )
    return {"invoice": objects.invoice(row)}


@field
def create_uma_invoice(
    call: Call, node_id, amount_msats, metadata_hash, expiry_secs=None, receiver_hash=None
):
    row = ledger.create_invoice(
        node=own_node(call, node_id),
        amount_msats=amount_msats,
        expiry_s=expiry_secs or UMA_EXPIRY_S,
        description_hash=str(metadata_hash),
        kind=Invoice.Kind.UMA,
    )
    return {"invoice": objects.invoice(row)}


@field
def cancel_invoice(call: Call, invoice_id):
    return {"invoice": objects.invoice(ledger.cancel_invoice(own_invoice(call, invoice_id)))}


@field
def fail_htlcs(call: Call, invoice_id, cancel_invoice=True):
    """Pending payments to the invoice fail; with `cancel_invoice` no new ones are taken."""
    row = own_invoice(call, invoice_id)
    for payment in row.payments.filter(status=Payment.Status.PENDING):
        ledger.resolve(pk=payment.pk, to="INVOICE_CANCELLED")
    row.refresh_from_db()
    return {"invoice": objects.invoice(ledger.cancel_invoice(row) if cancel_invoice else row)}


@field
def create_test_mode_invoice(call: Call, local_node_id, amount_msats, memo=None, invoice_type=None):
    """An invoice of somebody out in the world, to be paid by the node."""
    node = own_node(call, local_node_id)
    if node.network == "MAINNET":
        raise Refused("test mode needs a test network")
    row = ledger.create_invoice(
        node=nodes.world(network=node.network),
        amount_msats=amount_msats,
        expiry_s=DAY_S,
        memo=str(memo or ""),
    )
    return {"encoded_payment_request": row.bolt11}
