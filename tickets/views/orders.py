"""Views of a purchase: the event, its buy form, the order."""

import math
from collections.abc import Iterable
from functools import partial

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.rate_limits import client_ip
from accounts.roles import Ability, may
from events.markdown import render_markdown
from events.models import Event
from tickets.forms.orders import BuyForm, EmailForm, UmaAddressForm
from tickets.forms.refunds import RefundAddressForm
from tickets.forms.tickets import HoldersForm
from tickets.models import Order, Ticket
from tickets.services import orders
from tickets.services.giving_back import PolicyChanged
from tickets.services.holds import hold_ends
from ticketsuma.errors import DomainError
from ticketsuma.live.grip import comes_from_proxy, hold
from ticketsuma.web.sse import stream_response
from ticketsuma.web.strangers import is_stranger, takes_strangers_forms

from .acts import act_of, done_before, takes_acts
from .browser_orders import orders_of_browser, remember
from .decorators import private_page
from .order_page import Shown, hub, order_page
from .shared_page import KEY_HERE, SEATS_HERE, glimpse, shared_page


# -- buying -----------------------------------------------------------------------------------
@takes_strangers_forms
@require_http_methods(["GET", "HEAD", "POST"])
def event_page(request: HttpRequest, slug: str) -> HttpResponse:
    """One event and its buy form, which posts here; an id in place of the slug leads to the slug."""
    if request.method != "POST" and is_stranger(request):
        seen = glimpse(slug)
        if seen:
            return shared_page(
                request, seen, _hold_minutes(seen), partial(_show_to_strangers, request, seen.pk)
            )
    event = Event.objects.public().select_related("organizer", "default_type").filter(slug=slug).first()
    if event is None and slug.isdecimal() and len(slug) < 10:
        return redirect(get_object_or_404(Event.objects.public(), pk=int(slug)))
    if event is None:
        event = get_object_or_404(Event.objects.public(), former_slugs=slug)
        if request.method != "POST":  # whoever has the form open buys all the same
            return redirect(event, permanent=True)
    if request.method == "POST":
        return _buy(request, event)
    return _show_event(request, event, BuyForm(event=event, user=_buyer(request)))


@takes_strangers_forms
@require_http_methods(["GET", "HEAD", "POST"])
def buy(request: HttpRequest, event_id: int) -> HttpResponse:
    """Where the form posted once: pages that were open while the shop was upgraded still do."""
    event = get_object_or_404(Event.objects.public(), pk=event_id)
    return _buy(request, event) if request.method == "POST" else redirect(event)


def _buy(request: HttpRequest, event: Event) -> HttpResponse:
    """Hold the seats and lead to the page on which they are paid, or show what is wrong."""
    buyer = _buyer(request)
    form = BuyForm(request.POST, event=event, user=buyer)
    if not form.is_valid():
        if form.cleaned_data.get("price_sats") not in (None, event.default_price):
            form.refuse(orders.PriceChanged(price_sats=event.default_price))
        return _show_event(request, event, form, status=422)
    data = form.cleaned_data
    try:
        if data["refund_policy"] not in ("", event.refund_policy):
            raise PolicyChanged
        order = orders.place_order(
            event=event,
            quantity=data["quantity"],
            email=buyer.email if buyer else data["email"],
            name=buyer.name if buyer else data["name"],
            uma_address=data.get("uma_address", ""),
            buyer=buyer,
            key=form.idempotency_key,
            ip=client_ip(request),
            expected_price_sats=data["price_sats"],
        )
    except DomainError as error:
        form.refuse(error)
        event = Event.objects.select_related("organizer", "default_type").get(pk=event.pk)
        return _show_event(request, event, form, status=error.status)
    remember(request, order)
    if order.is_replay and not order.is_pending:
        messages.info(
            request,
            _("You have sent this form before; this is the order it placed. For more seats, buy again."),
        )
    return redirect(order)


def _buyer(request: HttpRequest):
    return request.user if request.user.is_authenticated else None


def _show_event(request: HttpRequest, event: Event, form: BuyForm, status: int = 200) -> HttpResponse:
    if form.is_bound:
        form.show_price(event)
    context = _event_context(event, form) | {
        "held_order": _held_order(request, event),
        "has_door": may(request.user, Ability.DOOR, event),
    }
    return render(request, "events/event.html", context, status=status)


def _show_to_strangers(request: HttpRequest, event_id: int) -> HttpResponse:
    event = get_object_or_404(Event.objects.public(), pk=event_id)
    form = BuyForm(event=event, user=None, initial={"key": KEY_HERE})
    context = _event_context(event, form) | {
        "seats_left": SEATS_HERE,
        "canonical_path": event.get_absolute_url(),
    }
    return render(request, "events/event.html", context)


def _event_context(event: Event, form: BuyForm) -> dict:
    return {
        "event": event,
        "form": form,
        "description": render_markdown(event.description),
        "hold_minutes": _hold_minutes(event),
    }


def _hold_minutes(event: Event) -> int:
    return max(1, math.ceil((hold_ends(event) - timezone.now()).total_seconds() / 60))


def _held_order(request: HttpRequest, event: Event) -> Order | None:
    """The seats this very browser is holding for the event, if it still does."""
    return orders_of_browser(request).filter(event=event, status=Order.Status.PENDING).first()


# -- the order --------------------------------------------------------------------------------
def order_by_token(token: str) -> Order:
    """The order that `token` opens, ready to be shown; Http404 for any other, or Replaced."""
    return Shown(token).order()


@private_page
@takes_acts("order")
def order(request: HttpRequest, token: str) -> HttpResponse:
    """Everything about one order, for whoever holds its link."""
    return show_order(request, order_by_token(token))


@require_safe
@private_page
def order_status(request: HttpRequest, token: str) -> HttpResponse:
    """The live part of the order's page; 204 when `?v=` is what it already shows.

    Left out is what the open page keeps: the code of the invoice it shows (`?invoice=`), and, while the order
    stays in the state of `?keeps=`, what somebody may be typing in.
    """
    shown = Shown(token)
    if request.GET.get("v") == shown.version:
        return HttpResponse(status=204)
    order, asked = shown.order(), request.GET
    context = order_page(order, asked.get("invoice", "")) | {"is_kept": asked.get("keeps") == order.status}
    return render(request, "tickets/order_live.html", context | _forms_of(order, context["tickets"]))


@require_safe
def order_live(request: HttpRequest, token: str) -> HttpResponseBase:
    """Server-sent events: one `changed` whenever the order's page would look different.

    Held by Pushpin when it came by one of ours, else by a thread of this process.
    """
    shown = Shown(token)
    order = shown.order()
    if settings.GRIP_URL and comes_from_proxy(request):
        channels = [f"order-{order.pk}", *([f"payment-{order.payment_id}"] if order.payment_id else [])]
        return hold(request, channels, shown.version)
    return stream_response(request, hub, order.pk, client_ip(request))


@private_page
@act_of("order")
def order_cancel(request: HttpRequest, token: str) -> HttpResponse:
    """Give the seats back; refused while a payment may be on its way."""
    order = order_by_token(token)
    try:
        orders.cancel_order(order)
    except DomainError as error:
        order = order_by_token(token)
        if order.status == Order.Status.CANCELED:
            return done_before(request, order)
        return show_order(request, order, problem=str(error.message), status=error.status)
    return redirect(order)


@private_page
@act_of("order")
def order_address(request: HttpRequest, token: str) -> HttpResponse:
    """Send the payment request to another wallet; the seats stay held."""
    order = order_by_token(token)
    form = UmaAddressForm(request.POST)
    if not form.is_valid():
        return show_order(request, order, form=form, status=422)
    try:
        orders.change_uma_address(order, uma_address=form.cleaned_data["uma_address"], ip=client_ip(request))
    except orders.AskedAlready:
        return done_before(request, order)
    except DomainError as error:
        return show_order(request, order_by_token(token), problem=str(error.message), status=error.status)
    return redirect(order)


def show_order(request: HttpRequest, order: Order, *, problem="", status=200, **forms) -> HttpResponse:
    """The order's page; `forms` are bound ones to show with their errors."""
    context = order_page(order) | {"problem": problem}
    context |= _forms_of(order, context["tickets"])
    return render(request, "tickets/order.html", context | forms, status=status)


def _forms_of(order: Order, tickets: list[Ticket]) -> dict:
    """Made when a template asks for them: no page shows all three."""
    return {
        "form": SimpleLazyObject(lambda: UmaAddressForm(initial={"uma_address": order.uma_address})),
        "refund_form": SimpleLazyObject(RefundAddressForm),
        "email_form": SimpleLazyObject(lambda: EmailForm(initial={"email": order.email})),
        "holders_form": SimpleLazyObject(lambda: HoldersForm(tickets=passable(tickets))),
    }


def passable(tickets: Iterable[Ticket]) -> list[Ticket]:
    """Those that may still change hands; their orders and check-ins are loaded."""
    return [ticket for ticket in tickets if ticket.admits and not ticket.is_used]
