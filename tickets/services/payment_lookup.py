"""Claims of buyers who already paid: finds the order that a payment was for, and applies it."""

import hashlib
import logging
import re
from collections.abc import Iterable
from datetime import timedelta
from typing import cast

import bolt11
from bolt11.exceptions import Bolt11Exception
from django.db.models import Q
from django.utils import timezone

from accounts.rate_limits import hit
from payments.models import Invoice
from payments.node import lightspark
from payments.services import settle_node_payment
from tickets.models import Mail, Order
from ticketsuma.addresses import InvisibleSign, normalize_address
from ticketsuma.errors import DomainError

from .orders import queue_mail

logger = logging.getLogger(__name__)

# A payment is watched this long after its order's end.
CLAIM_WATCH_PERIOD = timedelta(hours=24)
MAX_INVOICES_LISTED = 10
_HEX_32_BYTES = re.compile(r"[0-9a-f]{64}")


def check_order(order: Order) -> Order:
    """Ask the node about every invoice of this order and settle what came; the order as it is then.

    Raises NodeUnknown when the node does not answer. Call it outside a transaction.
    """
    if order.payment_id:
        _settle(Invoice.objects.filter(payment=order.payment_id, invoice_id__isnull=False))
    order.refresh_from_db()
    return order


def check_now(order: Order, *, ip: str) -> Order:
    """`check_order`, as often as CHECK_PER_ORDER lets `ip` ask; raises RateLimited."""
    hit("CHECK_PER_ORDER", ip, order.pk.hex)
    return check_order(order)


def claim_quietly(proof: str) -> None:
    """`claim` for a stranger: that the node was asked, and did not answer, is told to staff only."""
    try:
        claim(proof)
    except DomainError as error:
        logger.warning("a claimed payment could not be looked up: %s", error.code)


def claim(proof: str) -> None:
    """Repair whatever order `proof` belongs to and mail its buyer; the asker learns nothing.

    `proof` is a payment hash, a preimage, a BOLT11 or the UMA address that paid. Raises NodeUnknown.
    """
    invoices = find_invoices(proof)
    _settle(invoices)
    paid = Order.objects.filter(payment__invoices__in=[i.pk for i in invoices], status=Order.Status.PAID)
    for order in paid.distinct():
        queue_mail(order, Mail.Kind.TICKETS)


def find_invoices(proof: str) -> list[Invoice]:
    """The invoices that `proof` can be about, newest first."""
    try:
        text = normalize_address(proof)
    except InvisibleSign:
        return []
    opened = (
        Invoice.objects.filter(invoice_id__isnull=False).select_related("payment").order_by("-created_at")
    )
    if _HEX_32_BYTES.fullmatch(text):
        hashes = [text, hashlib.sha256(bytes.fromhex(text)).hexdigest()]
        return list(opened.filter(payment_hash__in=hashes))
    if payment_hash := _hash_of_bolt11(text.removeprefix("lightning:")):
        return list(opened.filter(payment_hash=payment_hash))
    if "@" in text:
        recent = opened.filter(payment__due_at__gt=timezone.now() - CLAIM_WATCH_PERIOD)
        return list(recent.filter(Q(payer=text) | Q(payment__uma_address=text))[:MAX_INVOICES_LISTED])
    return []


def _hash_of_bolt11(text: str) -> str | None:
    if not text.startswith("ln") or len(text) > 2000:
        return None
    try:
        return bolt11.decode(text).payment_hash
    except (Bolt11Exception, ValueError, IndexError, KeyError):
        return None


def _settle(invoices: Iterable[Invoice]) -> None:
    for invoice in invoices:
        for seen in lightspark.incoming_payments_of_invoice(cast(str, invoice.invoice_id)):
            settle_node_payment(seen)
