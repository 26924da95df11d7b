"""Admin actions on money that matches nothing: attach it to the order it was meant for, or send it back."""

from datetime import timedelta
from typing import cast

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.roles import Ability
from payments.models import IncomingPayment, Payment
from payments.unmatched import attach_unmatched, refund_unmatched
from tickets.models import Order
from ticketsuma.admin.actions import ActionForm, StaffAction, TryAgain
from ticketsuma.admin.stale_forms import with_answer
from ticketsuma.bidi import isolate
from ticketsuma.codes import normalize_code
from ticketsuma.money import MSATS_PER_SAT, format_msats, format_sats

from .money_actions import RefundAddressActionForm, on_its_way


class OrderCodeForm(ActionForm):
    code = forms.CharField(label=gettext_lazy("Order code"), max_length=20)

    agreed = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean_code(self) -> Payment:
        """Say first where it goes back at once; the same form sent again is the answer."""
        code = normalize_code(self.cleaned_data["code"])
        order = Order.objects.select_related("payment").filter(code=code, payment__isnull=False).first()
        if order is None:
            raise ValidationError(_("There is no order of this code with anything to pay."))
        says = _why_it_goes_back(cast(IncomingPayment, self.row), order)
        if says and self.data.get("agreed") != order.code:
            self.data = with_answer(self.data, "agreed", order.code)
            raise ValidationError(says)
        return cast(Payment, order.payment)


def _why_it_goes_back(incoming: IncomingPayment, order: Order) -> str:
    """What will happen where `order` cannot use the money; empty where it is enough."""
    payment = cast(Payment, order.payment)
    facts = {"due": format_sats(payment.amount_sats), "came": format_msats(incoming.amount_msats)}
    if payment.status == Payment.Status.SETTLED:
        why = _("This order is paid already.")
    elif incoming.amount_msats < payment.amount_msats:
        why = _("This order is of %(due)s, and only %(came)s came.") % facts
    else:
        return ""
    if to := payment.uma_address:
        back = _("If you go on, all of it goes back to %(address)s at once.") % {"address": isolate(to)}
    else:
        back = _("If you go on, all of it goes back as soon as its buyer says where to.")
    return f"{why} {back} {_('Nothing is done yet; press once more to do it.')}"


def _candidates(incoming: IncomingPayment) -> list[str]:
    """Orders that may have been meant: unpaid, of nearly this amount, near to when it came."""
    near = timedelta(days=1)
    sats = incoming.amount_msats // MSATS_PER_SAT
    orders = Order.objects.filter(
        created_at__gt=incoming.received_at - near,
        created_at__lt=incoming.received_at + near,
        payment__amount_sats__gte=sats * 9 // 10,
        payment__amount_sats__lte=sats * 11 // 10 + 1,
    ).exclude(payment__status=Payment.Status.SETTLED)
    found = sorted(
        orders.select_related("payment", "event").order_by("-created_at")[:50],
        key=lambda order: (
            abs(cast(Payment, order.payment).amount_sats - sats),
            abs(order.created_at - incoming.received_at),
        ),
    )
    return [
        f"{order.code} · {format_sats(order.amount_sats)} · {order.get_status_display()} · "
        f"{order.created_at:%F %T} UTC · {isolate(order.event.title)} · {isolate(order.name or order.email)}"
        for order in found[:5]
    ]


class UnmatchedAction(StaffAction):
    needs = (Ability.OPERATE,)
    is_grave = True

    def is_possible(self, incoming: IncomingPayment) -> bool:
        return incoming.payment_id is None and incoming.allocated_at is None

    def preview(self, incoming: IncomingPayment) -> list[str]:
        moment = f"{incoming.received_at:%F %T} UTC"
        facts = {"amount": format_msats(incoming.amount_msats), "moment": moment}
        return [_("%(amount)s arrived %(moment)s and match no order.") % facts]

    def seen(self, incoming: IncomingPayment) -> bool:
        return self.is_possible(incoming)


class AttachToOrder(UnmatchedAction):
    name = "attach"
    label = gettext_lazy("Attach to an order")
    form = OrderCodeForm

    def preview(self, incoming: IncomingPayment) -> list[str]:
        candidates = _candidates(incoming)
        says = _("It may be meant for one of these:") if candidates else _("No unpaid order looks like it.")
        return [*super().preview(incoming), says, *candidates]

    def run(self, incoming: IncomingPayment, data: dict) -> str:
        row = attach_unmatched(incoming, data["code"])
        payment = cast(Payment, row.payment)
        if row.applied_msats:
            return _("It pays order %(code)s.") % {"code": payment.order.code}
        return _("Order %(code)s could not use it: it goes back.") % {"code": payment.order.code}


class SendBack(UnmatchedAction):
    name = "refund"
    label = gettext_lazy("Send back")
    form = RefundAddressActionForm

    def sats(self, incoming: IncomingPayment, data: dict) -> int:
        return incoming.amount_msats // MSATS_PER_SAT

    def run(self, incoming: IncomingPayment, data: dict) -> str:
        refund = refund_unmatched(incoming, to=data["to"])
        return on_its_way(refund) if refund else _("Less than a sat cannot be sent: it is kept.")


class TryIncomingAgain(TryAgain):
    """For money that matches a payment; the rest waits for staff."""

    asks_again = True

    def is_possible(self, incoming: IncomingPayment) -> bool:
        return super().is_possible(incoming) and incoming.payment_id is not None


INCOMING_ACTIONS = [AttachToOrder(), SendBack(), TryIncomingAgain()]
