"""Sending side: quotes come from the receivers, payments are booked in `balances.py`."""

import logging
import re
from datetime import UTC, datetime

import uma

from node import faults
from wallet import post_transaction, quotes
from wallet.balances import CannotPay, pay_bolt11
from wallet.http_client import PeerFailed
from wallet.models import Entry, UmaRequest, User
from wallet.quotes import Quote

ADDRESS = re.compile(r"\$?[a-z0-9._+-]{1,64}@[a-z0-9.-]{1,253}(:\d{1,5})?")
BOLT11 = re.compile(r"ln(bcrt|tbs|tb|bc)[0-9a-z]+")
SCHEME = re.compile(r"^(lightning|uma|lnurlp):(//)?", re.IGNORECASE)
BIP21 = re.compile(r"^bitcoin:[^?]*\?(?:.*&)?lightning=([^&]+)", re.IGNORECASE)
log = logging.getLogger(__name__)


def pay(*, user: User, to: str, amount_sats: int | None = None, comment: str = "") -> Entry:
    """Pay a BOLT11, a UMA invoice, `$x@domain` (UMA) or `x@domain` (LNURL-pay), also as a link.

    Raises CannotPay with a sentence for the user, and `needs` when only the amount is missing.
    """
    target = SCHEME.sub("", BIP21.sub(r"\1", to.strip())).strip().lower()
    if BOLT11.fullmatch(target):
        amount_msats = amount_sats * 1000 if amount_sats else None
        return pay_bolt11(user=user, bolt11=target, amount_msats=amount_msats)
    if target.startswith("uma1"):
        return pay_uma_invoice(user=user, text=target)
    if not ADDRESS.fullmatch(target):
        raise CannotPay(
            "Paste a Lightning invoice, a UMA invoice or an address such as $name@wallet.example."
        )
    ask = quotes.by_uma_address if target.startswith("$") else quotes.by_lightning_address
    return _settle(user, _guarded(ask, user=user, address=target, amount_sats=amount_sats, comment=comment))


def pay_uma_invoice(*, user: User, text: str, request: UmaRequest | None = None) -> Entry:
    """The UMA Request flow (UMAD-08): verify the invoice, send a signed payreq to its callback, pay what
    it answers. Raises CannotPay."""
    invoice = quotes.read_uma_invoice(text)
    expired = invoice.expiration <= datetime.now(UTC).timestamp()
    if expired and not faults.is_on("wallet_ignores_expiry", user.name):
        raise CannotPay("This request has expired.")
    if faults.is_on("wallet_lnurl_only", user.name):
        raise CannotPay("This wallet knows no UMA.")
    entry = _settle(user, _guarded(quotes.by_uma_invoice, user=user, invoice=invoice), request=request)
    if faults.is_on("wallet_pays_twice", user.name):
        try:
            _settle(user, _guarded(quotes.by_uma_invoice, user=user, invoice=invoice), request=request)
        except CannotPay as error:
            log.info("the second payment was refused: %s", error)
    return entry


def _guarded(ask, **given) -> Quote:
    """Everything another server can do wrong becomes one sentence."""
    try:
        return ask(**given)
    except PeerFailed as error:
        raise CannotPay(str(error)) from error
    except uma.UmaException as error:
        raise CannotPay(f"The receiver's answer is not to be trusted: {error.reason}") from error
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        IndexError,
        OverflowError,
        RuntimeError,
    ) as error:
        log.info("unreadable answer", exc_info=error)
        raise CannotPay("The receiver's answer makes no sense.") from error


def _settle(user: User, quote: Quote, *, request: UmaRequest | None = None) -> Entry:
    entry = pay_bolt11(
        user=user,
        bolt11=quote.bolt11,
        counterparty=quote.counterparty,
        note=quote.note,
        is_uma=quote.is_uma,
        request=request,
        thanks=quote.thanks,
        thanks_url=quote.thanks_url,
    )
    if quote.utxo_callback and entry.status == Entry.Status.SUCCEEDED:
        post_transaction.tell(quote.utxo_callback, entry.amount_msats)
    return entry
