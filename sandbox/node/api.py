"""What tests and developers drive: nodes, the ledger, faults, webhooks. JSON, no sign-in: it is a toy."""

import functools
import json
import secrets
from collections.abc import Callable

from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from node import faults, ledger, nodes, shapes, wakeup, webhooks
from node.fault_kinds import KINDS
from node.models import Delivery, Fault, Invoice, Node, Payment

WEBHOOK_LISTED = 500


class BadRequest(ValueError):
    """The request makes no sense; the text says why."""


def read_json(request: HttpRequest) -> dict:
    """The body as an object; an empty body is an empty object. Raises BadRequest."""
    try:
        body = json.loads(request.body or b"{}")
    except ValueError as error:
        raise BadRequest("the body is no JSON") from error
    if not isinstance(body, dict):
        raise BadRequest("the body must be a JSON object")
    return body


def json_api(**methods: Callable) -> Callable:
    """A view that answers JSON: one function per HTTP method, refusals as 4xx with an `error` sentence."""

    @csrf_exempt
    def view(request: HttpRequest, **path) -> JsonResponse:
        function = methods.get(request.method)
        if function is None:
            return JsonResponse({"error": "method not allowed"}, status=405)
        try:
            answer = function(request, **path)
        except (BadRequest, faults.UnknownFault) as error:
            return JsonResponse({"error": str(error)}, status=400)
        except ledger.Refused as error:
            return JsonResponse({"error": str(error)}, status=409)
        return answer if isinstance(answer, JsonResponse) else JsonResponse(answer)

    functools.update_wrapper(view, next(iter(methods.values())))
    return view


def not_found(what: str) -> JsonResponse:
    return JsonResponse({"error": f"no such {what}"}, status=404)


def health(request: HttpRequest) -> JsonResponse:
    """200 once the database is migrated and prepared."""
    ready = {"node_node", "wallet_vasp"} <= set(
        connection.introspection.table_names()
    ) and Node.objects.exists()
    return JsonResponse({"status": "ok" if ready else "not prepared"}, status=200 if ready else 503)


# --- nodes


def show_node(node: Node, *, secrets_too: bool = False) -> dict:
    shown = {
        "node_id": node.id,
        "name": node.name,
        "network": node.network,
        "public_key": node.public_key,
        "balance_msats": node.balance_msats,
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
        balance_msats=_sats(body, "balance_sats", 0) * 1000,
    )
    shown = show_node(node, secrets_too=True)
    shown["base_url"] = request.build_absolute_uri("/graphql/server/2023-09-13")
    return JsonResponse(shown, status=201)


def _sats(body: dict, key: str, default: int) -> int:
    value = body.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 2_100_000_000_000_000:
        raise BadRequest(f"{key} must be a whole number of sats")
    return value


def get_node(request: HttpRequest, node_id: str) -> dict | JsonResponse:
    node = Node.objects.filter(pk=node_id).first()
    return show_node(node) if node else not_found("node")


def patch_node(request: HttpRequest, node_id: str) -> dict | JsonResponse:
    """Point the webhooks somewhere else, or change the webhook key (for rotation tests)."""
    node, body = Node.objects.filter(pk=node_id).first(), read_json(request)
    if node is None:
        return not_found("node")
    for key, column in (("webhook_url", "webhook_url"), ("webhook_signing_key", "webhook_secret")):
        if isinstance(body.get(key), str):
            setattr(node, column, body[key])
    node.save(update_fields=["webhook_url", "webhook_secret"])
    return show_node(node)


def fund_node(request: HttpRequest, node_id: str) -> dict | JsonResponse:
    node = Node.objects.filter(pk=node_id).first()
    if node is None:
        return not_found("node")
    nodes.fund(node=node, amount_msats=_sats(read_json(request), "amount_sats", 0) * 1000)
    node.refresh_from_db()
    return show_node(node)


# --- ledger


def list_ledger(request: HttpRequest) -> dict:
    """Every payment with both sides, oldest first; `?payment_hash=` and `?node_id=` narrow it."""
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
    }


def show_payment(row: Payment) -> dict:
    return {
        "payment_hash": row.payment_hash,
        "status": row.status,
        "failure_reason": row.failure_reason or None,
        "amount_msats": row.amount_msats,
        "is_uma": row.is_uma,
        "from": {"node_id": row.payer_id, "name": row.payer.name, "payment_id": row.outgoing_id},
        "to": {"node_id": row.payee_id, "name": row.payee.name, "payment_id": row.incoming_id}
        if row.payee
        else None,
        "invoice_id": row.invoice_id,
        "invoice_amount_msats": row.invoice.amount_msats if row.invoice else None,
        "bolt11": row.bolt11,
        "idempotency_key": row.idempotency_key,
        "created_at": shapes.when(row.created_at),
        "resolved_at": shapes.when(row.resolved_at),
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
                "canceled_at": shapes.when(row.canceled_at),
                "expires_at": shapes.when(row.expires_at),
            }
            for row in rows[:WEBHOOK_LISTED]
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
    made = [ledger.pay(payer=payer, bolt11=invoice.bolt11, amount_msats=amount) for _ in range(_times(body))]
    return {"payments": [show_payment(row) for row in made]}


def _times(body: dict) -> int:
    times = body.get("times", 1)
    if isinstance(times, bool) or not isinstance(times, int) or not 1 <= times <= 1000:
        raise BadRequest("times must be between 1 and 1000")
    return times


def resolve_payment(request: HttpRequest, payment_id: str) -> dict | JsonResponse:
    """End a PENDING payment now: `{"to": "SUCCESS"}` or a failure reason."""
    _, _, uuid = payment_id.partition(":")
    try:
        ended = ledger.resolve(pk=uuid or payment_id, to=str(read_json(request).get("to") or ""))
    except (Payment.DoesNotExist, ValueError):
        return not_found("payment")
    return {
        "ended": ended,
        **show_payment(
            Payment.objects.select_related("payer", "payee", "invoice").get(pk=uuid or payment_id)
        ),
    }


# --- faults


def show_fault(row: Fault) -> dict:
    shown = {
        "id": row.pk,
        "kind": row.kind,
        "count": row.remaining,
        "delay_s": row.delay_s,
        "match": row.match,
    }
    return shown | row.params | {"hits": row.hits}


def list_faults(request: HttpRequest) -> dict:
    kinds = {
        kind.name: {"group": kind.group, "says": kind.says, "match": kind.match, "delay_s": kind.delay_s}
        | kind.params
        for kind in KINDS.values()
    }
    return {"faults": [show_fault(row) for row in Fault.objects.order_by("pk")], "kinds": kinds}


def post_fault(request: HttpRequest) -> JsonResponse:
    """`{"kind", "count"?, "delay_s"?, "match"?, and the kind's own parameters}`."""
    body = read_json(request)
    named = {key: body.pop(key) for key in ("count", "delay_s", "match") if body.get(key) is not None}
    row = faults.switch_on(kind=str(body.pop("kind", "")), params=body, **named)
    return JsonResponse(show_fault(row), status=201)


def delete_faults(request: HttpRequest) -> dict:
    """All of them, or with `?kind=` those of one kind."""
    rows = Fault.objects.all()
    if kind := request.GET.get("kind"):
        rows = rows.filter(kind=kind)
    return {"deleted": rows.delete()[0]}


def delete_fault(request: HttpRequest, fault_id: int) -> dict:
    return {"deleted": Fault.objects.filter(pk=fault_id).delete()[0]}


# --- webhooks


def list_webhooks(request: HttpRequest) -> dict:
    rows = Delivery.objects.order_by("-pk")
    if node_id := request.GET.get("node_id"):
        rows = rows.filter(node_id=node_id)
    return {
        "webhooks": [
            {
                "event_id": row.event_id,
                "event_type": row.event_type,
                "entity_id": row.entity_id,
                "node_id": row.node_id,
                "state": row.state,
                "attempts": row.attempts,
                "answer": row.answer,
                "delivered_at": shapes.when(row.delivered_at),
            }
            for row in rows[:WEBHOOK_LISTED]
        ]
    }


def resend_webhooks(request: HttpRequest) -> dict:
    """Send again what was sent, lost or given up about a payment: `{"payment_hash" or "entity_id", "times"?}`."""
    body = read_json(request)
    entity_ids = [str(body["entity_id"])] if body.get("entity_id") else []
    for row in Payment.objects.filter(payment_hash=str(body.get("payment_hash") or "-")):
        entity_ids += [row.incoming_id, row.outgoing_id]
    return {"queued": webhooks.send_again(entity_ids=entity_ids, times=_times(body))}


def send_webhook(request: HttpRequest) -> dict | JsonResponse:
    """Any webhook to a node's owner: `{"node_id", "event_type", "entity_id", "event_id"?, "sign": "ok" | "bad" |
    "none", "times"?}`."""
    body = read_json(request)
    node = Node.objects.filter(pk=str(body.get("node_id"))).first()
    if node is None or not node.webhook_url:
        return not_found("node with a webhook URL")
    event_id = str(body.get("event_id") or secrets.token_hex(16))
    named = {
        "event_type": str(body.get("event_type") or "PAYMENT_FINISHED"),
        "entity_id": str(body.get("entity_id") or ""),
    }
    text = webhooks.write_body(event_id=event_id, **named)
    key = {"bad": secrets.token_hex(16), "none": ""}.get(str(body.get("sign", "ok")), node.webhook_secret)
    signature = webhooks.sign(secret=key, body=text) if key else ""
    row = dict(node=node, event_id=event_id, body=text, signature=signature, **named)
    Delivery.objects.bulk_create(Delivery(**row) for _ in range(_times(body)))
    wakeup.wake()
    return {"event_id": event_id}
