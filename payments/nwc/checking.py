"""Checks of connected wallets: abilities, and what is left of the budget; the worker asks."""

from typing import Any

from django.db import transaction

from ticketsuma import encryption
from ticketsuma.errors import DomainError
from ticketsuma.live.news import tell_pages

from . import relays
from .link import BadLink, Link
from .models import ConnectedWallet
from .protocol import Info, RelayAway, SaidNo, Silent

SECONDS = 6.0


class NoAnswer(DomainError):
    code = "wallet_silent"


def check_wallet(wallet: ConnectedWallet) -> None:
    """Ask it, and note the answer; the worker's handler. Raises NoAnswer, to be tried once more.

    A wallet that is forgotten meanwhile stays forgotten: nothing is written but to the row that was read.
    """
    try:
        link = wallet.link()
    except (encryption.Unreadable, BadLink):
        _fail(wallet, "unreadable")
        return
    try:
        info = relays.in_background(relays.info_of(link, seconds=SECONDS)).result()
    except (Silent, RelayAway) as error:
        if wallet.status == wallet.Status.CHECKING and wallet.attempts >= wallet.max_attempts:
            _fail(wallet, NoAnswer.code)
            return
        raise NoAnswer from error
    if "pay_invoice" not in info.methods:
        _fail(wallet, "cannot_pay")
        return
    can = {
        "has_nip44": info.has_nip44,
        "can_receive": "make_invoice" in info.methods,
        "tells_budget": "get_budget" in info.methods,
    }
    budget = _budget(link, info) if can["tells_budget"] else {}
    with transaction.atomic():
        wallet.advance(wallet.Status.READY, last_error="", **can, **_read(budget), **wallet.finished())
        _tell(wallet)


def _budget(link: Link, info: Info) -> dict[str, Any]:
    """What it says of its budget; nothing where it says nothing (`get_budget` is optional in NIP-47)."""
    talk = relays.ask(link, "get_budget", {}, nip44=info.has_nip44, seconds=SECONDS)
    try:
        return relays.in_background(talk).result()
    except (SaidNo, Silent, RelayAway):
        return {}


def _read(budget: dict[str, Any]) -> dict[str, Any]:
    total, spent, period = (budget.get(key) for key in ("total_budget", "used_budget", "renewal_period"))
    if not all(type(msats) is int and 0 <= msats < 10**18 for msats in (total, spent)):
        return {"budget_msats": None, "spent_msats": None, "budget_period": ""}
    known = period if period in ("daily", "weekly", "monthly", "yearly", "never") else ""
    return {"budget_msats": total, "spent_msats": spent, "budget_period": known}


def _fail(wallet: ConnectedWallet, why: str) -> None:
    if wallet.status == wallet.Status.READY:
        type(wallet).objects.filter(pk=wallet.pk).update(**wallet.finished())
        return
    with transaction.atomic():
        wallet.advance(wallet.Status.FAILED, last_error=why, **wallet.finished())
        _tell(wallet)


def _tell(wallet: ConnectedWallet) -> None:
    if wallet.payment_id:
        tell_pages(f"payment-{wallet.payment_id}")
