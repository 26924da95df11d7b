"""Views of payments that have not become seats: "I already paid", and the refund address."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.rate_limits import client_ip, hit
from payments.node import lightspark
from tickets.forms.refunds import ClaimForm, RefundAddressForm
from tickets.models import Order
from tickets.services import moved_events, payment_lookup, refunds
from ticketsuma.errors import DomainError

from .acts import act_of, done_before
from .decorators import private_page
from .orders import order_by_token, show_order


@private_page
@act_of("order")
def refund_address(request: HttpRequest, token: str) -> HttpResponse:
    """Send what waits for an address to the one given; whoever holds the order's link may say it."""
    order = order_by_token(token)
    form = RefundAddressForm(request.POST)
    if not form.is_valid():
        return show_order(request, order, refund_form=form, status=422)
    try:
        refunds.give_refund_address(order, address=form.cleaned_data["uma_address"])
    except DomainError as error:
        if refunds.goes_to(order, form.cleaned_data["uma_address"]):
            return done_before(request, order)
        return show_order(request, order_by_token(token), problem=str(error.message), status=error.status)
    return redirect(order)


@private_page
@act_of("order")
def money_back(request: HttpRequest, token: str) -> HttpResponse:
    """The event was moved: cancel the order and send its money back; whoever holds the order's link may."""
    order = order_by_token(token)
    try:
        moved_events.give_money_back(order)
    except DomainError as error:
        if moved_events.gave_money_back(order):
            return done_before(request, order)
        return show_order(request, order_by_token(token), problem=str(error.message), status=error.status)
    return redirect(order)


@private_page
@act_of("order")
def order_check(request: HttpRequest, token: str) -> HttpResponse:
    """ "I already paid": ask the node now, and say plainly what it says."""
    order = order_by_token(token)
    before = order.status
    try:
        payment_lookup.check_now(order, ip=client_ip(request))
    except (lightspark.NodeUnknown, lightspark.NodeRefused) as error:
        problem = _(
            "Our node does not answer right now. If you paid, nothing is lost: we keep looking for your "
            "payment for a day, and this page will show it."
        )
        return show_order(request, order_by_token(token), problem=problem, status=error.status)
    if order.status == before:
        messages.info(request, _not_found(order))
    return redirect(order)


def _not_found(order: Order) -> str:
    if order.is_pending:
        return _("No payment has reached us yet. If your wallet says it is on its way, it soon will.")
    return _("We looked again: no new payment for this order has reached us.")


@require_http_methods(["GET", "HEAD", "POST"])
def paid(request: HttpRequest) -> HttpResponse:
    """Find a payment without its order's link. The answer never tells whether there was one."""
    form = ClaimForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        hit("CLAIM_PER_IP", client_ip(request))
        payment_lookup.claim_quietly(form.cleaned_data["proof"])
        messages.success(
            request,
            _("Thank you. If it is a payment of ours, its tickets come by mail once our node confirms it."),
        )
        return redirect("paid")
    return render(request, "tickets/paid.html", {"form": form}, status=422 if form.is_bound else 200)
