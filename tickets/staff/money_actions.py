"""Admin actions on refunds, unmatched payments and events: buttons, each calling a service."""

import contextlib
from typing import cast

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from events.models import Event
from payments import refunds as payment_refunds
from payments.models import IncomingPayment, Payment, Refund
from payments.uma.address import normalize_payable_address
from payments.unmatched import attach_unmatched, refund_unmatched
from tickets.models import Order
from tickets.services.refunds import cancel_event, preview_cancel
from ticketsuma.admin.actions import TRY_AGAIN, ActionForm, StaffAction
from ticketsuma.bidi import isolate
from ticketsuma.codes import normalize_code
from ticketsuma.errors import DomainError
from ticketsuma.money import format_msats, format_sats
from ticketsuma.state_machine import InvalidTransition

from .cancellation import refunds_of


def on_its_way(refund: Refund) -> str:
    facts = {"amount": format_msats(refund.amount_msats), "address": refund.to}
    if refund.to:
        return _("%(amount)s are on the way to %(address)s.") % facts
    return _("%(amount)s are waiting for an address, which the buyer is asked for.") % facts


# -- what is asked besides "are you sure?" ----------------------------------------------------
class RefundAddressActionForm(ActionForm):
    to = forms.CharField(label=gettext_lazy("UMA or Lightning address"), max_length=255)

    def clean_to(self) -> str:
        try:
            return normalize_payable_address(self.cleaned_data["to"])
        except DomainError as error:
            raise ValidationError(str(error.message)) from None


class OrderCodeForm(ActionForm):
    code = forms.CharField(label=gettext_lazy("Order code"), max_length=20)

    def clean_code(self) -> Payment:
        code = normalize_code(self.cleaned_data["code"])
        order = Order.objects.select_related("payment").filter(code=code, payment__isnull=False).first()
        if order is None:
            raise ValidationError(_("There is no order of this code with anything to pay."))
        return cast(Payment, order.payment)


# -- refunds ----------------------------------------------------------------------------------
def _retry_refund(refund: Refund, asked: dict) -> str:
    payment_refunds.retry(refund)
    return _("The refund is tried again.")


def _give_address(refund: Refund, asked: dict) -> str:
    payment_refunds.give_address(refund, to=asked["to"])
    return on_its_way(refund)


def _refund_story(refund: Refund) -> list[str]:
    nowhere = _("an address that was forgotten") if refund.sent_at else _("nowhere yet")
    facts = {
        "amount": format_msats(refund.amount_msats), "address": refund.to or nowhere,
        "reason": refund.get_reason_display().lower(),
    }  # fmt: skip
    says = _("%(amount)s to %(address)s (%(reason)s).") % facts
    arrives = _("%(amount)s would arrive, says its wallet.") % {"amount": refund.arrives}
    return [says, *([arrives] if refund.arrives else []), refund.last_error]


def _refund_seen(refund: Refund) -> str:
    """As the asker saw it: one that failed again since is another failure, of another BOLT11."""
    return f"{refund.status} {refund.to} {refund.payment_hash}"


# No BOLT11 of these can still be paid.
REDIRECTABLE = (Refund.Status.NEEDS_ADDRESS, Refund.Status.QUEUED, Refund.Status.FAILED)
REFUND_ACTIONS = [
    StaffAction(
        "retry", gettext_lazy("Try again"), _refund_story, _retry_refund,
        is_open=lambda refund: refund.status == Refund.Status.FAILED, seen=_refund_seen,
    ),
    StaffAction(
        "address", gettext_lazy("Give an address"), _refund_story, _give_address,
        is_open=lambda refund: refund.status in REDIRECTABLE, form=RefundAddressActionForm, is_grave=True,
        seen=_refund_seen,
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
    payment = cast(Payment, row.payment)
    if row.applied_msats:
        return _("It pays order %(code)s.") % {"code": payment.order.code}
    return _("Order %(code)s could not use it: it goes back.") % {"code": payment.order.code}


def _refund_unmatched(incoming: IncomingPayment, asked: dict) -> str:
    refund = refund_unmatched(incoming, to=asked["to"])
    return on_its_way(refund) if refund else _("Less than a sat cannot be sent: it is kept.")


def _is_unmatched(incoming: IncomingPayment) -> bool:
    return incoming.payment_id is None and incoming.allocated_at is None


def _money_story(incoming: IncomingPayment) -> list[str]:
    facts = {
        "amount": format_msats(incoming.amount_msats), "moment": f"{incoming.received_at:%F %T} UTC",
    }  # fmt: skip
    return [_("%(amount)s arrived %(moment)s and match no order.") % facts]


INCOMING_ACTIONS = [
    StaffAction(
        "attach", gettext_lazy("Attach to an order"), _money_story, _attach,
        is_open=_is_unmatched, seen=_is_unmatched, form=OrderCodeForm, is_grave=True,
    ),
    StaffAction(
        "refund", gettext_lazy("Send back"), _money_story, _refund_unmatched,
        is_open=_is_unmatched, seen=_is_unmatched, form=RefundAddressActionForm, is_grave=True,
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
    balance = preview.balance_sats
    facts = {
        "event": isolate(event.title), "paid": preview.paid_orders,
        "amount": format_sats(preview.refund_sats),
        "fees": format_sats(preview.fees_sats),
        "balance": format_sats(balance) if balance is not None else _("an unknown amount"),
        "free": preview.free_orders, "pending": preview.pending_orders, "count": preview.without_address,
    }  # fmt: skip
    return [
        _("%(event)s: the sale stops at once and everybody is told by mail.") % facts,
        _(
            "Paid orders: %(paid)s; %(amount)s go back, at a cost of %(fees)s at most; "
            "the node can send %(balance)s."
        )
        % facts,
        _("Free orders: %(free)s. Orders that wait for money: %(pending)s. All end.") % facts,
        _("Buyers who gave no address and are asked for one: %(count)s.") % facts,
        _("This cannot be undone."),
    ]


def _cancel_event(event: Event, asked: dict) -> str:
    cancel_event(event)
    return _("The event is canceled; the worker ends its orders and sends the money back.")


def _failed_refunds(event: Event) -> list[Refund]:
    return list(refunds_of(event).filter(status=Refund.Status.FAILED)) if event.is_canceled else []


def _retry_failed(event: Event, asked: dict) -> str:
    count = 0
    for refund in _failed_refunds(event):
        with contextlib.suppress(InvalidTransition):  # the worker or a colleague took this one already
            payment_refunds.retry(refund)
            count += 1
    return ngettext(
        "%(count)s refund is tried again.", "%(count)s refunds are tried again.", count
    ) % {"count": count}  # fmt: skip


EVENT_ACTIONS = [
    StaffAction(
        "cancel", gettext_lazy("Cancel the event"), _cancel_story, _cancel_event,
        is_open=lambda event: not event.is_canceled, seen=lambda event: event.canceled_at, is_grave=True,
    ),
    StaffAction(
        "retry-failed", gettext_lazy("Retry failed refunds"),
        lambda event: [
            _("%(event)s: %(count)s refunds failed. All are tried again.")
            % {"event": isolate(event.title), "count": len(_failed_refunds(event))}
        ],
        _retry_failed, is_open=lambda event: bool(_failed_refunds(event)),
        seen=lambda event: sorted(f"{one.pk} {_refund_seen(one)}" for one in _failed_refunds(event)),
    ),
]  # fmt: skip
