"""Contents of the pages of one order, and the version by which an open page learns of changes."""

import functools
import uuid
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db.models import Count, Exists, FilteredRelation, OuterRef, Q, QuerySet, Subquery, Sum, UUIDField
from django.http import Http404
from django.utils import timezone

from payments.models import IncomingPayment, Invoice, Payment, Refund
from payments.nwc.models import ConnectedWallet, Tap
from payments.nwc.services import wallets_for
from payments.quotes import quote, then_and_now
from tickets.links import Replaced
from tickets.models import Mail, Order, OrderLine, OrderQuerySet, Ticket
from tickets.offline_door.statements import qr_text
from tickets.services.email_corrections import did_you_mean, may_correct
from tickets.services.giving_back import is_refundable
from tickets.services.moved_events import may_have_money_back
from tickets.services.refunds import waiting_refunds
from ticketsuma.errors import DomainError
from ticketsuma.kept_queries import KeptQuery, KeptValues, Slot
from ticketsuma.listening import PAGES
from ticketsuma.money import MSATS_PER_SAT
from ticketsuma.qr import qr_svg
from ticketsuma.web.sse import Hub, version_of

# An ended order's page goes on asking for this long whether money came all the same.
LATE_MONEY = timedelta(hours=1)
# Everything by which an order's page would look different; the last eleven are read by `watched`.
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
    "watched_tap",
    "watched_wallet",
)
# For how many orders there is a statement: fewer are filled up with the last one.
ROOMS = (1, 10, 100, 1000)


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

    taps = Tap.objects.filter(payment=OuterRef("payment")).order_by("-created_at")
    wallet = ConnectedWallet.objects.filter(payment=OuterRef("payment"))
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
        watched_tap=Subquery(taps.values("updated_at")[:1]),
        watched_wallet=Subquery(wallet.values("updated_at")),
        mail_status=Subquery(mail.values("status")[:1]),
    )


@functools.lru_cache(maxsize=len(ROOMS))
def _watched(room: int) -> KeptValues:
    """WATCHED_FIELDS and the mail's status of `room` orders, by their ids."""
    ids: Any = [Slot(f"id{place}", UUIDField()) for place in range(room)]
    columns = ("pk", *WATCHED_FIELDS, "mail_status")
    return KeptValues(lambda: watched(Order.objects.filter(pk__in=ids)).values_list(*columns))


def _read(order_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, tuple]:
    """WATCHED_FIELDS and the mail's status of each order, as the database has them; one query for most."""
    wanted, found = list(order_ids), {}
    while wanted:
        room = next((room for room in ROOMS if room >= len(wanted)), ROOMS[-1])
        these, wanted = wanted[:room], wanted[room:]
        these += these[-1:] * (room - len(these))
        for row in _watched(room)(**{f"id{place}": pk for place, pk in enumerate(these)}):
            found[uuid.UUID(str(row[0]))] = row[1:]
    return found


def read_states(order_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, tuple]:
    """WATCHED_FIELDS of each order."""
    return {pk: row[:-1] for pk, row in _read(order_ids).items()}


def changed_lately() -> set[uuid.UUID]:
    """The orders that were changed in the last seconds: more than a settling transaction takes."""
    since = timezone.now() - timedelta(seconds=2)
    return set(Order.objects.filter(updated_at__gt=since).values_list("pk", flat=True)[:1000])


hub = Hub(read_states, changed_lately, PAGES)


@KeptQuery
def _whole(pk: uuid.UUID) -> QuerySet[Any, Any]:
    """The order with its event, its payment, and the invoice that anybody may pay; there is one at most.

    `has_lines` where what it is made of says more than its seats and its amount do.
    """
    open_invoice = FilteredRelation(
        "payment__invoices",
        condition=Q(
            payment__invoices__slot=Invoice.Slot.PLAIN, payment__invoices__status=Invoice.Status.OPEN
        ),
    )
    telling = Q(type__name__gt="") | Q(discount__gt=0)  # more than the seats and the amount say already
    lines = OrderLine.objects.filter(telling, order=OuterRef("pk"))
    orders: QuerySet[Any, Any] = Order.objects.annotate(open_invoice=open_invoice, has_lines=Exists(lines))
    return orders.select_related("event", "payment", "open_invoice").filter(pk=pk)


class Shown:
    """What the page of the order that `token` opens would show by now; Http404 for any other, or Replaced.

    Read before the order itself: what changed between the two is on the page already, under the version from
    before, and is fetched once more. The other way round it would be missed.
    """

    def __init__(self, token: str):
        try:
            self.pk, self.generation = Order.read_token(token)
            row = _read([self.pk])[self.pk]
        except (Order.DoesNotExist, KeyError):
            raise Http404 from None
        self.version = version_of(row[:-1])
        if row[WATCHED_FIELDS.index("generation")] != self.generation:
            raise Replaced
        self.mail_is_stuck = bool(row[WATCHED_FIELDS.index("watched_mail_stuck")])
        self.mail_status = row[-1]
        self.was_tapped = row[WATCHED_FIELDS.index("watched_tap")] is not None
        self.has_wallet = row[WATCHED_FIELDS.index("watched_wallet")] is not None

    def order(self) -> Order:
        """The order with its event, its payment, the `open_invoice` that anybody may pay, and what its page
        needs besides.
        """
        order = next(iter(_whole(self.pk)), None)
        if order is None:
            raise Http404
        if order.generation != self.generation:
            raise Replaced
        order.open_invoice = getattr(order, "open_invoice", None)  # Django leaves it out where there is none
        order.page_version, order.mail_status = self.version, self.mail_status
        order.mail_is_stuck = self.mail_is_stuck
        order.was_tapped, order.has_wallet = self.was_tapped, self.has_wallet
        return order


def order_page(order: Order, shown_invoice: str = "") -> dict:
    """The context of an order's page and of its live part; `order` is what `Shown` has loaded.

    The code of `shown_invoice` is left out: the open page has it, and keeps it.
    """
    payment = order.payment
    context: dict[str, Any] = {
        "order": order,
        "event": order.event,
        "payment": payment,
        "tickets": list(order.tickets.select_related("check_in", "line__type")) if order.is_paid else [],
        "version": order.page_version,  # type: ignore[attr-defined]
        "seconds_left": max(0, int((order.expires_at - timezone.now()).total_seconds())),
        "has_address": bool(order.uma_address),
    }
    context["lines"] = _lines(order, context["tickets"])
    context["may_correct_email"] = may_correct(order)
    context["email_guess"] = did_you_mean(order.email) if context["may_correct_email"] else ""
    context["may_have_money_back"] = may_have_money_back(order)
    context["is_refundable"] = is_refundable(order)
    if payment and order.is_pending:
        invoice = order.open_invoice  # type: ignore[attr-defined]
        # The scheme lets a phone's own camera open a wallet; in capitals the code stays coarse.
        qr = ""
        if invoice and str(invoice.pk) != shown_invoice:
            qr = qr_svg(f"LIGHTNING:{invoice.bolt11.upper()}")
        context |= {"invoice": invoice, "qr": qr}
        context["push"] = payment.push
    elif payment:
        context |= money_back(payment)
    context["again_sats"] = _again_sats(order)
    context |= how_to_watch(order, money_moves=context.get("money_moves", False))
    for ticket in context["tickets"]:
        ticket.order = order
        ticket.qr = qr_svg(qr_text(ticket)) if ticket.admits else ""
    return context


def connected_wallets(order: Order, user: Any) -> dict:
    """The latest press of "Pay from", and the wallets that `user` may press, where there may be some."""
    if not order.is_pending or not order.payment:
        return {}
    signed_in = user if user.is_authenticated else None
    tap = Tap.objects.filter(payment=order.payment).last() if order.was_tapped else None  # type: ignore[attr-defined]
    may_have = signed_in or order.has_wallet  # type: ignore[attr-defined]
    return {"tap": tap, "wallets": list(wallets_for(order.payment, signed_in)) if may_have else []}


def _again_sats(order: Order) -> int | None:
    """What the same seats come to by now, once their hold has ended; None where they cannot be had so.

    Of prices in sats nothing is new, and what asks questions is bought with their answers.
    """
    if order.status != Order.Status.EXPIRED or order.agreed_quote is None or order.event.kept_questions:
        return None
    if not order.event.sells or order.event.is_sold_out:
        return None
    try:
        return quote(order.currency, order.amount).amount_sats
    except DomainError:
        return None


def _lines(order: Order, tickets: list[Ticket]) -> list[OrderLine]:
    """What it is made of, where that says more than its seats and its amount do."""
    if not order.has_lines:  # type: ignore[attr-defined]
        return []
    if tickets:
        return sorted({each.line for each in tickets if each.line}, key=lambda line: line.pk)
    return list(order.lines.select_related("type"))


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
        refund.then_and_now = then_and_now(payment, refund.amount_msats)
        refund.may_be_redirected = refund.pk in redirectable
    return {
        "arrived": arrived,
        "refunds": refunds,
        "money_moves": money_moves,
        "needs_address": bool(redirectable),
    }
