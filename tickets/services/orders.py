"""Order services: placing, fulfilling and ending orders.

Pages, API, admin and worker call these same functions. Lock order: payment → order → holder →
code → types → event.
"""

import logging
import uuid
from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.history import record
from accounts.models import User, normalize_email
from accounts.rate_limits import hit
from events.baskets import Item, fill_basket
from events.models import Event, SalesClosed, SoldOut
from payments.invoices import InvoiceCloseResult, close_open_invoices, expire_unconfirmed, request_now
from payments.models import Payment
from payments.quotes import check_still_fair, quote
from payments.services import StillOpen, close_payment, create_payment, new_payment, push_again
from payments.uma.address import domain_of, normalize_uma_address
from tickets.mail.notifications import holders_of
from tickets.models import Mail, Order
from ticketsuma.bidi import isolate
from ticketsuma.errors import DomainError
from ticketsuma.kept_queries import insert
from ticketsuma.state_machine import InvalidTransition

from .answers import QuestionsChanged, Reply, questions_are_gone, take_answers
from .hold_limits import (
    check_hoarding,
    claim_within_limits,
    count_purchase,
    lock_holders,
    network_of,
    waits_for_mail,
)
from .holds import hold_ends
from .idempotency import earlier_order, is_guessable, order_scope, orders_of_key, request_hash
from .order_rows import write_down, write_rows
from .prices import Expected
from .seats import claim_seats, give_back_seats

logger = logging.getLogger(__name__)


class AlreadyPaid(DomainError):
    code = "already_paid"
    message = _("This order is already paid.")


class AskedAlready(InvalidTransition):
    message = _("This wallet has the request, or gets it in a moment.")


# -- buying -----------------------------------------------------------------------------------
def place_order(
    *,
    event: Event,
    email: str,
    quantity: int = 1,
    items: Sequence[Item] = (),
    promo_code: str = "",
    answers: Sequence[Reply] = (),
    name: str = "",
    uma_address: str = "",
    buyer: User | None = None,
    key: str | None = None,
    ip: str = "",
    expected: Expected | None = None,
    signed: bool = False,
    is_staff: bool = False,
    gift_reason: str = "",
) -> Order:
    """Hold `items`, or `quantity` seats of the default type, for HOLD_SECONDS, and ask for the money.

    At most they are held to the event's end. What is free in sum is paid at once, or by the mailed link
    (`waits_for_mail`). The same `key` by the same buyer answers the same order as it stands now; two at once
    make one order. With `ip` what comes from there is limited; what is `expected` is the price, or there is
    none. A price in another currency than sats is quoted in sats now, and that stands as long as the hold. A
    use of `promo_code` is counted with the hold, and `answers` are kept with it.
    Raises SoldOut, SalesClosed, PriceChanged, QuantityNotAllowed, UnknownTicketType, AmountNotAllowed,
    PromoCodeRefused, AnswerRefused, QuestionsChanged, InvalidUmaAddress, KeyReused, HoldLimit, FreeLimit,
    RateLimited, RateUnavailable. No answer of the node costs anybody a seat: the invoice follows. Outside
    transactions.

    If `is_staff`, hidden types are open, no limit of buyers counts, and the history says who sold; with a
    `gift_reason`, which it keeps, nothing is to pay.

    A new order has its tickets, lines, payment and invoice in hand; if `signed`, its UMA invoice too.
    """
    email, name = normalize_email(email), name.strip()
    uma_address = normalize_uma_address(uma_address) if uma_address.strip() else ""
    asked: list = [event.pk, quantity, email, name, uma_address]
    if items or promo_code:
        asked += [sorted([item.type_id, item.quantity, item.amount or 0] for item in items), promo_code]
    if answers:
        asked.append(sorted([*reply.place, [*reply.values]] for reply in answers))
    if is_staff:
        asked.append(gift_reason)
    order = Order(
        event=event,
        buyer=buyer,
        email=email,
        name=name,
        refund_hours=event.refund_hours,
        uma_address=uma_address,
        language=get_language() or settings.LANGUAGE_CODE,
        scope=order_scope(buyer=buyer, email=email, where=ip if key and is_guessable(key) else ""),
        key=key or uuid.uuid4().hex,
        request_hash=request_hash(*asked),
        network=network_of(ip, buyer),
        expires_at=hold_ends(event),
    )
    refusal = _fill(
        order,
        items,
        promo_code,
        quantity,
        expected or Expected(),
        is_staff=is_staff,
        is_gift=bool(gift_reason),
    )
    if not is_staff:  # who sells on the spot asks nothing
        refusal = refusal or take_answers(order, answers)
    if ip and not refusal:  # one statement counts, unless the key has placed an order already
        may_be_there = not count_purchase(order, ip, unless=orders_of_key(order) if key else None)
    else:
        may_be_there = key is not None
    if may_be_there and (replay := earlier_order(order)):
        return replay
    if refusal and ip and promo_code:
        hit("PURCHASE_PER_IP", ip)  # guessing codes is as limited as buying
    if refusal:
        raise refusal
    if order.quote_in_hand and order.amount_sats:
        order.payment = new_payment(
            reference=order.code.lower(),
            quote=order.quote_in_hand,
            memo=f"{order.quantity} × {isolate(order.event.title)}"[:200],
            uma_address=order.uma_address,
            due_at=order.expires_at,
            signed=signed,
        )
    try:
        _hold(order, is_staff=is_staff, gift_reason=gift_reason)
    except IntegrityError:
        if replay := earlier_order(order):
            return replay
        if questions_are_gone(order.answers_in_hand or []):
            raise QuestionsChanged from None
        raise
    except SoldOut as refused:
        paying = event.orders.filter(status=Order.Status.PENDING)
        if refused.ticket_type:
            paying = paying.filter(lines__type=refused.ticket_type)
        if paying.exists():
            raise SoldOut(
                _("All seats are taken, but someone is still paying. Please try again in a moment."),
                retry_after=30,
            ) from None
        raise
    if order.payment:
        request_now(*order.payment.known_invoices)
    return order


def place_again(order: Order, *, expected_sats: int, buyer: User | None = None, ip: str = "") -> Order:
    """Order the same as an `order` whose hold has ended, at what it comes to now: `expected_sats`, or not.

    Sent twice it is one order. Raises what `place_order` does.
    """
    items = [
        Item(line.type_id, line.quantity, line.price if line.type.asks_for_amount else None)
        for line in order.lines.select_related("type")
    ]
    return place_order(
        event=order.event, items=items, promo_code=order.promo_code.text if order.promo_code else "",
        email=order.email, name=order.name, uma_address=order.uma_address, buyer=buyer, ip=ip,
        key=f"again:{order.pk}:{expected_sats}",
        expected=Expected(amount=order.amount, amount_sats=expected_sats),
    )  # fmt: skip


def _fill(
    order: Order,
    items: Sequence[Item],
    promo_code: str,
    quantity: int,
    expected: Expected,
    *,
    is_staff: bool,
    is_gift: bool,
) -> DomainError | None:
    """Give `order` its lines and its quote, at the price that is expected; or say why not."""
    try:
        basket = fill_basket(order.event, items, promo_code, quantity=quantity, is_staff=is_staff)
        expected.check(basket, order.event.currency, has_items=bool(items))
        quoted = quote(order.event.currency, 0 if is_gift else basket.amount)
        expected.check_sats(quoted, basket.quantity)
    except DomainError as refusal:
        return refusal
    write_down(order, basket, quoted, is_gift=is_gift)
    is_paid = order.amount_sats == 0 and (is_staff or not waits_for_mail(order.buyer, order.email))
    paid = {"status": Order.Status.PAID, "paid_at": timezone.now(), **Order.finished()}
    for name, value in (paid if is_paid else Order.scheduled()).items():
        setattr(order, name, value)
    return None


def _hold(order: Order, *, is_staff: bool, gift_reason: str) -> None:
    """Write order, tickets and payment and claim the seats, in one transaction; the hot row comes last."""
    with transaction.atomic():
        if order.payment:
            create_payment(order.payment)
        write_rows(order)
        if order.payment is None:
            queue_mail(order, Mail.Kind.TICKETS if order.is_paid else Mail.Kind.CONFIRM)
        if not is_staff:
            claim_within_limits(order)
            return
        record("gift" if gift_reason else "sell", order, **({"said": gift_reason} if gift_reason else {}))
        claim_seats(order)


# -- paid -------------------------------------------------------------------------------------
def fulfil(order: Order) -> None:
    """Make a locked order paid; an expired one wins its seats back first.

    Raises SoldOut or SalesClosed when they are gone or what they are seats of is over, PromoCodeRefused when
    its code has been used up, QuoteOutdated when its hold has ended and the rate has moved too far since,
    InvalidTransition when the order is canceled: then the money goes back. All of
    its seats or none. A hold is kept though the sale closed, or the price rose, meanwhile.
    """
    if order.event.is_past:
        raise SalesClosed
    if order.status == Order.Status.EXPIRED:
        if order.payment:
            check_still_fair(order.payment)
        if order.promo_code_id:
            lock_holders(order)
        claim_seats(order)
    elif order.event.is_canceled:
        raise InvalidTransition(_("The event is canceled."))
    _mark_paid(order)


def _mark_paid(order: Order) -> None:
    network = order.network if order.payment_id is None else ""  # of free seats: see `forget_networks`
    order.advance(Order.Status.PAID, paid_at=timezone.now(), network=network, **order.finished())
    queue_mail(order, Mail.Kind.TICKETS)


def queue_mail(order: Order, kind: str, *others: str) -> None:
    """Have the worker send this mail to its buyer and to `others`, once per order, kind and address."""
    mails = [Mail(order=order, kind=kind, to=to, **Mail.scheduled()) for to in (order.email, *others) if to]
    insert(mails, ignore_conflicts=True)


# -- ending -------------------------------------------------------------------------------------
def expire_order(order: Order) -> None:
    """End an overdue hold, unless money turns out to have come; the worker's handler for an order.

    While the node cannot say, the seats stay held, at most HOLD_UNKNOWN_SECONDS longer. Raises
    NodeUnknown or StillOpen to be tried again.
    """
    gives_up = timezone.now() > order.expires_at + timedelta(seconds=settings.HOLD_UNKNOWN_SECONDS)
    _end(order, Order.Status.EXPIRED, force=gives_up)


def cancel_order(order: Order) -> None:
    """Give the seats of a pending, or of a free order back.

    Raises AlreadyPaid when money came first, StillOpen when a payment may be on its way.
    """
    if order.is_paid and order.payment is None:
        with transaction.atomic():
            order.advance(Order.Status.CANCELED, ended_at=timezone.now(), network="")
            record("cancel", order)
            release_seats(order)
        return
    if order.is_paid:
        raise AlreadyPaid
    if not order.is_pending:
        raise InvalidTransition
    _end(order, Order.Status.CANCELED)
    if order.is_paid:
        raise AlreadyPaid


def _end(order: Order, to: str, *, force: bool = False) -> None:
    if order.payment is None:  # free seats whose mailbox is not proven yet
        _let_go(order, to)
        return
    payment = order.payment
    closing = close_open_invoices(payment)
    if closing is InvoiceCloseResult.UNKNOWN and force:
        logger.error("order %s: seats released though the node has not answered", order.pk)
        expire_unconfirmed(payment)
    elif closing is InvoiceCloseResult.UNKNOWN:
        raise StillOpen
    elif closing is InvoiceCloseResult.SETTLED:
        order.refresh_from_db()
        if order.is_pending:  # money came, but not for this order to keep: it ends the next time
            raise StillOpen
        return
    _let_go(order, to)


def _let_go(order: Order, to: str) -> None:
    with transaction.atomic():
        if order.payment:
            close_payment(order.payment)
        locked = Order.objects.select_for_update(of=("self",)).get(pk=order.pk)
        locked.advance(to, ended_at=timezone.now(), network="", **locked.finished())
        if to == Order.Status.CANCELED:
            record("cancel", order)
        release_seats(order)
    order.status = locked.status


def release_seats(order: Order) -> None:
    """Inside the ending transaction: give the seats back. Void tickets, of paid orders only, hold none.

    The buyer is told of a canceled event's end, and that tickets they had are void.
    """
    if order.event.is_canceled:
        queue_mail(order, Mail.Kind.EVENT_CANCELED, *_holders(order))
    elif order.paid_at:
        queue_mail(order, Mail.Kind.ORDER_CANCELED, *_holders(order))
    give_back_seats(order)


def _holders(order: Order) -> set[str]:
    return holders_of(order) if order.paid_at else set()


# -- afterwards -------------------------------------------------------------------------------
_ASKED = (Payment.Push.QUEUED, Payment.Push.DELIVERED)


def change_uma_address(order: Order, *, uma_address: str, ip: str = "") -> None:
    """Send the payment request to another wallet; the seats stay held.

    As limited as placing orders is, for it too sends something to whomever it names, and a few times for
    each order. A wallet that has the request is not asked anew, one that did not take it is. Raises
    AskedAlready, InvalidUmaAddress, InvalidTransition, HoldLimit, RateLimited.
    """
    address = normalize_uma_address(uma_address)
    if not order.is_pending or order.payment is None:
        raise InvalidTransition(_("This order no longer waits for a payment."))
    if address == order.payment.uma_address and order.payment.push in _ASKED:
        raise AskedAlready
    hit("ADDRESS_PER_ORDER", order.pk.hex)
    if ip:
        hit("PURCHASE_PER_IP", ip)
        hit("REQUEST_PER_IP_AND_DOMAIN", ip, domain_of(address))
    with transaction.atomic():
        if not push_again(order.payment, uma_address=address):
            raise AskedAlready
        order.uma_address = address
        Order.objects.filter(pk=order.pk).update(uma_address=address)
        check_hoarding(order)
        record("wallet", order)
