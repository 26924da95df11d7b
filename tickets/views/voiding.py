"""Single tickets on the order's page: a new link, a seat given back, all links anew."""

import uuid

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from tickets.models import Order, Ticket
from tickets.services.voiding import ReplacedAlready, replace_links, replace_ticket, void_own_ticket
from ticketsuma.errors import DomainError

from .acts import act_of, done_before
from .decorators import private_page
from .orders import order_by_token, show_order


@private_page
@act_of("order")
def ticket_replace(request: HttpRequest, token: str) -> HttpResponse:
    """Another code and link for one ticket; its old ones open nothing any more.

    The form says of which generation the ticket was on its page: sent twice, it replaces once.
    """
    order = order_by_token(token)
    ticket = _ticket(request, order)
    try:
        if request.POST.get("generation", str(ticket.generation)) != str(ticket.generation):
            raise ReplacedAlready
        replace_ticket(ticket)
    except ReplacedAlready:
        return done_before(request, order)
    except DomainError as error:
        return show_order(request, order_by_token(token), problem=str(error.message), status=error.status)
    messages.success(request, _("The ticket has a new link and a new code; the old ones open nothing."))
    return redirect(order)


@private_page
@act_of("order")
def ticket_void(request: HttpRequest, token: str) -> HttpResponse:
    """Give one seat back, without money."""
    order = order_by_token(token)
    ticket = _ticket(request, order)
    try:
        void_own_ticket(ticket)
    except DomainError as error:
        if _ticket(request, order).voided_at:
            return done_before(request, order)
        return show_order(request, order_by_token(token), problem=str(error.message), status=error.status)
    messages.success(request, _("The seat is given back."))
    return redirect(order)


@private_page
@act_of("order")
def links_replace(request: HttpRequest, token: str) -> HttpResponse:
    """End this very link and those of the tickets; the new ones go to the buyer's mailbox only."""
    order = order_by_token(token)
    try:
        replace_links(order)
    except DomainError as error:
        return show_order(request, order_by_token(token), problem=str(error.message), status=error.status)
    return redirect("order", token)


def _ticket(request: HttpRequest, order: Order) -> Ticket:
    """The ticket of this order that the form names."""
    try:
        pk = uuid.UUID(request.POST.get("ticket", ""))
        return Ticket.objects.select_related("order__event", "check_in").get(pk=pk, order=order)
    except (ValueError, Ticket.DoesNotExist):
        raise Http404 from None
