"""View behind the link that is mailed for free seats."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from tickets.models import Order
from tickets.services.mailbox_proof import confirm_mailbox, order_of_mailbox
from ticketsuma.errors import DomainError

from .decorators import private_page


@require_http_methods(["GET", "HEAD", "POST"])
@private_page
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """Ask whether they want the seats; posting takes them. Opening the link alone changes nothing,
    because mail scanners open links too.
    """
    try:
        order = order_of_mailbox(token)
    except Order.DoesNotExist:
        raise Http404 from None
    problem, status = "", 200
    if order.is_paid:
        return redirect(order)
    if request.method == "POST":
        try:
            confirm_mailbox(order)
            return redirect(order)
        except DomainError as error:
            problem, status = str(error.message), error.status
    context = {"order": order, "event": order.event, "problem": problem}
    return render(request, "tickets/confirm.html", context, status=status)
