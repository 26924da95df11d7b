"""The pages of a ticket's holder: the ticket, the stream, and getting lost tickets again."""

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from events.words import calendar_file

from . import services
from .forms import FindForm
from .models import Ticket
from .pages import qr_svg
from .privacy import private_page
from .stream import player_for


def _ticket(token: str) -> Ticket:
    try:
        return Ticket.objects.select_related("order__event", "check_in").by_token(token)
    except Ticket.DoesNotExist:
        raise Http404 from None


@require_safe
@private_page
def ticket(request: HttpRequest, token: str) -> HttpResponse:
    """One seat, for whoever holds its link: QR and code while it admits, else what became of it."""
    ticket = _ticket(token)
    context = {"ticket": ticket, "order": ticket.order, "event": ticket.order.event}
    if ticket.admits:
        context["qr"] = qr_svg(ticket.ticket_code)
    return render(request, "tickets/ticket.html", context)


@require_safe
@private_page
def ticket_calendar(request: HttpRequest, token: str) -> HttpResponse:
    """The event for the holder's calendar, with the ticket's page to join from."""
    ticket = _ticket(token)
    body = calendar_file(ticket.order.event, settings.SITE_URL + ticket.get_absolute_url())
    answer = HttpResponse(body, content_type="text/calendar; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="ticket.ics"'
    return answer


@require_safe
@private_page
def stream(request: HttpRequest, token: str) -> HttpResponse:
    """The lobby, the stream, or the closing page; only for a ticket that admits."""
    ticket = _ticket(token)
    event = ticket.order.event
    if not Ticket.objects.admitting().filter(pk=ticket.pk).exists():
        return redirect(ticket)
    context = {"ticket": ticket, "event": event}
    now = timezone.now()
    if now < event.stream_opens_at:
        context["seconds_left"] = int((event.stream_opens_at - now).total_seconds()) + 1
        return render(request, "tickets/lobby.html", context)
    if not event.stream_is_open:
        return render(request, "tickets/closing.html", context)
    context["player"] = player_for(event.stream_url) if event.stream_url else None
    answer = render(request, "tickets/stream.html", context)
    if context["player"] and context["player"].frame_origin:
        answer._csp_update = {"frame-src": [context["player"].frame_origin]}
    return answer


@require_http_methods(["GET", "HEAD", "POST"])
def find_tickets(request: HttpRequest) -> HttpResponse:
    """Mail somebody their links again. The answer never tells whether an address has tickets."""
    form = FindForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        services.send_tickets_again(form.cleaned_data["email"])
        messages.success(request, _("If there are tickets for that address, the mail is on its way."))
        return redirect("find_tickets")
    return render(request, "tickets/find.html", {"form": form}, status=422 if form.is_bound else 200)
