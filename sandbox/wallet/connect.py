"""Nostr Wallet Connect of the wallet (NIP-47): connections of its users, and what each request does.

The relay and the encryption are `relay.py`'s, a process of its own, which brings every request here by HTTP.
"""

import secrets
import time

from django.conf import settings
from django.db import transaction
from django.db.models import F

from node import bolt11_codec, faults
from node.ledger import Refused
from node.models import Invoice
from wallet.balances import CannotPay, make_receivable, pay_bolt11
from wallet.models import Connection, Entry, User, Vasp

BUDGET_SATS = 200_000
METHODS = ("pay_invoice", "make_invoice", "get_balance", "get_budget", "get_info")
_REASONS = {"INSUFFICIENT_BALANCE": "INSUFFICIENT_BALANCE"}


class No(Exception):
    """The wallet refuses, with a code of NIP-47's."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code, self.message = code, message


def service_secret() -> str:
    """The key by which the wallet signs its answers, made once."""
    with transaction.atomic():
        vasp = Vasp.objects.select_for_update().get()
        if not vasp.nwc_secret:
            vasp.nwc_secret = secrets.token_hex(32)
            vasp.save(update_fields=["nwc_secret"])
    return vasp.nwc_secret


def connect(user: User, *, budget_sats: int | None = BUDGET_SATS) -> Connection:
    """Another connection for a program that may spend up to the budget; None is without end."""
    from nostr_sdk import Keys

    keys = Keys.generate()
    return Connection.objects.create(
        user=user, client=keys.public_key().to_hex(), secret=keys.secret_key().to_hex(),
        budget_msats=None if budget_sats is None else budget_sats * 1000,
    )  # fmt: skip


def link_of(connection: Connection) -> str:
    """What its user pastes into a shop."""
    from nostr_sdk import Keys

    wallet = Keys.parse(service_secret()).public_key().to_hex()
    relay = f"ws%3A%2F%2F{settings.SANDBOX_RELAY.replace(':', '%3A')}"
    about = f"secret={connection.secret}&lud16={connection.user.lightning_address}"
    return f"nostr+walletconnect://{wallet}?relay={relay}&{about}"


def answers(*, client: str, method: str, params: dict) -> list[dict]:
    """What the wallet answers to a request, usually once; never, with some faults. May take its time."""
    connection = Connection.objects.select_related("user").filter(client=client).first()
    if connection is None:
        return [_error(method, "UNAUTHORIZED", "There is no such connection.")]
    name = connection.user_id
    if method == "pay_invoice" and faults.is_on("nwc_silent", name):
        return []
    if method == "pay_invoice" and (late := faults.strike("nwc_late", name)):
        time.sleep(late.delay_s)
    if method == "pay_invoice" and (no := faults.strike("nwc_refuses", name)):
        return [_error(method, no.params["code"], "The wallet refuses.")]
    try:
        said = {"result_type": method, "result": _do(connection, method, params), "error": None}
    except No as no:
        said = _error(method, no.code, no.message)
    return [said] * (2 if faults.is_on("nwc_answers_twice", name) else 1)


def _error(method: str, code: str, message: str) -> dict:
    return {"result_type": method, "error": {"code": code, "message": message}, "result": None}


def _do(connection: Connection, method: str, params: dict) -> dict:
    user = connection.user
    if method == "pay_invoice":
        return _pay(connection, str(params.get("invoice") or ""))
    if method == "make_invoice":
        return _make_invoice(user, params)
    if method == "get_balance":
        return {"balance": user.balance_msats}
    if method == "get_budget":
        if connection.budget_msats is None:
            return {}
        return {
            "used_budget": connection.spent_msats, "total_budget": connection.budget_msats,
            "renewal_period": "never",
        }  # fmt: skip
    if method == "get_info":
        return {"alias": "Sandbox wallet", "network": user_network(), "methods": list(METHODS)}
    raise No("NOT_IMPLEMENTED", "The sandbox does not do that.")


def user_network() -> str:
    return settings.LIGHTSPARK_NETWORK.lower()


def _pay(connection: Connection, bolt11: str) -> dict:
    try:
        msats = bolt11_codec.read_bolt11(bolt11).amount_msats or 0
    except bolt11_codec.NotBolt11 as error:
        raise No("OTHER", str(error)) from error
    if not _reserve(connection, msats):
        raise No("QUOTA_EXCEEDED", "That is more than is left of the budget.")
    try:
        if faults.is_on("nwc_pays_twice", connection.user_id):
            faults.switch_on(
                kind="duplicate_payment", count=1, match=bolt11_codec.read_bolt11(bolt11).payment_hash
            )
        entry = pay_bolt11(user=connection.user, bolt11=bolt11)
    except CannotPay as error:
        _give_back(connection, msats)
        code = "INSUFFICIENT_BALANCE" if str(error).startswith("Not enough sats") else "PAYMENT_FAILED"
        raise No(code, str(error)) from error
    if entry.status == Entry.Status.FAILED:
        _give_back(connection, msats)
        raise No(_REASONS.get(entry.error, "PAYMENT_FAILED"), entry.error)
    wrong = faults.is_on("nwc_wrong_preimage", connection.user_id)
    invoice = entry.payment.invoice
    preimage = secrets.token_hex(32) if wrong or invoice is None else invoice.preimage
    return {"preimage": preimage, "fees_paid": 0}


def _reserve(connection: Connection, msats: int) -> bool:
    rows = Connection.objects.filter(pk=connection.pk)
    if connection.budget_msats is not None:
        rows = rows.filter(budget_msats__gte=F("spent_msats") + msats)
    return bool(rows.update(spent_msats=F("spent_msats") + msats))


def _give_back(connection: Connection, msats: int) -> None:
    Connection.objects.filter(pk=connection.pk).update(spent_msats=F("spent_msats") - msats)


def _make_invoice(user: User, params: dict) -> dict:
    try:
        made = make_receivable(
            user=user, amount_msats=params.get("amount"), expiry_s=params.get("expiry") or 3600,
            kind=Invoice.Kind.STANDARD, memo=str(params.get("description") or ""),
        )  # fmt: skip
    except Refused as error:
        raise No("OTHER", str(error)) from error
    invoice = made.invoice
    return {
        "type": "incoming", "invoice": invoice.bolt11, "payment_hash": invoice.payment_hash,
        "amount": invoice.amount_msats, "created_at": int(invoice.created_at.timestamp()),
        "expires_at": int(invoice.expires_at.timestamp()),
    }  # fmt: skip
