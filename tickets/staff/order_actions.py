"""Admin actions on orders: buttons, each calling a service."""

from typing import cast

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from payments import services as payments
from payments.models import Payment
from tickets.mail.messages import mail_tickets_again
from tickets.models import CheckIn, Order, Viewer
from tickets.services.orders import cancel_order
from tickets.services.payment_lookup import check_order
from tickets.services.personal_data import forget_email, guest_orders
from tickets.services.refunds import refund_order, refund_part, refunded_sats
from tickets.services.viewers import release
from ticketsuma.admin.actions import TRY_AGAIN, ActionForm, StaffAction
from ticketsuma.bidi import isolate
from ticketsuma.money import MAX_SATS, format_sats
from ticketsuma.state_machine import InvalidTransition

from .money_actions import on_its_way


class AmountForm(ActionForm):
    amount_sats = forms.IntegerField(label=gettext_lazy("Sats"), min_value=1, max_value=MAX_SATS)


def _story(order: Order) -> list[str]:
    facts = {
        "code": order.code, "quantity": order.quantity, "event": isolate(order.event.title),
        "amount": format_sats(order.amount_sats), "state": order.get_status_display().lower(),
    }  # fmt: skip
    return [_("Order %(code)s: %(quantity)s × %(event)s, %(amount)s, %(state)s.") % facts]


def _used(order: Order) -> list[str]:
    """A warning for staff that used tickets are refunded too."""
    count = CheckIn.objects.filter(ticket__order=order).count()
    if not count:
        return []
    says = ngettext(
        "%(count)s of its tickets was used already.", "%(count)s of its tickets were used already.", count
    )
    return [says % {"count": count}]


def _reconcile(order: Order, asked: dict) -> str:
    state = check_order(order).get_status_display().lower()
    return _("The node was asked about every invoice; the order is %(state)s.") % {"state": state}


def _cancel(order: Order, asked: dict) -> str:
    cancel_order(order)
    return _("The order is canceled and its seats are free again.")


def _refund_whole(order: Order, asked: dict) -> str:
    return _("The order is canceled; %(refund)s") % {"refund": on_its_way(refund_order(order))}


def _refund_part(order: Order, asked: dict) -> str:
    before = int(asked["seen"].partition(" ")[2])
    refund = refund_part(order, amount_sats=asked["amount_sats"], already_refunded_sats=before)
    return _("The tickets stay good; %(refund)s") % {"refund": on_its_way(refund)}


def _push_again(order: Order, asked: dict) -> str:
    payment = cast(Payment, order.payment)
    if not payments.push_again(payment, uma_address=payment.uma_address):
        raise InvalidTransition
    return _("The request goes to %(address)s again.") % {"address": payment.uma_address}


def _mail_again(order: Order, asked: dict) -> str:
    mail_tickets_again(order)
    return _("The tickets go to %(address)s again.") % {"address": order.email}


def _forgetting(order: Order) -> list[str]:
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


def _forget_guest(order: Order, asked: dict) -> str:
    count = forget_email(order.email)
    return ngettext("%(count)s order has forgotten.", "%(count)s orders have forgotten.", count) % {
        "count": count
    }


def _let_others_watch(order: Order, asked: dict) -> str:
    count = release(order)
    return _("%(count)s of its tickets were being watched; any device may join.") % {"count": count}


_PUSH_ENDED = (Payment.Push.REFUSED, Payment.Push.UNREACHABLE, Payment.Push.DELIVERED)

ORDER_ACTIONS = [
    StaffAction(
        "reconcile", gettext_lazy("Ask the node"),
        lambda order: [
            *_story(order), _("Asks the node about all of its invoices and settles what arrived."),
        ],
        _reconcile, is_open=lambda order: order.payment is not None,
    ),
    StaffAction(
        "push", gettext_lazy("Send the request again"),
        lambda order: [
            *_story(order),
            _("Sends the request to %(address)s once more.") % {"address": order.payment.uma_address},
        ],
        _push_again,
        is_open=lambda order: order.is_pending and order.payment is not None
        and order.payment.push in _PUSH_ENDED,
        seen=lambda order: f"{order.status} {order.payment.push} {order.payment.updated_at}",
    ),
    StaffAction(
        "mail", gettext_lazy("Mail the tickets again"),
        lambda order: [
            *_story(order), _("Mails the tickets to %(address)s once more.") % {"address": order.email},
        ],
        _mail_again, is_open=lambda order: order.is_paid and bool(order.email),
        seen=lambda order: list(order.mails.values_list("kind", "status", "sent_at")),
    ),
    StaffAction(
        "viewers", gettext_lazy("Let other devices watch"),
        lambda order: [
            *_story(order), _("Whoever opens the stream next with one of its tickets may watch."),
        ],
        _let_others_watch,
        is_open=lambda order: order.is_paid and Viewer.objects.filter(ticket__order=order).exists(),
        seen=lambda order: list(Viewer.objects.filter(ticket__order=order).order_by("pk").values_list()),
    ),
    StaffAction(
        "refund-part", gettext_lazy("Refund a part"),
        lambda order: [
            *_story(order),
            _("%(amount)s went back so far.") % {"amount": format_sats(refunded_sats(order.payment))},
            _("The tickets stay good."),
        ],
        _refund_part, is_open=lambda order: order.is_paid and order.payment is not None,
        seen=lambda order: f"{order.status} {refunded_sats(order.payment)}", form=AmountForm, is_grave=True,
    ),
    StaffAction(
        "refund", gettext_lazy("Cancel and refund"),
        lambda order: [
            *_story(order), *_used(order),
            _("Cancels the order, frees its seats and sends all of its money back."),
        ],
        _refund_whole, is_open=lambda order: order.is_paid and order.payment is not None,
        seen=lambda order: f"{order.status} {refunded_sats(order.payment)}", is_grave=True,
    ),
    StaffAction(
        "cancel", gettext_lazy("Cancel the order"),
        lambda order: [
            *_story(order), _("Frees its seats. A payment that still arrives is sent back."),
        ],
        _cancel, is_open=lambda order: order.is_pending or (order.is_paid and order.payment is None),
        is_grave=True,
    ),
    StaffAction(
        "forget", gettext_lazy("Forget the guest"), _forgetting, _forget_guest,
        is_open=lambda order: order.buyer_id is None and bool(order.email) and not order.is_forgotten,
        seen=lambda order: order.is_forgotten, is_grave=True,
    ),
    TRY_AGAIN,
]  # fmt: skip
