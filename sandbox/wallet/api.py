"""JSON API of the wallet: the same acts as on its pages."""

from django.http import HttpRequest, JsonResponse

from node import objects
from node.api import BadRequest, not_found, read_json, whole_sats
from node.models import Invoice
from wallet import connect, requests, send, users
from wallet.balances import CannotPay, make_receivable
from wallet.models import Connection, Entry, PostTransaction, UmaRequest, User, Vasp

HISTORY = 200


def show_request(row: UmaRequest) -> dict:
    return {
        "id": str(row.id),
        "status": "expired" if row.status == UmaRequest.Status.WAITING and row.is_expired else row.status,
        "receiver_uma": row.receiver_uma,
        "amount": row.amount,
        "currency": row.currency,
        "decimals": row.decimals,
        "amount_sats": row.amount if row.currency == "SAT" else None,
        "uma_invoice": row.uma_invoice,
        "invoice_uuid": row.invoice_uuid,
        "error": row.error or None,
        "expires_at": objects.when(row.expires_at),
        "created_at": objects.when(row.created_at),
    }


def show_entry(row: Entry) -> dict:
    return {
        "id": str(row.id),
        "direction": "in" if row.is_incoming else "out",
        "amount_sats": row.amount_sats,
        "amount_msats": row.amount_msats,
        "status": row.status,
        "error": row.error or None,
        "counterparty": row.counterparty,
        "note": row.note,
        "success_message": row.thanks or None,
        "success_url": row.thanks_url or None,
        "payment_hash": row.payment.payment_hash,
        "preimage": row.payment.invoice.preimage
        if row.status == Entry.Status.SUCCEEDED and row.payment.invoice
        else None,
        "request_id": str(row.request_id) if row.request_id else None,
        "created_at": objects.when(row.created_at),
    }


def show_wallet(user: User) -> dict:
    entries = user.entries.select_related("payment__invoice")[:HISTORY]
    return {
        "name": user.name,
        "uma_address": user.uma_address,
        "lightning_address": user.lightning_address,
        "balance_sats": user.balance_sats,
        "balance_msats": user.balance_msats,
        "requests": [show_request(row) for row in user.requests.order_by("-created_at")[:HISTORY]],
        "history": [show_entry(row) for row in entries],
    }


def list_wallets(request: HttpRequest) -> dict:
    rows = User.objects.order_by("name")
    return {
        "earned_msats": Vasp.objects.values_list("earned_msats", flat=True).get(),
        "wallets": [
            {"name": row.name, "uma_address": row.uma_address, "balance_sats": row.balance_sats}
            for row in rows
        ],
    }


def post_wallet(request: HttpRequest) -> JsonResponse:
    """A new user: `{"name", "balance_sats"?}`; 200 with the old one when the name is taken."""
    body = read_json(request)
    try:
        user, is_new = users.ensure_user(
            name=str(body.get("name", "")).lower(), balance_sats=whole_sats(body, "balance_sats", 100_000)
        )
    except ValueError as error:
        raise BadRequest(str(error)) from error
    return JsonResponse(show_wallet(user), status=201 if is_new else 200)


def get_wallet(request: HttpRequest, name: str) -> dict | JsonResponse:
    user = User.objects.filter(pk=name.lower()).first()
    return show_wallet(user) if user else not_found("wallet")


def post_funds(request: HttpRequest, name: str) -> dict | JsonResponse:
    user = User.objects.filter(pk=name.lower()).first()
    if user is None:
        return not_found("wallet")
    users.add_sats(user=user, amount_sats=whole_sats(read_json(request), "amount_sats", 0))
    user.refresh_from_db()
    return show_wallet(user)


def post_pay(request: HttpRequest, name: str) -> dict | JsonResponse:
    """`{"to": BOLT11 | UMA invoice | address, "amount_sats"?, "comment"?}`.

    200 with the history line, whose status may be failed or pending; 422 with limits when the amount is
    missing; 409 when the wallet refuses.
    """
    user = User.objects.filter(pk=name.lower()).first()
    if user is None:
        return not_found("wallet")
    body = read_json(request)
    amount = whole_sats(body, "amount_sats") or None
    to, comment = str(body.get("to") or ""), str(body.get("comment") or "")
    return _answer_entry(lambda: send.pay(user=user, to=to, amount_sats=amount, comment=comment))


def _answer_entry(act) -> dict | JsonResponse:
    try:
        return show_entry(act())
    except CannotPay as error:
        if error.needs is not None:
            return JsonResponse({"error": str(error), **error.needs}, status=422)
        return JsonResponse({"error": str(error)}, status=409)


def _find_request(name: str, request_id) -> UmaRequest | None:
    return UmaRequest.objects.select_related("user").filter(pk=request_id, user_id=name.lower()).first()


def post_approve(request: HttpRequest, name: str, request_id) -> dict | JsonResponse:
    row = _find_request(name, request_id)
    return _answer_entry(lambda: requests.approve(row)) if row else not_found("request")


def post_decline(request: HttpRequest, name: str, request_id) -> dict | JsonResponse:
    row = _find_request(name, request_id)
    if row is None:
        return not_found("request")
    try:
        requests.decline(row)
    except CannotPay as error:
        return JsonResponse({"error": str(error)}, status=409)
    return show_request(row)


def list_callbacks(request: HttpRequest) -> dict:
    """What other VASPs reported after payments (UMAD-07), newest first."""
    rows = PostTransaction.objects.order_by("-pk")[:HISTORY]
    return {
        "callbacks": [
            {
                "domain": row.domain,
                "is_verified": row.is_verified,
                "message": row.message,
                "received_at": objects.when(row.received_at),
            }
            for row in rows
        ]
    }


def post_invoice(request: HttpRequest, name: str) -> dict | JsonResponse:
    """A BOLT11 that credits the user: `{"amount_sats", "memo"?, "expiry_s"?}`; 0 lets the payer choose."""
    user = User.objects.filter(pk=name.lower()).first()
    if user is None:
        return not_found("wallet")
    body = read_json(request)
    receivable = make_receivable(
        user=user,
        amount_msats=whole_sats(body, "amount_sats", 0) * 1000,
        expiry_s=body.get("expiry_s") or 3600,
        kind=Invoice.Kind.STANDARD,
        memo=str(body.get("memo") or ""),
    )
    invoice = receivable.invoice
    return {
        "bolt11": invoice.bolt11,
        "payment_hash": invoice.payment_hash,
        "expires_at": objects.when(invoice.expires_at),
    }


# -- Nostr Wallet Connect ---------------------------------------------------------------------
def post_connection(request: HttpRequest, name: str) -> dict | JsonResponse:
    """A link for a program that may spend up to `{"budget_sats"?}`; null is without end."""
    user = User.objects.filter(pk=name.lower()).first()
    if user is None:
        return not_found("wallet")
    budget_sats = whole_sats(read_json(request), "budget_sats", connect.BUDGET_SATS)
    return {"link": connect.link_of(connect.connect(user, budget_sats=budget_sats))}


def delete_connections(request: HttpRequest, name: str) -> dict:
    """All links of a wallet are revoked."""
    return {"revoked": Connection.objects.filter(user_id=name.lower()).delete()[0]}


def get_nwc(request: HttpRequest) -> dict:
    """For the relay's process: its key, and what the wallet can do."""
    return {"secret": connect.service_secret(), "methods": list(connect.METHODS)}


def post_nwc(request: HttpRequest) -> dict:
    """A request that came over the relay: `{"client", "method", "params"}`."""
    body = read_json(request)
    params = body.get("params")
    asked = {"client": str(body.get("client")), "method": str(body.get("method"))}
    return {"answers": connect.answers(**asked, params=params if isinstance(params, dict) else {})}
