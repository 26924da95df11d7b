"""Refunds to connected wallets, by `make_invoice` (NIP-47), where their buyer has no address to send to."""

from payments.models import IncomingPayment
from payments.uma.arrival import CannotReceive
from payments.uma.send import AskedInvoice, BadAnswer, check_bolt11
from payments.uma.unreached import VaspUnreachable
from ticketsuma import encryption

from . import relays
from .link import BadLink
from .models import ConnectedWallet
from .protocol import RelayAway, SaidNo, Silent

SECONDS = 10.0


def address_of(incoming: IncomingPayment) -> str:
    """What a refund of `incoming` is addressed to: the wallet that paid it, or that its order has.

    Empty when neither is there, or makes invoices.
    """
    can = ConnectedWallet.objects.filter(status=ConnectedWallet.Status.READY, can_receive=True)
    paid = can.filter(taps__invoice=incoming.invoice_id).first() if incoming.invoice_id else None
    wallet = paid or can.filter(payment=incoming.payment_id, payment__isnull=False).first()
    return f"{ConnectedWallet.ADDRESS}{wallet.pk}" if wallet else ""


def request_invoice_from(address: str, amount_msats: int) -> AskedInvoice:
    """A BOLT11 of the wallet over exactly `amount_msats`; raises as `payments.uma.send` does."""
    pk = address.removeprefix(ConnectedWallet.ADDRESS)
    wallet = ConnectedWallet.objects.filter(pk=pk, can_receive=True).first()
    if wallet is None:
        raise CannotReceive
    try:
        link = wallet.link()
    except (encryption.Unreadable, BadLink) as error:
        raise CannotReceive from error
    params = {"amount": amount_msats, "description": "Refund"}
    talk = relays.ask(link, "make_invoice", params, nip44=wallet.has_nip44, seconds=SECONDS)
    try:
        made = relays.in_background(talk).result()
    except SaidNo as error:
        raise CannotReceive from error
    except (Silent, RelayAway) as error:
        raise VaspUnreachable from error
    text = made.get("invoice")
    if not isinstance(text, str):
        raise BadAnswer
    return check_bolt11(text, amount_msats)
