"""Buying again what a hold that has ended was of, at what it comes to by now."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.rate_limits import client_ip
from tickets.services.orders import place_again
from ticketsuma.errors import DomainError

from .acts import act_of
from .browser_orders import remember
from .decorators import private_page
from .orders import order_by_token, show_order


@private_page
@act_of("order")
def order_again(request: HttpRequest, token: str) -> HttpResponse:
    """Hold the same seats anew, if they come to what the page said; else it says what they come to."""
    order = order_by_token(token)
    said = request.POST.get("amount_sats", "")
    buyer = request.user if request.user.is_authenticated else None
    try:
        expected_sats = int(said) if said.isascii() and said.isdecimal() and len(said) <= 16 else 0
        anew = place_again(order, expected_sats=expected_sats, buyer=buyer, ip=client_ip(request))
    except DomainError as error:
        return show_order(request, order_by_token(token), problem=str(error.message), status=error.status)
    remember(request, anew)
    return redirect(anew)
