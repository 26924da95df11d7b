"""GraphQL objects of rows, as the SDK's fragments ask for them."""

import hashlib
from datetime import datetime

from node import faults, keys
from node.models import Account, ApiToken, Deposit, Invoice, Node, Payment, UmaInvitation, Withdrawal

Shape = dict[str, object]


def when(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def money(msats: int) -> Shape:
    return {
        "__typename": "CurrencyAmount",
        "original_value": msats,
        "original_unit": "MILLISATOSHI",
        "preferred_currency_unit": "SATOSHI",
        "preferred_currency_value_rounded": round(msats / 1000),
        "preferred_currency_value_approx": msats / 1000,
    }


def empty_connection(typename: str) -> Shape:
    page = {"has_next_page": False, "has_previous_page": False, "start_cursor": None, "end_cursor": None}
    return {
        "__typename": typename,
        "count": 0,
        "entities": [],
        "page_info": {"__typename": "PageInfo", **page},
    }


def node(row: Node) -> Shape:
    """Its owner's view. `balances` is optional; of a remote-signing node Lightspark has no key."""
    balance = money(row.balance_msats)
    balances = {
        "__typename": "Balances",
        "owned_balance": balance,
        "available_to_send_balance": money(row.balance_msats - row.reserve_msats),
        "available_to_withdraw_balance": money(row.balance_msats - row.reserve_msats),
    }
    key = {
        "__typename": "Secret",
        "encrypted_value": row.encrypted_signing_key,
        "cipher": keys.CIPHER,
    }
    is_remote = faults.is_on("node_remote_signing", row.id)
    return {
        **graph_node(row),
        "__typename": f"LightsparkNodeWith{'RemoteSigning' if is_remote else 'OSK'}",
        "id": row.id,
        "owner": {"__typename": "Account", "id": row.account_id},
        "status": "READY",
        "total_balance": balance,
        "total_local_balance": balance,
        "local_balance": balance,
        "remote_balance": money(10**12),
        "blockchain_balance": None,
        "uma_prescreening_utxos": [f"{hashlib.sha256(row.id.encode()).hexdigest()}:0"],
        "balances": None if faults.is_on("node_no_balances", row.id) else balances,
        "encrypted_signing_private_key": None if is_remote else key,
        "channels": lambda **_: empty_connection("LightsparkNodeToChannelsConnection"),
        "daily_liquidity_forecasts": lambda from_date=None, to_date=None, direction="SEND": {
            "__typename": "LightsparkNodeToDailyLiquidityForecastsConnection",
            "from_date": from_date,
            "to_date": to_date,
            "direction": direction,
            "entities": [],
        },
    }


def graph_node(row: Node) -> Shape:
    """A node as strangers see it."""
    return {
        "__typename": "GraphNode",
        "id": f"GraphNode:{row.public_key}",
        "created_at": when(row.created_at),
        "updated_at": when(row.created_at),
        "alias": row.name,
        "bitcoin_network": row.network,
        "color": "#000000",
        "conductivity": None,
        "display_name": row.name,
        "public_key": row.public_key,
        "addresses": lambda **_: {"__typename": "NodeToAddressesConnection", "count": 0, "entities": []},
    }


def invoice(row: Invoice) -> Shape:
    return {
        "__typename": "Invoice",
        "id": row.id,
        "created_at": when(row.created_at),
        "updated_at": when(row.updated_at),
        "data": lambda: invoice_data(row, viewer=row.node.account),
        "status": "OPEN" if row.is_open else "CLOSED",
        "amount_paid": money(row.amount_paid_msats) if row.amount_paid_msats else None,
        "is_uma": row.kind == Invoice.Kind.UMA,
        "is_lnurl": row.kind == Invoice.Kind.LNURL,
    }


def invoice_data(row: Invoice, *, viewer: Account) -> Shape:
    """Only the owner sees its node with the encrypted key; a stranger sees the public node."""
    own = row.node.account_id == viewer.id
    return {
        "__typename": "InvoiceData",
        "encoded_payment_request": row.bolt11,
        "bitcoin_network": row.network,
        "payment_hash": row.payment_hash,
        "amount": money(row.amount_msats),
        "created_at": when(row.created_at),
        "expires_at": when(row.expires_at),
        "memo": row.memo or None,
        "destination": (lambda: node(row.node)) if own else (lambda: graph_node(row.node)),
    }


def _payment(row: Payment) -> Shape:
    utxo = f"{hashlib.sha256(str(row.id).encode()).hexdigest()}:1"
    return {
        "created_at": when(row.created_at),
        "updated_at": when(row.updated_at),
        "status": row.status,
        "resolved_at": when(row.resolved_at),
        "amount": money(row.amount_msats),
        "transaction_hash": row.payment_hash,
        "is_uma": row.is_uma,
        "is_internal_payment": row.payer_id == row.payee_id,
        "uma_post_transaction_data": [
            {"__typename": "PostTransactionData", "utxo": utxo, "amount": money(row.amount_msats)}
        ]
        if row.is_uma and row.status == Payment.Status.SUCCESS
        else None,
    }


def incoming(row: Payment) -> Shape:
    return {
        **_payment(row),
        "__typename": "IncomingPayment",
        "id": row.incoming_id,
        "amount": money(row.received_msats),
        "destination": {"__typename": "LightsparkNodeWithOSK", "id": row.payee_id},
        "payment_request": {"__typename": "Invoice", "id": row.invoice_id} if row.invoice_id else None,
        "attempts": lambda **_: empty_connection("IncomingPaymentToAttemptsConnection"),
    }


def outgoing(row: Payment) -> Shape:
    failed, paid = row.status == Payment.Status.FAILED, row.status == Payment.Status.SUCCESS
    target = {"__typename": "GraphNode", "id": f"GraphNode:{row.payee.public_key}"} if row.payee else None
    return {
        **_payment(row),
        "__typename": "OutgoingPayment",
        "id": row.outgoing_id,
        "origin": {"__typename": "LightsparkNodeWithOSK", "id": row.payer_id},
        "destination": target,
        "fees": money(row.fee_msats) if not failed else None,
        "payment_request_data": (lambda: invoice_data(row.invoice, viewer=row.payer.account))
        if row.invoice
        else None,
        "failure_reason": row.failure_reason if failed else None,
        "failure_message": {"__typename": "RichText", "text": row.failure_reason} if failed else None,
        "payment_preimage": row.invoice.preimage if paid and row.invoice else None,
        "idempotency_key": row.idempotency_key,
        "attempts": lambda **_: empty_connection("OutgoingPaymentToAttemptsConnection"),
    }


def _on_chain(row: Deposit | Withdrawal) -> Shape:
    return {
        "created_at": when(row.created_at),
        "updated_at": when(row.created_at),
        "status": "SUCCESS",
        "resolved_at": when(row.created_at),
        "amount": money(row.amount_msats),
        "transaction_hash": hashlib.sha256(str(row.id).encode()).hexdigest(),
        "fees": money(0),
        "block_hash": None,
        "block_height": 0,
        "num_confirmations": 6,
    }


def deposit(row: Deposit) -> Shape:
    return {
        **_on_chain(row),
        "__typename": "Deposit",
        "id": f"Deposit:{row.id}",
        "destination_addresses": [],
        "destination": {"__typename": "LightsparkNodeWithOSK", "id": row.node_id},
    }


def withdrawal(row: Withdrawal) -> Shape:
    return {
        **_on_chain(row),
        "__typename": "Withdrawal",
        "id": f"Withdrawal:{row.id}",
        "destination_addresses": [row.bitcoin_address],
        "origin": {"__typename": "LightsparkNodeWithOSK", "id": row.node_id},
    }


def withdrawal_request(row: Withdrawal) -> Shape:
    amount = money(row.amount_msats)
    return {
        "__typename": "WithdrawalRequest",
        "id": f"WithdrawalRequest:{row.id}",
        "created_at": when(row.created_at),
        "updated_at": when(row.created_at),
        "requested_amount": amount,
        "amount": amount,
        "estimated_amount": amount,
        "amount_withdrawn": amount,
        "total_fees": money(0),
        "bitcoin_address": row.bitcoin_address,
        "withdrawal_mode": row.mode,
        "status": "SUCCESSFUL",
        "completed_at": when(row.created_at),
        "withdrawal": {"__typename": "Withdrawal", "id": f"Withdrawal:{row.id}"},
        "idempotency_key": row.idempotency_key,
        "initiator": "CUSTOMER",
        "channel_closing_transactions": lambda **_: empty_connection("Connection"),
        "channel_opening_transactions": lambda **_: empty_connection("Connection"),
        "withdrawals": lambda **_: {"__typename": "Connection", "count": 1, "entities": [withdrawal(row)]},
    }


def api_token(row: ApiToken) -> Shape:
    return {
        "__typename": "ApiToken",
        "id": row.id,
        "created_at": when(row.created_at),
        "updated_at": when(row.created_at),
        "client_id": row.client_id,
        "name": row.name,
        "permissions": row.permissions,
        "is_deleted": False,
    }


def invitation(row: UmaInvitation) -> Shape:
    return {
        "__typename": "UmaInvitation",
        "id": row.id,
        "created_at": when(row.created_at),
        "updated_at": when(row.updated_at),
        "code": row.code,
        "url": f"https://uma.me/i/{row.code}",
        "inviter_uma": row.inviter_uma,
        "invitee_uma": row.invitee_uma or None,
        "incentives_status": "PENDING" if row.with_incentives else "INELIGIBLE",
        "incentives_ineligibility_reason": None if row.with_incentives else "DISABLED",
    }
