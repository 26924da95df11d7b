"""Admin actions on orders: buttons, each calling a service."""

from typing import cast

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.roles import Ability
from payments.models import Payment
from payments.services import push_again
from tickets.models import CheckIn, Order, Viewer
from tickets.services.orders import cancel_order
from tickets.services.payment_lookup import check_order
from tickets.services.personal_data import forget_email, guest_orders
from tickets.services.refunds import refund_order, refund_part, refunded_sats
from tickets.services.viewers import release
from ticketsuma.admin.actions import ActionForm, StaffAction, TryAgain
from ticketsuma.bidi import isolate
from ticketsuma.money import MAX_SATS, format_due, format_sats
from ticketsuma.state_machine import InvalidTransition

from .email_actions import CorrectEmail, MailTicketsAgain
from .money_actions import on_its_way, sent_by_staff
from .ticket_actions import ReplaceLinks


class AmountForm(ActionForm):
    amount_sats = forms.IntegerField(label=gettext_lazy("Sats"), min_value=1, max_value=MAX_SATS)


def _summary(order: Order) -> str:
    facts = {
        "code": order.code,
        "quantity": order.quantity,
        "event": isolate(order.event.title),
        "amount": format_due(order.amount_sats, order.amount, order.currency),
        "state": order.get_status_display().lower(),
    }
    return _("Order %(code)s: %(quantity)s × %(event)s, %(amount)s, %(state)s.") % facts


class AskNode(StaffAction):
    needs = (Ability.SEE_MONEY,)
    asks_again = False
    name = "reconcile"
    label = gettext_lazy("Ask the node")

    def is_possible(self, order: Order) -> bool:
        return order.payment is not None

    def preview(self, order: Order) -> list[str]:
        return [_summary(order), _("Asks the node about all of its invoices and settles what arrived.")]

    def run(self, order: Order, data: dict) -> str:
        state = check_order(order).get_status_display().lower()
        return _("The node was asked about every invoice; the order is %(state)s.") % {"state": state}


class PushAgain(StaffAction):
    needs = (Ability.MESSAGES,)
    asks_again = False
    name = "push"
    label = gettext_lazy("Send the request again")
    ended = (Payment.Push.REFUSED, Payment.Push.UNREACHABLE, Payment.Push.DELIVERED)

    def is_possible(self, order: Order) -> bool:
        return order.is_pending and order.payment is not None and order.payment.push in self.ended

    def preview(self, order: Order) -> list[str]:
        address = cast(Payment, order.payment).uma_address
        return [
            _summary(order),
            _("Sends the request to %(address)s once more.") % {"address": address},
        ]

    def seen(self, order: Order) -> str:
        payment = cast(Payment, order.payment)
        return f"{order.status} {payment.push} {payment.updated_at}"

    def run(self, order: Order, data: dict) -> str:
        payment = cast(Payment, order.payment)
        if not push_again(payment, uma_address=payment.uma_address):
            raise InvalidTransition
        return _("The request goes to %(address)s again.") % {"address": payment.uma_address}


class ReleaseViewers(StaffAction):
    needs = (Ability.MESSAGES,)
    asks_again = False
    name = "viewers"
    label = gettext_lazy("Let other devices watch")

    def is_possible(self, order: Order) -> bool:
        return order.is_paid and Viewer.objects.filter(ticket__order=order).exists()

    def preview(self, order: Order) -> list[str]:
        return [_summary(order), _("Whoever opens the stream next with one of its tickets may watch.")]

    def seen(self, order: Order) -> list:
        return list(Viewer.objects.filter(ticket__order=order).order_by("pk").values_list())

    def run(self, order: Order, data: dict) -> str:
        count = release(order)
        return _("%(count)s of its tickets were being watched; any device may join.") % {"count": count}


class OrderRefundAction(StaffAction):
    needs = (Ability.MOVE_MONEY,)
    is_grave = True

    def is_possible(self, order: Order) -> bool:
        return order.is_paid and order.payment is not None

    def seen(self, order: Order) -> str:
        return f"{order.status} {refunded_sats(cast(Payment, order.payment))}"


class RefundPart(OrderRefundAction):
    name = "refund-part"
    label = gettext_lazy("Refund a part")
    form = AmountForm

    def preview(self, order: Order) -> list[str]:
        refunded = format_sats(refunded_sats(cast(Payment, order.payment)))
        return [
            _summary(order),
            _("%(amount)s went back so far.") % {"amount": refunded},
            _("The tickets stay good."),
        ]

    def sats(self, order: Order, data: dict) -> int:
        """In small parts too."""
        return sent_by_staff(order) + data["amount_sats"]

    def run(self, order: Order, data: dict) -> str:
        before = int(data["seen"].partition(" ")[2])
        refund = refund_part(order, amount_sats=data["amount_sats"], already_refunded_sats=before)
        return _("The tickets stay good; %(refund)s") % {"refund": on_its_way(refund)}


class CancelAndRefund(OrderRefundAction):
    name = "refund"
    label = gettext_lazy("Cancel and refund")

    def preview(self, order: Order) -> list[str]:
        used = CheckIn.objects.filter(ticket__order=order).count()
        says = ngettext(
            "%(count)s of its tickets was used already.", "%(count)s of its tickets were used already.", used
        )
        return [
            _summary(order),
            says % {"count": used} if used else "",
            _("Cancels the order, frees its seats and sends all of its money back."),
        ]

    def sats(self, order: Order, data: dict) -> int:
        return max(order.amount_sats, sent_by_staff(order))

    def run(self, order: Order, data: dict) -> str:
        return _("The order is canceled; %(refund)s") % {"refund": on_its_way(refund_order(order))}


class CancelOrder(StaffAction):
    needs = (Ability.MANAGE_EVENTS,)
    name = "cancel"
    label = gettext_lazy("Cancel the order")
    is_grave = True

    def is_possible(self, order: Order) -> bool:
        return order.is_pending or (order.is_paid and order.payment is None)

    def preview(self, order: Order) -> list[str]:
        return [_summary(order), _("Frees its seats. A payment that still arrives is sent back.")]

    def run(self, order: Order, data: dict) -> str:
        cancel_order(order)
        return _("The order is canceled and its seats are free again.")


class ForgetGuest(StaffAction):
    needs = (Ability.OPERATE,)
    name = "forget"
    label = gettext_lazy("Forget the guest")
    is_grave = True

    def is_possible(self, order: Order) -> bool:
        return order.buyer_id is None and bool(order.email) and not order.is_forgotten

    def preview(self, order: Order) -> list[str]:
        says = ngettext(
            "%(count)s order of the guest with the address %(address)s forgets who bought.",
            "All %(count)s orders of the guest with the address %(address)s forget who bought.",
            count := guest_orders(order.email).count(),
        )
        return [
            says % {"count": count, "address": order.email},
            _("Their tickets still admit whoever has the links. Nobody can be reminded or told any more."),
            _("What money needs goes once it has arrived. This cannot be undone."),
        ]

    def seen(self, order: Order) -> bool:
        return order.is_forgotten

    def run(self, order: Order, data: dict) -> str:
        count = forget_email(order.email)
        says = ngettext("%(count)s order has forgotten.", "%(count)s orders have forgotten.", count)
        return says % {"count": count}


ORDER_ACTIONS = [
    AskNode(),
    PushAgain(),
    MailTicketsAgain(),
    ReleaseViewers(),
    RefundPart(),
    CancelAndRefund(),
    CancelOrder(),
    ForgetGuest(),
    TryAgain(),
    CorrectEmail(),
    ReplaceLinks(),
]
