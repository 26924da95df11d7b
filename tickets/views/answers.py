"""Views of answers: the forms with an event's questions on the pages of an order and of a ticket."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from tickets.services.answers import AnswerRefused, save_answers
from ticketsuma.errors import DomainError

from .acts import act_of
from .decorators import private_page
from .orders import answers_form, order_by_token, show_order
from .tickets import show_ticket, ticket_by_token, ticket_questions


@private_page
@act_of("order")
def order_answers(request: HttpRequest, token: str) -> HttpResponse:
    """Keep what the buyer answers about the order and its tickets."""
    order = order_by_token(token)
    form = answers_form(order, order.tickets.select_related("line"), request.POST)
    if form is None:  # the event has begun, or nothing is asked any more
        return redirect(order)
    try:
        save_answers(order, form.replies)
    except AnswerRefused as error:
        form.refuse(error)
        return show_order(request, order, answers_form=form, status=422)
    except DomainError as error:
        return show_order(request, order_by_token(token), problem=str(error.message), status=error.status)
    messages.success(request, _("Saved."))
    return redirect(order)


@private_page
@act_of("ticket")
def ticket_answers(request: HttpRequest, token: str) -> HttpResponse:
    """Keep what a ticket's holder answers about it; of the order they see and change nothing."""
    ticket = ticket_by_token(token)
    form = ticket_questions(ticket, request.POST)
    if form is None:
        return redirect(ticket)
    try:
        save_answers(ticket.order, form.replies, number=ticket.number)
    except AnswerRefused as error:
        form.refuse(error)
        return show_ticket(request, ticket, answers=form, status=422)
    except DomainError as error:
        return show_ticket(request, ticket_by_token(token), problem=str(error.message), status=error.status)
    messages.success(request, _("Saved."))
    return redirect(ticket)
