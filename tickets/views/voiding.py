"""Single tickets on the order's page: a new link, tickets given back, all links anew."""

import uuid

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from tickets.models import Order, Ticket
from tickets.services import giving_back
from tickets.services.voiding import ReplacedAlready, replace_links, replace_ticket
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


@require_safe
@private_page
def give_back_page(request: HttpRequest, token: str) -> HttpResponse:
    """What comes back for one ticket (`?ticket=`), or for all that nobody used, and the button for it."""
    order = order_by_token(token)
    ids = [_ticket(request, order).pk] if "ticket" in request.GET else None
    try:
        plan = giving_back.preview_give_back(order, ids)
    except DomainError as error:
        return show_order(request, order, problem=str(error.message), status=error.status)
    context = {
        "order": order, "event": order.event, "plan": plan, "until": order.refundable_until,
        "is_refundable": giving_back.is_refundable(order),
    }  # fmt: skip
    return render(request, "tickets/give_back.html", context)


@private_page
@act_of("order")
def give_back(request: HttpRequest, token: str) -> HttpResponse:
    """Give tickets back for what the page said: another amount is asked about anew."""
    order = order_by_token(token)
    tickets = _tickets(request, order)
    said = request.POST.get("back_sats", "")
    try:
        back_sats = int(said) if said.isdecimal() and len(said) < 20 else 0
        giving_back.give_back(order, [ticket.pk for ticket in tickets], expected_sats=back_sats)
    except DomainError as error:
        now = order_by_token(token)
        if giving_back.gave_back(now, tickets):
            return done_before(request, order)
        return show_order(request, now, problem=str(error.message), status=error.status)
    messages.success(request, _("Given back. Thank you for making room for somebody else."))
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
    """The ticket of this order that the form, or the address, names."""
    return _tickets(request, order)[0]


def _tickets(request: HttpRequest, order: Order) -> list[Ticket]:
    """All of this order's that the form, or the address, names: one at least."""
    try:
        ids = {uuid.UUID(each) for each in (request.POST or request.GET).getlist("ticket")}
    except ValueError:
        raise Http404 from None
    tickets = Ticket.objects.select_related("order__event", "check_in").filter(order=order, pk__in=ids)
    if not ids or len(tickets) != len(ids):
        raise Http404
    return list(tickets)
