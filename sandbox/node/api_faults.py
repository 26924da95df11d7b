"""JSON API of faults and webhooks."""

import secrets

from django.http import HttpRequest, JsonResponse

from node import faults, objects, wakeup, webhooks
from node.api import not_found, read_json, times
from node.fault_kinds import KINDS
from node.models import Delivery, Fault, Node, Payment

LISTED = 500


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
    kind = request.GET.get("kind")
    return {"deleted": faults.switch_off(kind=kind) if kind else faults.switch_off()}


def delete_fault(request: HttpRequest, fault_id: int) -> dict:
    return {"deleted": faults.switch_off(pk=fault_id)}


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
                "delivered_at": objects.when(row.delivered_at),
            }
            for row in rows[:LISTED]
        ]
    }


def resend_webhooks(request: HttpRequest) -> dict:
    """Send again whatever was queued about a payment: `{"payment_hash" or "entity_id", "times"?}`."""
    body = read_json(request)
    entity_ids = [str(body["entity_id"])] if body.get("entity_id") else []
    for row in Payment.objects.filter(payment_hash=str(body.get("payment_hash") or "-")):
        entity_ids += [row.incoming_id, row.outgoing_id]
    return {"queued": webhooks.send_again(entity_ids=entity_ids, times=times(body))}


def send_webhook(request: HttpRequest) -> dict | JsonResponse:
    """Any webhook to a node's owner: `{"node_id", "event_type", "entity_id", "event_id"?, "times"?,
    "sign": "ok" | "bad" | "none", "key"? (another one to sign with: an old one)}`."""
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
    right = str(body.get("key") or node.webhook_secret)
    key = {"bad": secrets.token_hex(16), "none": ""}.get(str(body.get("sign", "ok")), right)
    signature = webhooks.sign(secret=key, body=text) if key else ""
    row = dict(node=node, event_id=event_id, body=text, signature=signature, **named)
    Delivery.objects.bulk_create(Delivery(**row) for _ in range(times(body)))
    wakeup.wake()
    return {"event_id": event_id}
