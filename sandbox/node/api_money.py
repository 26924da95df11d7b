"""JSON API of nodes, the ledger, invoices and payments."""

from uuid import UUID

from django.http import HttpRequest, JsonResponse

from node import ledger, nodes, objects
from node.api import BadRequest, not_found, read_json, times, whole_sats
from node.models import Invoice, Node, Payment

LISTED = 500
# What a PATCH may change of how a node sends; the numbers are not negative.
MANNERS = ("reserve_percent", "fee_base_msats", "fee_ppm", "settle_s", "float_percent")


def show_node(node: Node, *, secrets_too: bool = False) -> dict:
    shown = {
        "node_id": node.id,
        "name": node.name,
        "network": node.network,
        "public_key": node.public_key,
        "balance_msats": node.balance_msats,
        **{name: getattr(node, name) for name in MANNERS},
        "webhook_url": node.webhook_url,
    }
    if secrets_too:
        token = node.account.tokens.order_by("created_at").first()
        shown |= {
            "account_id": node.account_id,
            "client_id": token.client_id,
            "client_secret": token.client_secret,
            "node_password": node.password,
            "webhook_signing_key": node.webhook_secret,
        }
    return shown


def list_nodes(request: HttpRequest) -> dict:
    return {"nodes": [show_node(node) for node in Node.objects.order_by("created_at")]}


def post_node(request: HttpRequest) -> JsonResponse:
    """Make a node with credentials of its own; the answer is the only place that shows the secrets."""
    body = read_json(request)
    node = nodes.create_node(
        name=str(body.get("name") or "node")[:80],
        network=str(body.get("network") or "REGTEST").upper(),
        webhook_url=str(body.get("webhook_url") or ""),
        balance_msats=whole_sats(body, "balance_sats", 0) * 1000,
        manners={name: _not_negative(body, name, life) for name, life in nodes.LIFE.items()},
    )
    shown = show_node(node, secrets_too=True)
    shown["base_url"] = request.build_absolute_uri("/graphql/server/2023-09-13")
    return JsonResponse(shown, status=201)


def get_node(request: HttpRequest, node_id: str) -> dict | JsonResponse:
    node = Node.objects.filter(pk=node_id).first()
    return show_node(node) if node else not_found("node")


def patch_node(request: HttpRequest, node_id: str) -> dict | JsonResponse:
    """Point the webhooks somewhere else, change the webhook key (for rotation tests), or how it sends."""
    node, body = Node.objects.filter(pk=node_id).first(), read_json(request)
    if node is None:
        return not_found("node")
    for key, column in (("webhook_url", "webhook_url"), ("webhook_signing_key", "webhook_secret")):
        if isinstance(body.get(key), str):
            setattr(node, column, body[key])
    for name in MANNERS:
        setattr(node, name, _not_negative(body, name, getattr(node, name)))
    node.save(update_fields=["webhook_url", "webhook_secret", *MANNERS])
    return show_node(node)


def _not_negative(body: dict, name: str, now: float) -> float:
    value, wanted = body.get(name, now), type(now)
    if isinstance(value, bool) or not isinstance(value, (int, wanted)) or not 0 <= value <= 1_000_000:
        raise BadRequest(f"{name} must be a number like {now}, not negative")
    return wanted(value)


def fund_node(request: HttpRequest, node_id: str) -> dict | JsonResponse:
    node = Node.objects.filter(pk=node_id).first()
    if node is None:
        return not_found("node")
    nodes.fund(node=node, amount_msats=nodes.as_msats(read_json(request).get("amount_sats")))
    node.refresh_from_db()
    return show_node(node)


# --- ledger


def list_ledger(request: HttpRequest) -> dict:
    """Every payment with both sides, oldest first; `?payment_hash=` and `?node_id=` narrow it.

    The balances and what is under way between nodes sum up to zero.
    """
    rows = Payment.objects.select_related("payer", "payee", "invoice").order_by("created_at")
    if payment_hash := request.GET.get("payment_hash"):
        rows = rows.filter(payment_hash=payment_hash)
    if node_id := request.GET.get("node_id"):
        rows = rows.filter(payer_id=node_id) | rows.filter(payee_id=node_id)
    balances = {node.id: node.balance_msats for node in Node.objects.all()}
    return {
        "payments": [show_payment(row) for row in rows],
        "balances_msats": balances,
        "sum_of_balances_msats": sum(balances.values()),
        "under_way_msats": ledger.under_way_msats(),
    }


def show_payment(row: Payment) -> dict:
    return {
        "payment_hash": row.payment_hash,
        "status": row.status,
        "failure_reason": row.failure_reason or None,
        "amount_msats": row.amount_msats,
        "fee_msats": row.fee_msats,
        "received_msats": row.received_msats if row.status == Payment.Status.SUCCESS else 0,
        "is_uma": row.is_uma,
        "from": {"node_id": row.payer_id, "name": row.payer.name, "payment_id": row.outgoing_id},
        "to": {"node_id": row.payee_id, "name": row.payee.name, "payment_id": row.incoming_id}
        if row.payee
        else None,
        "invoice_id": row.invoice_id,
        "invoice_amount_msats": row.invoice.amount_msats if row.invoice else None,
        "bolt11": row.bolt11,
        "idempotency_key": row.idempotency_key,
        "created_at": objects.when(row.created_at),
        "resolved_at": objects.when(row.resolved_at),
    }


def list_invoices(request: HttpRequest) -> dict:
    """The node's invoices, newest first; `?node_id=` narrows it."""
    rows = Invoice.objects.order_by("-created_at")
    if node_id := request.GET.get("node_id"):
        rows = rows.filter(node_id=node_id)
    return {
        "invoices": [
            {
                "invoice_id": row.id,
                "node_id": row.node_id,
                "kind": row.kind,
                "bolt11": row.bolt11,
                "payment_hash": row.payment_hash,
                "amount_msats": row.amount_msats,
                "amount_paid_msats": row.amount_paid_msats,
                "is_open": row.is_open,
                "canceled_at": objects.when(row.canceled_at),
                "expires_at": objects.when(row.expires_at),
            }
            for row in rows[:LISTED]
        ]
    }


def post_test_payment(request: HttpRequest) -> dict:
    """Somebody out in the world pays a BOLT11: `{"bolt11", "amount_msats"?, "times"?}`."""
    body = read_json(request)
    invoice = ledger.find_invoice(str(body.get("bolt11", "")))
    if invoice is None:
        raise BadRequest("this is no invoice of the sandbox")
    payer = nodes.world(network=invoice.node.network)
    amount = body.get("amount_msats")
    made = [ledger.pay(payer=payer, bolt11=invoice.bolt11, amount_msats=amount) for _ in range(times(body))]
    return {"payments": [show_payment(row) for row in made]}


def resolve_payment(request: HttpRequest, payment_id: str) -> dict | JsonResponse:
    """End a PENDING payment now: `{"to": "SUCCESS"}` or a failure reason."""
    to = str(read_json(request).get("to") or "")
    try:
        key = UUID(payment_id.rpartition(":")[2])
        ended = ledger.resolve(pk=key, to=to)
    except (Payment.DoesNotExist, ValueError):
        return not_found("payment")
    row = Payment.objects.select_related("payer", "payee", "invoice").get(pk=key)
    return {"ended": ended, **show_payment(row)}
