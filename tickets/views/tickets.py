"""Views of ticket holders: the ticket, its PDF, and recovery of lost tickets."""

from collections.abc import Mapping

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from accounts.rate_limits import client_ip, costly
from accounts.services import count_mail
from events.ical import calendar_file
from events.models import Event
from tickets.forms.orders import FindForm
from tickets.forms.questions import AnswersForm
from tickets.forms.tickets import HolderForm, HoldersForm
from tickets.line_models import LINES
from tickets.links import row_of_link
from tickets.mail.messages import send_tickets_again
from tickets.models import Order, Ticket
from tickets.offline_door.statements import qr_text
from tickets.pocket.keeping import is_own, keep_ticket
from tickets.services.answers import may_answer, seats_of
from tickets.services.holders import name_holders
from ticketsuma.errors import DomainError
from ticketsuma.qr import qr_svg

from .acts import act_of, takes_acts
from .browser_orders import orders_of_browser
from .decorators import private_page
from .orders import order_by_token, passable, show_order


def ticket_by_token(token: str) -> Ticket:
    """The ticket that `token` opens, with its order and event; Http404 for any other, or Replaced."""
    return row_of_link(Ticket.objects.select_related("order__event", "check_in", "line__type"), token)


@private_page
@takes_acts("ticket")
def ticket(request: HttpRequest, token: str) -> HttpResponse:
    """One seat, for whoever holds its link: QR and code while it admits, else what became of it."""
    return show_ticket(request, ticket_by_token(token))


def show_ticket(
    request: HttpRequest, ticket: Ticket, *, form=None, answers=None, problem="", status=200
) -> HttpResponse:
    context = {"ticket": ticket, "order": ticket.order, "event": ticket.order.event, "problem": problem}
    context["form"] = form or HolderForm(ticket=ticket)
    context["answers_form"] = answers or ticket_questions(ticket)
    if ticket.admits:
        context["qr"] = qr_svg(qr_text(ticket))
    context["is_own"] = is_own(request, ticket.order)
    return keep_ticket(request, render(request, "tickets/ticket.html", context, status=status), ticket)


def ticket_questions(ticket: Ticket, data: Mapping | None = None) -> AnswersForm | None:
    """What the event asks the ticket's holder, while it may be answered."""
    order = ticket.order
    if order.event.kept_questions is None or not ticket.admits or not may_answer(order):
        return None
    answers = order.answers.filter(ticket_number=ticket.number)
    form = AnswersForm(
        data, event=order.event, seats=seats_of([ticket]), answers=list(answers), of_order=False
    )
    return form if form.places else None


@require_safe
@private_page
def ticket_calendar(request: HttpRequest, token: str) -> HttpResponse:
    """The event for the holder's calendar, with the ticket's page to join from."""
    ticket = ticket_by_token(token)
    return _calendar(ticket.order.event, ticket.get_absolute_url(), ticket.type_name)


@require_safe
@private_page
def order_calendar(request: HttpRequest, token: str) -> HttpResponse:
    """The event for the buyer's calendar, with the order's page, which has all of its tickets."""
    order = order_by_token(token)
    names = dict.fromkeys(line.type.name for line in order.lines.select_related("type") if line.type.name)
    return _calendar(order.event, order.get_absolute_url(), ", ".join(names))


def _calendar(event: Event, path: str, kind: str = "") -> HttpResponse:
    entry = calendar_file(event, settings.SITE_URL + path, kind=kind)
    answer = HttpResponse(entry, content_type="text/calendar; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="ticket.ics"'
    return answer


@require_safe
@private_page
@costly
def ticket_file(request: HttpRequest, token: str) -> HttpResponse:
    """The ticket as a PDF; only while it admits."""
    from tickets.pdf.ticket import (
        ticket_pdf,  # reportlab takes a while to import; the first reader of a PDF waits
    )

    ticket = ticket_by_token(token)
    if not ticket.admits:
        return redirect(ticket)
    answer = HttpResponse(ticket_pdf(ticket), content_type="application/pdf")
    answer["Content-Disposition"] = f'inline; filename="ticket-{ticket.order.code}-{ticket.number}.pdf"'
    return answer


@private_page
@act_of("ticket")
def ticket_holder(request: HttpRequest, token: str) -> HttpResponse:
    """Put another name or address on the ticket; whoever holds its link may."""
    ticket = ticket_by_token(token)
    form = HolderForm(request.POST, ticket=ticket)
    if not form.is_valid():
        return show_ticket(request, ticket, form=form, status=422)
    try:
        mailed = name_holders(ticket.order, [form.holder], ip=client_ip(request))
    except DomainError as error:
        return show_ticket(request, ticket_by_token(token), problem=str(error.message), status=error.status)
    said = _("Saved. The ticket is on its way to its holder.") if mailed else _("Saved.")
    messages.success(request, said)
    return redirect(ticket)


@private_page
@act_of("order")
def order_holders(request: HttpRequest, token: str) -> HttpResponse:
    """Who goes with each ticket of the order, and mail each their own."""
    order = order_by_token(token)
    form = HoldersForm(
        request.POST, tickets=passable(order.tickets.select_related("order__event", "check_in", "line__type"))
    )
    if not form.is_valid():
        return show_order(request, order, holders_form=form, status=422)
    try:
        mailed = name_holders(order, form.holders, ip=client_ip(request))
    except DomainError as error:
        return show_order(
            request, order_by_token(token), holders_form=form, problem=str(error.message), status=error.status
        )
    says = ngettext("Saved. One ticket is on its way.", "Saved. %(mailed)s tickets are on their way.", mailed)
    messages.success(request, says % {"mailed": mailed} if mailed else _("Saved."))
    return redirect(order)


@require_http_methods(["GET", "HEAD", "POST"])
@private_page
def find_tickets(request: HttpRequest) -> HttpResponse:
    """What a guest bought in this browser, and links mailed again. Never told: whether an address has any."""
    form = FindForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        count_mail(request, form.cleaned_data["email"])
        send_tickets_again(form.cleaned_data["email"])
        messages.success(
            request,
            _("If there are tickets for that address, their links come by mail in minutes, or just came."),
        )
        return redirect("find_tickets")
    context = {"form": form, "orders": [] if request.user.is_authenticated else _bought_here(request)}
    return render(request, "tickets/find.html", context, status=422 if form.is_bound else 200)


def _bought_here(request: HttpRequest) -> list[Order]:
    """Held, good, and given back after they were paid; what comes first stands first."""
    orders = orders_of_browser(request).select_related("event", "payment")
    orders = orders.prefetch_related("tickets", LINES)
    orders = orders.exclude(status__in=[Order.Status.EXPIRED, Order.Status.CANCELED], paid_at=None)
    return list(orders.order_by("event__start_time", "created_at"))
