"""Views of the order: its page, its live part, and what its buyer may do."""

from collections.abc import Iterable, Mapping

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.functional import SimpleLazyObject
from django.views.decorators.http import require_safe

from accounts.rate_limits import client_ip
from tickets.forms.orders import EmailForm, UmaAddressForm
from tickets.forms.questions import AnswersForm
from tickets.forms.refunds import RefundAddressForm
from tickets.forms.tickets import HoldersForm
from tickets.forms.wallet import WalletLinkForm
from tickets.models import Order, Ticket
from tickets.pocket.keeping import is_own
from tickets.services import orders
from tickets.services.answers import known_answers, may_answer, seats_of
from ticketsuma.errors import DomainError
from ticketsuma.live.grip import comes_from_proxy, hold
from ticketsuma.web.sse import stream_response

from .acts import act_of, done_before, takes_acts
from .decorators import private_page
from .order_page import Shown, connected_wallets, hub, order_page


# -- the order --------------------------------------------------------------------------------
def order_by_token(token: str) -> Order:
    """The order that `token` opens, ready to be shown; Http404 for any other, or Replaced."""
    return Shown(token).order()


@private_page
@takes_acts("order")
def order(request: HttpRequest, token: str) -> HttpResponse:
    """Everything about one order, for whoever holds its link."""
    return show_order(request, order_by_token(token))


@require_safe
@private_page
def order_status(request: HttpRequest, token: str) -> HttpResponse:
    """The live part of the order's page; 204 when `?v=` is what it already shows.

    Left out is what the open page keeps: the code of the invoice it shows (`?invoice=`), and, while the order
    stays in the state of `?keeps=`, what somebody may be typing in.
    """
    shown = Shown(token)
    if request.GET.get("v") == shown.version:
        return HttpResponse(status=204)
    order, asked = shown.order(), request.GET
    context = order_page(order, asked.get("invoice", "")) | {"is_kept": asked.get("keeps") == order.status}
    context |= connected_wallets(order, request.user)
    return render(request, "tickets/order_live.html", context | _forms_of(order, context["tickets"]))


@require_safe
def order_live(request: HttpRequest, token: str) -> HttpResponseBase:
    """Server-sent events: one `changed` whenever the order's page would look different.

    Held by Pushpin when it came by one of ours, else by a thread of this process.
    """
    shown = Shown(token)
    order = shown.order()
    if settings.GRIP_URL and comes_from_proxy(request):
        channels = [f"order-{order.pk}", *([f"payment-{order.payment_id}"] if order.payment_id else [])]
        return hold(request, channels, shown.version)
    return stream_response(request, hub, order.pk, client_ip(request))


@private_page
@act_of("order")
def order_cancel(request: HttpRequest, token: str) -> HttpResponse:
    """Give the seats back; refused while a payment may be on its way."""
    order = order_by_token(token)
    try:
        orders.cancel_order(order)
    except DomainError as error:
        order = order_by_token(token)
        if order.status == Order.Status.CANCELED:
            return done_before(request, order)
        return show_order(request, order, problem=str(error.message), status=error.status)
    return redirect(order)


@private_page
@act_of("order")
def order_address(request: HttpRequest, token: str) -> HttpResponse:
    """Send the payment request to another wallet; the seats stay held."""
    order = order_by_token(token)
    form = UmaAddressForm(request.POST)
    if not form.is_valid():
        return show_order(request, order, form=form, status=422)
    try:
        orders.change_uma_address(order, uma_address=form.cleaned_data["uma_address"], ip=client_ip(request))
    except orders.AskedAlready:
        return done_before(request, order)
    except DomainError as error:
        return show_order(request, order_by_token(token), problem=str(error.message), status=error.status)
    return redirect(order)


def show_order(request: HttpRequest, order: Order, *, problem="", status=200, **forms) -> HttpResponse:
    """The order's page; `forms` are bound ones to show with their errors."""
    context = order_page(order) | connected_wallets(order, request.user) | {"problem": problem}
    context |= _forms_of(order, context["tickets"]) | {"is_own": is_own(request, order)}
    context["is_refused"] = bool(forms)
    return render(request, "tickets/order.html", context | forms, status=status)


def _forms_of(order: Order, tickets: list[Ticket]) -> dict:
    """Made when a template asks for them: no page shows all of them."""
    return {
        "form": SimpleLazyObject(lambda: UmaAddressForm(initial={"uma_address": order.uma_address})),
        "refund_form": SimpleLazyObject(RefundAddressForm),
        "wallet_form": SimpleLazyObject(WalletLinkForm),
        "email_form": SimpleLazyObject(lambda: EmailForm(initial={"email": order.email})),
        "answers_form": SimpleLazyObject(lambda: answers_form(order, tickets)),
        "holders_form": SimpleLazyObject(lambda: HoldersForm(tickets=passable(tickets))),
    }


def answers_form(order: Order, tickets: Iterable[Ticket], data: Mapping | None = None) -> AnswersForm | None:
    """The event's questions about the order and `tickets`, loaded with their lines, while they are open."""
    if order.event.kept_questions is None or not may_answer(order):
        return None
    form = AnswersForm(data, event=order.event, seats=seats_of(tickets), answers=known_answers(order))
    return form if form.places else None


def passable(tickets: Iterable[Ticket]) -> list[Ticket]:
    """Those that may still change hands; their orders and check-ins are loaded."""
    return [ticket for ticket in tickets if ticket.admits and not ticket.is_used]
