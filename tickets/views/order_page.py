"""Contents of the pages of one order, and the version by which an open page learns of changes."""

import uuid
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery, Sum
from django.utils import timezone

from payments.models import IncomingPayment, Invoice, Payment, Refund
from tickets.models import Mail, Order, OrderQuerySet, Ticket
from tickets.services.email_corrections import did_you_mean, may_correct
from tickets.services.moved_events import may_have_money_back
from tickets.services.refunds import waiting_refunds
from ticketsuma.money import MSATS_PER_SAT
from ticketsuma.qr import qr_svg
from ticketsuma.web.sse import Hub, version_of_row

# An ended order's page goes on asking for this long whether money came all the same.
LATE_MONEY = timedelta(hours=1)
# Everything by which an order's page would look different; the last nine are counted by `watched`.
WATCHED_FIELDS = (
    "status",
    "generation",
    "email",
    "event__canceled_at",
    "payment__status",
    "payment__push",
    "payment__uma_address",
    "watched_invoice",
    "watched_void",
    "watched_replaced",
    "watched_arrived",
    "watched_refunds",
    "watched_sent",
    "watched_needs_address",
    "watched_failed",
    "watched_mail_stuck",
)


def watched(orders: OrderQuerySet) -> OrderQuerySet:
    """`orders`, each with all of WATCHED as it was in one and the same instant."""
    refunds: QuerySet[Any, Any]
    refunds = Refund.objects.filter(incoming_payment__payment=OuterRef("payment")).order_by()
    refunds = refunds.values("incoming_payment__payment")
    arrived = IncomingPayment.objects.filter(payment=OuterRef("payment")).order_by().values("payment")
    open_invoice = Invoice.objects.filter(
        payment=OuterRef("payment"), slot=Invoice.Slot.PLAIN, status=Invoice.Status.OPEN
    )

    mail = Mail.objects.filter(order=OuterRef("pk"), kind=Mail.Kind.TICKETS, to=OuterRef("email"))
    stuck = Q(status=Mail.Status.FAILED) | Q(status=Mail.Status.DUE, failing_since__isnull=False)

    def count(**having) -> Subquery:
        return Subquery(refunds.annotate(n=Count("pk", filter=Q(**having))).values("n"))

    tickets = Ticket.objects.filter(order=OuterRef("pk")).order_by().values("order")
    return orders.annotate(
        watched_void=Subquery(tickets.annotate(n=Count("voided_at")).values("n")),
        watched_replaced=Subquery(tickets.annotate(n=Sum("generation")).values("n")),
        watched_invoice=Subquery(open_invoice.values("pk")[:1]),
        watched_arrived=Subquery(arrived.annotate(n=Count("pk")).values("n")),
        watched_refunds=count(),
        watched_sent=count(status=Refund.Status.SENT),
        watched_needs_address=count(status=Refund.Status.NEEDS_ADDRESS),
        watched_failed=count(status=Refund.Status.FAILED),
        watched_mail_stuck=Exists(mail.filter(stuck)),
        mail_status=Subquery(mail.values("status")[:1]),
    )


def read_states(order_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, tuple]:
    """One query: WATCHED of each order."""
    rows = watched(Order.objects.filter(pk__in=order_ids)).values_list("pk", *WATCHED_FIELDS)
    return {row[0]: row[1:] for row in rows}


def order_version(order: Order) -> str:
    """The version of a page made from this row, which `watched` loaded.

    Not of the row as it is now: what changed since it was loaded is not on the page, and must be fetched.
    """
    return version_of_row(order, WATCHED_FIELDS)


hub = Hub(read_states)


def order_page(order: Order) -> dict:
    """The context of an order's page and of its live part: `order` is `watched`, with event and payment."""
    payment = order.payment
    context: dict[str, Any] = {
        "order": order,
        "event": order.event,
        "payment": payment,
        "tickets": list(order.tickets.select_related("check_in")) if order.is_paid else [],
        "version": order_version(order),
        "seconds_left": max(0, int((order.expires_at - timezone.now()).total_seconds())),
    }
    context["may_correct_email"] = may_correct(order)
    context["email_guess"] = did_you_mean(order.email) if context["may_correct_email"] else ""
    context["may_have_money_back"] = may_have_money_back(order)
    if payment and order.is_pending:
        invoice = payment.open_invoice
        # The scheme lets a phone's own camera open a wallet; in capitals the code stays coarse.
        qr = qr_svg(f"LIGHTNING:{invoice.bolt11.upper()}") if invoice else ""
        context |= {"invoice": invoice, "qr": qr}
        context["push"] = payment.push
    elif payment:
        context |= money_back(payment)
    context |= how_to_watch(order, money_moves=context.get("money_moves", False))
    for ticket in context["tickets"]:
        ticket.order = order
        ticket.qr = qr_svg(ticket.ticket_code) if ticket.admits else ""
    return context


def how_to_watch(order: Order, *, money_moves: bool) -> dict:
    """How an open page learns of changes: `watch` is "closely" (it listens), "slowly" (it asks now and then,
    for `watch_seconds`), or empty where nothing can change any more.
    """
    if order.is_pending or money_moves or (order.is_paid and not order.event.is_past):
        return {"watch": "closely"}
    if order.payment_id and order.ended_at:
        left = order.ended_at + LATE_MONEY - timezone.now()
        if left > timedelta():
            return {"watch": "slowly", "watch_seconds": int(left.total_seconds())}
    return {"watch": ""}


def money_back(payment: Payment) -> dict:
    """What arrived for this payment and where it went."""
    arrived = list(payment.incoming_payments.prefetch_related("refunds"))
    refunds: list[Any] = [refund for incoming in arrived for refund in incoming.refunds.all()]
    money_moves = any(refund.status != Refund.Status.SENT for refund in refunds)
    redirectable = set(waiting_refunds(payment.order).values_list("pk", flat=True)) if money_moves else set()
    for refund in refunds:
        refund.amount_sats = refund.amount_msats // MSATS_PER_SAT
        refund.may_be_redirected = refund.pk in redirectable
    return {
        "arrived": arrived,
        "refunds": refunds,
        "money_moves": money_moves,
        "needs_address": bool(redirectable),
    }
