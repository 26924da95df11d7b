"""Admin actions on refunds and events: buttons, each calling a service."""

import contextlib

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Sum
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.roles import Ability
from events.models import Event
from payments import refunds as payment_refunds
from payments.models import Refund
from payments.uma.address import normalize_payable_address
from tickets.models import Order
from tickets.services.refunds import cancel_event, preview_cancel
from ticketsuma.admin.actions import ActionForm, StaffAction, TryAgain
from ticketsuma.bidi import isolate
from ticketsuma.errors import DomainError
from ticketsuma.money import MSATS_PER_SAT, format_msats, format_sats
from ticketsuma.state_machine import InvalidTransition

from .cancellation import refunds_of


def on_its_way(refund: Refund) -> str:
    facts = {"amount": format_msats(refund.amount_msats), "address": refund.destination}
    if refund.to:
        return _("%(amount)s are on the way to %(address)s.") % facts
    return _("%(amount)s are waiting for an address, which the buyer is asked for.") % facts


def sent_by_staff(order: Order) -> int:
    """Sats; automatic refunds are nobody's act."""
    back = Refund.objects.filter(incoming_payment__payment=order.payment, reason=Refund.Reason.STAFF)
    return (back.aggregate(total=Sum("amount_msats"))["total"] or 0) // MSATS_PER_SAT


# -- what is asked besides "are you sure?" ----------------------------------------------------
class RefundAddressActionForm(ActionForm):
    to = forms.CharField(label=gettext_lazy("UMA or Lightning address"), max_length=255)

    def clean_to(self) -> str:
        try:
            return normalize_payable_address(self.cleaned_data["to"])
        except DomainError as error:
            raise ValidationError(str(error.message)) from None


# -- refunds ----------------------------------------------------------------------------------
def _seen(refund: Refund) -> str:
    """A refund as the asker saw it: one that failed again since is another failure, of another BOLT11."""
    return f"{refund.status} {refund.to} {refund.payment_hash}"


class RefundAction(StaffAction):
    def preview(self, refund: Refund) -> list[str]:
        nowhere = _("an address that was forgotten") if refund.sent_at else _("nowhere yet")
        facts = {
            "amount": format_msats(refund.amount_msats),
            "address": refund.destination or nowhere,
            "reason": refund.get_reason_display().lower(),
        }
        arrives = _("%(amount)s would arrive, says its wallet.") % {"amount": refund.arrives}
        return [
            _("%(amount)s to %(address)s (%(reason)s).") % facts,
            arrives if refund.arrives else "",
            refund.last_error,
        ]

    def seen(self, refund: Refund) -> str:
        return _seen(refund)


class RetryRefund(RefundAction):
    needs = (Ability.MOVE_MONEY,)
    name = "retry"
    label = gettext_lazy("Try again")

    def is_possible(self, refund: Refund) -> bool:
        return refund.status == Refund.Status.FAILED

    def run(self, refund: Refund, data: dict) -> str:
        payment_refunds.retry(refund)
        return _("The refund is tried again.")


class GiveAddress(RefundAction):
    needs = (Ability.MOVE_MONEY,)
    name = "address"
    label = gettext_lazy("Give an address")
    form = RefundAddressActionForm
    is_grave = True
    # No BOLT11 of these can still be paid.
    redirectable = (Refund.Status.NEEDS_ADDRESS, Refund.Status.QUEUED, Refund.Status.FAILED)

    def is_possible(self, refund: Refund) -> bool:
        return refund.status in self.redirectable

    def sats(self, refund: Refund, data: dict) -> int:
        return refund.amount_msats // MSATS_PER_SAT

    def run(self, refund: Refund, data: dict) -> str:
        payment_refunds.give_address(refund, to=data["to"])
        return on_its_way(refund)


class TryRefundAgain(TryAgain):
    """For one that the worker gave up; a failed one has `RetryRefund`."""

    asks_again = True

    def is_possible(self, refund: Refund) -> bool:
        return super().is_possible(refund) and refund.status != Refund.Status.FAILED


REFUND_ACTIONS = [RetryRefund(), GiveAddress(), TryRefundAgain()]


# -- events -----------------------------------------------------------------------------------
class CancelEvent(StaffAction):
    needs = (Ability.MANAGE_EVENTS, Ability.MOVE_MONEY)
    name = "cancel"
    label = gettext_lazy("Cancel the event")
    is_grave = True

    def is_possible(self, event: Event) -> bool:
        return not event.is_canceled

    def preview(self, event: Event) -> list[str]:
        preview = preview_cancel(event)
        balance = preview.balance_sats
        facts = {
            "event": isolate(event.title),
            "paid": preview.paid_orders,
            "amount": format_sats(preview.refund_sats),
            "fees": format_sats(preview.fees_sats),
            "balance": format_sats(balance) if balance is not None else _("an unknown amount"),
            "free": preview.free_orders,
            "pending": preview.pending_orders,
            "count": preview.without_address,
        }
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

    def seen(self, event: Event) -> object:
        return event.canceled_at

    def sats(self, event: Event, data: dict) -> int:
        return preview_cancel(event).refund_sats

    def run(self, event: Event, data: dict) -> str:
        cancel_event(event)
        return _("The event is canceled; the worker ends its orders and sends the money back.")


class RetryFailedRefunds(StaffAction):
    needs = (Ability.MOVE_MONEY,)
    name = "retry-failed"
    label = gettext_lazy("Retry failed refunds")

    def is_possible(self, event: Event) -> bool:
        return bool(_failed_refunds(event))

    def preview(self, event: Event) -> list[str]:
        facts = {"event": isolate(event.title), "count": len(_failed_refunds(event))}
        return [_("%(event)s: %(count)s refunds failed. All are tried again.") % facts]

    def seen(self, event: Event) -> list[str]:
        return sorted(f"{one.pk} {_seen(one)}" for one in _failed_refunds(event))

    def run(self, event: Event, data: dict) -> str:
        count = 0
        for refund in _failed_refunds(event):
            with contextlib.suppress(InvalidTransition):  # the worker or a colleague took this one already
                payment_refunds.retry(refund)
                count += 1
        says = ngettext("%(count)s refund is tried again.", "%(count)s refunds are tried again.", count)
        return says % {"count": count}


def _failed_refunds(event: Event) -> list[Refund]:
    return list(refunds_of(event).filter(status=Refund.Status.FAILED)) if event.is_canceled else []


EVENT_ACTIONS = [CancelEvent(), RetryFailedRefunds()]
