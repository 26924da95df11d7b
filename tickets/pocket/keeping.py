"""Which pages a browser may keep for when there is no net, and whether a kept one is still true."""

import hashlib

from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac

from accounts.models import User
from events.models import Event
from tickets.models import Order, Ticket

from .worker import shell_version

KEEP, VERSION, WHO = "Keep-Offline", "Ticket-Version", "Signed-In"
NOBODY = "nobody"


def who(request: HttpRequest) -> str:
    """A name for whoever is signed in that says nothing to anybody else; NOBODY for everybody else."""
    user = request.user
    return name_of(user) if user.is_authenticated else NOBODY


def name_of(user: User) -> str:
    return salted_hmac("tickets.pocket", str(user.pk), algorithm="sha256").hexdigest()[:20]


def keep_list(request: HttpRequest, answer: HttpResponse) -> HttpResponse:
    """Let the browser keep the list of the signed-in user's tickets."""
    if answer.status_code == 200:
        answer[KEEP] = who(request)
    return answer


def keep_ticket(request: HttpRequest, answer: HttpResponse, ticket: Ticket) -> HttpResponse:
    """Let the browser keep a ticket's page: the signed-in user's by itself, others when it is asked to."""
    if answer.status_code == 200:
        answer[VERSION] = ticket_version(ticket)
        if is_own(request, ticket.order):
            answer[KEEP] = who(request)
    return answer


def is_own(request: HttpRequest, order: Order) -> bool:
    """Whether `order` is of who is signed in, as on "My tickets"."""
    user = request.user
    if not user.is_authenticated:
        return False
    if order.buyer_id:
        return order.buyer_id == user.pk
    return order.email == user.email and user.has_verified_email


def ticket_version(ticket: Ticket) -> str:
    """Another one whenever the ticket's page would look different; its order, event and check-in are loaded.

    The clock is left out: whether an event is past, a page without a net cannot know either.
    """
    order, event = ticket.order, ticket.order.event
    said = (
        shell_version(), ticket.pk, ticket.generation, order.status, ticket.voided_at, ticket.holder_name,
        ticket.ticket_code, ticket.is_used, _event_says(event),
    )  # fmt: skip
    return hashlib.sha256(repr(said).encode()).hexdigest()[:20]


def _event_says(event: Event) -> tuple:
    return (event.title, event.start_time, event.end_time, event.timezone, event.canceled_at)
