"""Views of connected wallets: acts of an order's page, and the account's own page."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.http import SignedInRequest
from accounts.models import User
from accounts.rate_limits import client_ip
from payments.nwc import services
from payments.nwc.models import ConnectedWallet
from tickets.forms.wallet import WalletLinkForm
from ticketsuma.errors import DomainError
from ticketsuma.state_machine import InvalidTransition

from .acts import act_of, done_before
from .decorators import private_page
from .orders import order_by_token, show_order


def _user(request: HttpRequest) -> User | None:
    return request.user if isinstance(request.user, User) else None


@private_page
@act_of("order")
def wallet_connect(request: HttpRequest, token: str) -> HttpResponse:
    """Connect a wallet for this one order; whoever holds its link may, and may then pay it from there."""
    order = order_by_token(token)
    form = WalletLinkForm(request.POST)
    if form.is_valid() and order.payment:
        try:
            services.connect(form.cleaned_data["link"], payment=order.payment, ip=client_ip(request))
            return redirect(order)
        except DomainError as error:
            form.refuse(error)
    return show_order(request, order, wallet_form=form, status=422)


@private_page
@act_of("order")
def wallet_pay(request: HttpRequest, token: str) -> HttpResponse:
    """Pay from the wallet that the form names: this order's, or the signed-in user's own."""
    order = order_by_token(token)
    if order.payment is None:
        return redirect(order)
    try:
        services.press(order.payment, request.POST.get("wallet", ""), _user(request))
    except InvalidTransition:
        return done_before(request, order)
    except DomainError as error:
        return show_order(request, order_by_token(token), problem=str(error.message), status=error.status)
    return redirect(order)


@private_page
@act_of("order")
def wallet_forget(request: HttpRequest, token: str) -> HttpResponse:
    """Forget the wallet that was connected for this order; what is queued is not sent."""
    order = order_by_token(token)
    if order.payment:
        services.forget(ConnectedWallet.objects.filter(payment=order.payment))
    return redirect(order)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@private_page
def my_wallet(request: SignedInRequest) -> HttpResponse:
    """The account's connected wallet; posting connects another one, or forgets it (`act=forget`)."""
    form = WalletLinkForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and request.POST.get("act") == "forget":
        services.forget(ConnectedWallet.objects.filter(user=request.user))
        messages.success(request, _("Your wallet is forgotten."))
        return redirect("my_wallet")
    if request.method == "POST" and form.is_valid():
        try:
            services.connect(form.cleaned_data["link"], user=request.user, ip=client_ip(request))
            return redirect("my_wallet")
        except DomainError as error:
            form.refuse(error)
    wallet = ConnectedWallet.objects.filter(user=request.user).first()
    context: dict[str, Any] = {"wallet": wallet, "wallet_form": form}
    return render(request, "me/wallet.html", context, status=422 if form.errors else 200)
