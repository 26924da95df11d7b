"""Root fields of payments. Those that spend the node's balance must be signed with its key."""

from node import ledger, nodes, objects
from node.fields.call import Call, check_signature, field, own_node
from node.fields.reading import entity, payments
from node.ledger import Refused
from node.models import Node, Payment


@field
def create_test_mode_payment(call: Call, local_node_id, encoded_invoice, amount_msats=None):
    """Somebody out in the world pays the invoice. Unlike pay_invoice, it is an error when that fails."""
    node = own_node(call, local_node_id)
    if node.network == "MAINNET":
        raise Refused("test mode needs a test network")
    row = ledger.find_invoice(str(encoded_invoice))
    if row is None or row.node_id != node.id:
        raise Refused("this is no invoice of the node")
    payment = ledger.pay(
        payer=nodes.world(network=node.network), bolt11=row.bolt11, amount_msats=amount_msats
    )
    if payment.status == Payment.Status.FAILED:
        raise Refused(f"the test payment failed: {payment.failure_reason}")
    shape = objects.incoming(payments().get(pk=payment.pk))
    return {
        "incoming_payment": shape,
        "payment": {"__typename": "OutgoingPayment", "id": payment.outgoing_id},
    }


def _pay(call: Call, node_id, encoded_invoice, max_fee_msats, amount_msats, idempotency_key, *, is_uma):
    """What goes wrong on the network is a FAILED payment, not an error."""
    node = own_node(call, node_id)
    check_signature(call, node)
    payment = ledger.pay(
        payer=node,
        bolt11=str(encoded_invoice),
        amount_msats=amount_msats,
        idempotency_key=str(idempotency_key) if idempotency_key else None,
        is_uma=is_uma,
        max_fee_msats=_fee_limit(max_fee_msats),
    )
    return {"payment": objects.outgoing(payments().get(pk=payment.pk))}


def _fee_limit(msats) -> int:
    if isinstance(msats, bool) or not isinstance(msats, int) or msats < 0:
        raise Refused("maximum_fees_msats must be a whole number of msats")
    return msats


@field
def pay_invoice(
    call: Call,
    node_id,
    encoded_invoice,
    timeout_secs,
    maximum_fees_msats,
    amount_msats=None,
    idempotency_key=None,
):
    return _pay(
        call, node_id, encoded_invoice, maximum_fees_msats, amount_msats, idempotency_key, is_uma=False
    )


@field
def pay_uma_invoice(
    call: Call,
    node_id,
    encoded_invoice,
    timeout_secs,
    maximum_fees_msats,
    amount_msats=None,
    idempotency_key=None,
    sender_hash=None,
):
    return _pay(
        call, node_id, encoded_invoice, maximum_fees_msats, amount_msats, idempotency_key, is_uma=True
    )


@field
def send_payment(call: Call, node_id, destination_public_key, amount_msats, timeout_secs, maximum_fees_msats):
    """Keysend: the payee's node makes the invoice itself."""
    node = own_node(call, node_id)
    check_signature(call, node)
    payee = Node.objects.filter(public_key=str(destination_public_key)).first()
    if payee is None or not amount_msats:
        raise Refused("no route to this node, or no amount")
    made = ledger.create_invoice(node=payee, amount_msats=amount_msats, expiry_s=60, memo="keysend")
    payment = ledger.pay(payer=node, bolt11=made.bolt11, max_fee_msats=_fee_limit(maximum_fees_msats))
    return {"payment": objects.outgoing(payments().get(pk=payment.pk))}


@field
def request_withdrawal(
    call: Call, node_id, amount_sats, bitcoin_address, withdrawal_mode, idempotency_key=None
):
    node = own_node(call, node_id)
    check_signature(call, node)
    row = nodes.withdraw(
        node=node,
        amount_msats=nodes.as_msats(amount_sats),
        bitcoin_address=str(bitcoin_address),
        mode=str(withdrawal_mode),
        idempotency_key=str(idempotency_key) if idempotency_key else None,
    )
    return {"request": objects.withdrawal_request(row)}


@field
def fund_node(call: Call, node_id, amount_sats=None):
    amount_msats = nodes.as_msats(amount_sats or 10_000_000)
    nodes.fund(node=own_node(call, node_id), amount_msats=amount_msats)
    return {"amount": objects.money(amount_msats)}


@field
def screen_node(call: Call, provider, node_pubkey):
    return {"rating": "LOW_RISK"}


@field
def register_payment(call: Call, provider, payment_id, node_pubkey, direction):
    found = entity(call, payment_id)
    if found is None or not str(found["__typename"]).endswith("Payment"):
        raise Refused("payment not found")
    return {"payment": found}
