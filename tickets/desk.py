"""What staff may do to orders, refunds, money and events: buttons of the admin, each calling a service."""

import contextlib

from django import forms
from django.core.exceptions import ValidationError

from events.models import Event
from payments import refunds as payment_refunds
from payments import services as payments
from payments.models import IncomingPayment, Payment, Refund
from payments.repairs import attach_unmatched, refund_unmatched
from payments.uma.address import normalize_payable_address
from ticketsuma.admin_actions import TRY_AGAIN, ActionForm, StaffAction
from ticketsuma.codes import normalize_code
from ticketsuma.errors import DomainError
from ticketsuma.money import MAX_SATS, format_msats, format_sats
from ticketsuma.states import InvalidTransition

from .claims import check_order
from .mails import mail_tickets_again
from .models import Order, Viewer
from .progress import refunds_of
from .refunds import cancel_event, preview_cancel, refund_order, refund_part, refunded_sats
from .room import release
from .services import cancel_order


# -- what is asked besides "are you sure?" ----------------------------------------------------
class AmountForm(ActionForm):
    amount_sats = forms.IntegerField(label="Sats", min_value=1, max_value=MAX_SATS)


class AddressForm(ActionForm):
    to = forms.CharField(label="UMA or Lightning address", max_length=255)

    def clean_to(self) -> str:
        try:
            return normalize_payable_address(self.cleaned_data["to"])
        except DomainError as error:
            raise ValidationError(str(error.sentence)) from None


class OrderCodeForm(ActionForm):
    code = forms.CharField(label="Order code", max_length=20)

    def clean_code(self) -> Payment:
        code = normalize_code(self.cleaned_data["code"])
        order = Order.objects.select_related("payment").filter(code=code, payment__isnull=False).first()
        if order is None:
            raise ValidationError("There is no order of this code with anything to pay.")
        return order.payment


# -- orders -----------------------------------------------------------------------------------
def _story(order: Order) -> list[str]:
    return [
        f"Order {order.code}: {order.quantity} × {order.event.title}, {format_sats(order.amount_sats)}, "
        f"{order.status}."
    ]


def _reconcile(order: Order, asked: dict) -> str:
    return f"The node was asked about every invoice; the order is {check_order(order).status}."


def _cancel(order: Order, asked: dict) -> str:
    cancel_order(order)
    return "The order is canceled and its seats are free again."


def _refund_whole(order: Order, asked: dict) -> str:
    return f"The order is canceled; {_on_its_way(refund_order(order))}"


def _refund_part(order: Order, asked: dict) -> str:
    before = int(asked["seen"].partition(" ")[2])
    refund = refund_part(order, amount_sats=asked["amount_sats"], already_refunded_sats=before)
    return f"The tickets stay good; {_on_its_way(refund)}"


def _on_its_way(refund: Refund) -> str:
    where = (
        f"on the way to {refund.to}" if refund.to else "waiting for an address, which the buyer is asked for"
    )
    return f"{format_msats(refund.amount_msats)} are {where}."


def _push_again(order: Order, asked: dict) -> str:
    payments.push_again(order.payment, uma_address=order.payment.uma_address)
    return f"The request goes to {order.payment.uma_address} again."


def _mail_again(order: Order, asked: dict) -> str:
    mail_tickets_again(order)
    return f"The tickets go to {order.email} again."


_PUSH_ENDED = (Payment.Push.REFUSED, Payment.Push.UNREACHABLE, Payment.Push.DELIVERED)

ORDER_ACTIONS = [
    StaffAction(
        "reconcile", "Ask the node",
        lambda order: [*_story(order), "Asks the node about all of its invoices and settles what arrived."],
        _reconcile, is_open=lambda order: order.payment is not None,
    ),
    StaffAction(
        "push", "Send the request again",
        lambda order: [*_story(order), f"Sends the request to {order.payment.uma_address} once more."],
        _push_again,
        is_open=lambda order: order.is_pending and order.payment is not None
        and order.payment.push in _PUSH_ENDED,
        seen=lambda order: f"{order.status} {order.payment.push}",
    ),
    StaffAction(
        "mail", "Mail the tickets again",
        lambda order: [*_story(order), f"Mails the tickets to {order.email} once more."],
        _mail_again, is_open=lambda order: order.is_paid and bool(order.email),
        seen=lambda order: list(order.mails.values_list("kind", "status", "sent_at")),
    ),
    StaffAction(
        "viewers", "Let other devices watch",
        lambda order: [*_story(order), "Whoever opens the stream next with one of its tickets may watch."],
        lambda order, asked: f"{release(order)} of its tickets were being watched; any device may join.",
        is_open=lambda order: order.is_paid and Viewer.objects.filter(ticket__order=order).exists(),
    ),
    StaffAction(
        "refund-part", "Refund a part",
        lambda order: [
            *_story(order), f"{format_sats(refunded_sats(order.payment))} went back so far.",
            "The tickets stay good.",
        ],
        _refund_part, is_open=lambda order: order.is_paid and order.payment is not None,
        seen=lambda order: f"{order.status} {refunded_sats(order.payment)}", form=AmountForm, is_grave=True,
    ),
    StaffAction(
        "refund", "Cancel and refund",
        lambda order: [*_story(order), "Cancels the order, frees its seats and sends all of its money back."],
        _refund_whole, is_open=lambda order: order.is_paid and order.payment is not None,
        seen=lambda order: f"{order.status} {refunded_sats(order.payment)}", is_grave=True,
    ),
    StaffAction(
        "cancel", "Cancel the order",
        lambda order: [*_story(order), "Frees its seats. A payment that still arrives is sent back."],
        _cancel, is_open=lambda order: order.is_pending or (order.is_paid and order.payment is None),
        is_grave=True,
    ),
    TRY_AGAIN,
]  # fmt: skip


# -- refunds ----------------------------------------------------------------------------------
def _retry_refund(refund: Refund, asked: dict) -> str:
    payment_refunds.retry(refund)
    return "The refund is tried again."


def _give_address(refund: Refund, asked: dict) -> str:
    payment_refunds.give_address(refund, to=asked["to"])
    return _on_its_way(refund)


def _refund_story(refund: Refund) -> list[str]:
    return [
        f"{format_msats(refund.amount_msats)} to {refund.to or 'nowhere yet'} ({refund.reason}).",
        refund.last_error,
    ]


REFUND_ACTIONS = [
    StaffAction(
        "retry", "Try again", _refund_story, _retry_refund,
        is_open=lambda refund: refund.status == Refund.Status.FAILED,
    ),
    StaffAction(
        "address", "Give an address", _refund_story, _give_address,
        is_open=lambda refund: refund.status == Refund.Status.NEEDS_ADDRESS, form=AddressForm, is_grave=True,
    ),
    StaffAction(
        TRY_AGAIN.name, TRY_AGAIN.label, TRY_AGAIN.question, TRY_AGAIN.perform,
        is_open=lambda refund: refund.parked_at is not None and refund.status != Refund.Status.FAILED,
        seen=TRY_AGAIN.seen,
    ),
]  # fmt: skip


# -- money that matches nothing ---------------------------------------------------------------
def _attach(incoming: IncomingPayment, asked: dict) -> str:
    row = attach_unmatched(incoming, asked["code"])
    if row.applied_msats:
        return f"It pays order {row.payment.order.code}."
    return f"Order {row.payment.order.code} could not use it: it goes back."


def _refund_unmatched(incoming: IncomingPayment, asked: dict) -> str:
    refund = refund_unmatched(incoming, to=asked["to"])
    return _on_its_way(refund) if refund else "Less than a sat cannot be sent: it is kept."


def _is_unmatched(incoming: IncomingPayment) -> bool:
    return incoming.payment_id is None and incoming.allocated_at is None


def _money_story(incoming: IncomingPayment) -> list[str]:
    return [
        f"{format_msats(incoming.amount_msats)} arrived {incoming.received_at:%F %T} UTC and match no order."
    ]


INCOMING_ACTIONS = [
    StaffAction(
        "attach", "Attach to an order", _money_story, _attach,
        is_open=_is_unmatched, seen=_is_unmatched, form=OrderCodeForm, is_grave=True,
    ),
    StaffAction(
        "refund", "Send back", _money_story, _refund_unmatched,
        is_open=_is_unmatched, seen=_is_unmatched, form=AddressForm, is_grave=True,
    ),
    StaffAction(
        TRY_AGAIN.name, TRY_AGAIN.label, TRY_AGAIN.question, TRY_AGAIN.perform,
        is_open=lambda incoming: incoming.parked_at is not None and incoming.payment_id is not None,
        seen=TRY_AGAIN.seen,
    ),
]  # fmt: skip


# -- events -----------------------------------------------------------------------------------
def _cancel_story(event: Event) -> list[str]:
    preview = preview_cancel(event)
    balance = "an unknown amount" if preview.balance_sats is None else format_sats(preview.balance_sats)
    return [
        f"{event.title}: the sale stops at once and everybody is told by mail.",
        f"Paid orders: {preview.paid_orders}; {format_sats(preview.refund_sats)} go back, "
        f"the node can send {balance}.",
        f"Free orders: {preview.free_orders}. Orders that wait for money: {preview.pending_orders}. All end.",
        f"Buyers who gave no address and are asked for one: {preview.without_address}.",
        "This cannot be undone.",
    ]


def _cancel_event(event: Event, asked: dict) -> str:
    cancel_event(event)
    return "The event is canceled; the worker ends its orders and sends the money back."


def _failed_refunds(event: Event) -> list[Refund]:
    return list(refunds_of(event).filter(status=Refund.Status.FAILED)) if event.is_canceled else []


def _retry_failed(event: Event, asked: dict) -> str:
    count = 0
    for refund in _failed_refunds(event):
        with contextlib.suppress(InvalidTransition):  # the worker or a colleague took this one already
            payment_refunds.retry(refund)
            count += 1
    return f"{count} refunds are tried again."


EVENT_ACTIONS = [
    StaffAction(
        "cancel", "Cancel the event", _cancel_story, _cancel_event,
        is_open=lambda event: not event.is_canceled, seen=lambda event: event.canceled_at, is_grave=True,
    ),
    StaffAction(
        "retry-failed", "Retry failed refunds",
        lambda event: [f"{event.title}: {len(_failed_refunds(event))} refunds failed. All are tried again."],
        _retry_failed, is_open=lambda event: bool(_failed_refunds(event)),
        seen=lambda event: sorted(str(refund.pk) for refund in _failed_refunds(event)),
    ),
]  # fmt: skip
