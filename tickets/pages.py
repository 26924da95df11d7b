"""What the pages of one order show, and how an open page learns that it changed."""

import uuid
from collections.abc import Iterable

import segno
from django.db.models import Count, OuterRef, Q, Subquery
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe

from payments.models import Invoice, Payment, Refund
from ticketsuma.live import Hub, version_of
from ticketsuma.money import MSATS_PER_SAT

from .models import Order


def read_states(order_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, tuple]:
    """One query: for each order, everything by which its page would look different."""
    refunds = Refund.objects.filter(incoming_payment__payment=OuterRef("payment")).order_by()
    refunds = refunds.values("incoming_payment__payment")
    open_invoice = Invoice.objects.filter(payment=OuterRef("payment"), status=Invoice.Status.OPEN)
    rows = Order.objects.filter(pk__in=order_ids).values_list(
        "pk",
        "status",
        "event__canceled_at",
        "payment__status",
        "payment__push",
        "payment__uma_address",
        Subquery(open_invoice.values("pk")[:1]),
        Subquery(refunds.annotate(n=Count("pk")).values("n")),
        *(
            Subquery(refunds.annotate(n=Count("pk", filter=Q(status=status))).values("n"))
            for status in (Refund.Status.SENT, Refund.Status.NEEDS_ADDRESS, Refund.Status.FAILED)
        ),
    )
    return {row[0]: row[1:] for row in rows}


hub = Hub(read_states)


def order_page(order: Order) -> dict:
    """The context of an order's page and of its live part: `order` with its event and payment loaded."""
    payment = order.payment
    context = {
        "order": order,
        "event": order.event,
        "payment": payment,
        "tickets": list(order.tickets.select_related("check_in")) if order.is_paid else [],
        "version": version_of(read_states([order.pk]).get(order.pk)),
        "seconds_left": max(0, int((order.expires_at - timezone.now()).total_seconds())),
    }
    if payment and order.is_pending:
        invoice = payment.open_invoice
        context |= {"invoice": invoice, "qr": qr_svg(invoice.bolt11.upper()) if invoice else ""}
        context["push"] = payment.push
    elif payment:
        context |= money_back(payment)
    for ticket in context["tickets"]:
        ticket.order = order
        ticket.qr = qr_svg(ticket.ticket_code) if ticket.admits else ""
    return context


def money_back(payment: Payment) -> dict:
    """What arrived for this payment and where it went."""
    arrived = list(payment.incoming_payments.prefetch_related("refunds"))
    refunds = [refund for incoming in arrived for refund in incoming.refunds.all()]
    for refund in refunds:
        refund.amount_sats = refund.amount_msats // MSATS_PER_SAT
    return {
        "arrived": arrived,
        "refunds": refunds,
        "money_moves": any(refund.status != Refund.Status.SENT for refund in refunds),
        "needs_address": any(refund.status == Refund.Status.NEEDS_ADDRESS for refund in refunds),
    }


def qr_svg(text: str) -> SafeString:
    """A QR code as inline SVG for a white frame; upper-case text makes it coarser, so easier to scan."""
    code = segno.make(text, error="m", micro=False)
    return mark_safe(code.svg_inline(border=0, omitsize=True, svgclass=None, lineclass=None))  # noqa: S308
