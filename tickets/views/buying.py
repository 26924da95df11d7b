"""Views of buying: the event's page, and its form, which holds seats."""

import math
from functools import partial
from typing import cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.rate_limits import client_ip, hit
from accounts.roles import Ability, may
from events.catalogue_models import PromoCode
from events.markdown import render_markdown
from events.models import Event
from events.offers import code_in_hand, read_for_page
from events.publishing import previewed_id
from events.structured_data import event_data
from tickets.forms.buying import AS_SHOWN, BuyForm
from tickets.forms.questions import with_several
from tickets.models import Order
from tickets.reports.counting import count_view
from tickets.services import orders
from tickets.services.giving_back import PolicyChanged
from tickets.services.holds import hold_ends
from tickets.services.prices import PriceChanged
from ticketsuma.errors import DomainError
from ticketsuma.web.strangers import is_stranger, takes_strangers_forms

from .browser_orders import orders_of_browser, remember
from .decorators import private_page
from .shared_page import KEY_HERE, about_here, glimpse, seats_here, shared_page


@takes_strangers_forms
@require_http_methods(["GET", "HEAD", "POST"])
def event_page(request: HttpRequest, slug: str) -> HttpResponse:
    """One event and its buy form, which posts here; an id in place of the slug leads to the slug."""
    if request.method != "POST" and is_stranger(request):
        seen = glimpse(slug)
        if seen:
            count_view(request, seen.pk)
            render_page = partial(_show_to_strangers, request, seen.pk)
            return shared_page(request, seen, _hold_minutes(seen), render_page)
    code = _typed_code(request)
    event = read_for_page(code, slug=slug)
    if event is None and slug.isdecimal() and len(slug) < 10:
        return redirect(get_object_or_404(Event.objects.public(), pk=int(slug)))
    if event is None:
        event = read_for_page(code, former_slugs=slug)
        if event is None:
            return cast(HttpResponse, _show_draft(request, slug=slug))
        if request.method != "POST":  # whoever has the form open buys all the same
            return redirect(event, permanent=True)
    if request.method == "POST":
        return _answer(request, event)
    count_view(request, event.pk)
    return _show_event(request, event, BuyForm(event=event, user=_buyer(request)))


@takes_strangers_forms
@require_http_methods(["GET", "HEAD", "POST"])
def buy(request: HttpRequest, event_id: int) -> HttpResponse:
    """Where the form posted once: pages that were open while the shop was upgraded still do."""
    event = read_for_page(_typed_code(request), pk=event_id)
    if event is None:
        raise Http404
    return _answer(request, event) if request.method == "POST" else redirect(event)


def _typed_code(request: HttpRequest) -> str:
    """Empty when its buyer takes it away again."""
    return "" if "drop_code" in request.POST else request.POST.get("promo_code", "").strip()[:60]


def _answer(request: HttpRequest, event: Event) -> HttpResponse:
    """Apply a promo code, or buy; a button says which."""
    if "apply_code" in request.POST or "drop_code" in request.POST:
        return _apply_code(request, event)
    return _buy(request, event)


def _code_of(request: HttpRequest, event: Event) -> tuple[PromoCode | None, DomainError | None]:
    """The code that was typed, or why it is not good; guessing them is slowed down."""
    if not _typed_code(request):
        return None, None
    try:
        if "apply_code" in request.POST:
            hit("PROMO_CODE_PER_IP", client_ip(request))
        return code_in_hand(event), None
    except DomainError as refusal:
        return None, refusal


def _apply_code(request: HttpRequest, event: Event) -> HttpResponse:
    """Show the form as it was filled in, at the prices of the promo code; nothing is bought."""
    code, refusal = _code_of(request, event)
    said = with_several(request.POST) | {"promo_code": _typed_code(request)}
    default = f"seats_{event.default_type_id}"  # as the page calls it that shows one type, and several
    seats = said.get("quantity") or said.get(default)
    said |= {"quantity": seats, default: seats} if seats else {}
    kept = {name: value for name, value in said.items() if name not in AS_SHOWN or name == "key"}
    form = BuyForm(event=event, user=_buyer(request), code=code, initial=kept)
    form.code_refusal = str(refusal.message) if refusal else ""
    return _show_event(request, event, form, status=refusal.status if refusal else 200)


def _buy(request: HttpRequest, event: Event) -> HttpResponse:
    """Hold the seats and lead to the page on which they are paid, or show what is wrong."""
    buyer = _buyer(request)
    code, _refusal = _code_of(request, event)  # said by the service, once it has looked for the same order
    form = BuyForm(request.POST, event=event, user=buyer, code=code)
    if not form.is_valid():
        form.check_answers(event, form.wish["answers"])
        if form.price_is_other:
            form.refuse(PriceChanged(event.currency, price=form.offers[0].type.price))
        return _show_event(request, event, form, status=422)
    data = form.cleaned_data
    try:
        if data["refund_policy"] not in ("", event.refund_policy):
            raise PolicyChanged
        order = orders.place_order(
            event=event,
            **form.wish,
            email=buyer.email if buyer else data["email"],
            name=buyer.name if buyer else data["name"],
            uma_address=data.get("uma_address", ""),
            buyer=buyer,
            key=form.idempotency_key,
            ip=client_ip(request),
        )
    except DomainError as error:
        return _show_refusal(request, event, error)
    remember(request, order)
    if order.is_replay and not order.is_pending:
        messages.info(
            request,
            _("You have sent this form before; this is the order it placed. For more seats, buy again."),
        )
    return redirect(order)


def _show_refusal(request: HttpRequest, event: Event, error: DomainError) -> HttpResponse:
    """The form as it was sent, at the prices and with the seats that there are by now."""
    event = read_for_page(_typed_code(request), pk=event.pk) or event
    code, _refusal = _code_of(request, event)
    form = BuyForm(request.POST, event=event, user=_buyer(request), code=code)
    form.full_clean()
    form.refuse(error)
    return _show_event(request, event, form, status=error.status)


def _buyer(request: HttpRequest):
    return request.user if request.user.is_authenticated else None


def _show_event(request: HttpRequest, event: Event, form: BuyForm, status: int = 200) -> HttpResponse:
    if form.is_bound:
        form.show_price()
    context = _event_context(event, form) | {
        "held_order": _held_order(request, event),
        "has_door": may(request.user, Ability.DOOR, event),
    }
    return render(request, "events/event.html", context, status=status)


def _show_to_strangers(request: HttpRequest, event_id: int) -> HttpResponse:
    event = read_for_page(pk=event_id)
    if event is None:
        raise Http404
    form = BuyForm(event=event, user=None, initial={"key": KEY_HERE})
    form.say_left, form.say_about = seats_here, about_here
    context = _event_context(event, form) | {"canonical_path": event.get_absolute_url()}
    return render(request, "events/event.html", context)


def preview(request: HttpRequest, event: Event) -> HttpResponse:
    """The page of `event` as it will be, draft or not: kept nowhere, and nothing is bought on it."""
    shown = cast(Event, read_for_page(drafts=True, pk=event.pk))
    shown.is_active = True  # of this copy, which is shown and thrown away
    context = _event_context(shown, BuyForm(event=shown, user=None))
    context |= {"is_preview": True, "manages": may(request.user, Ability.MANAGE_EVENTS, shown)}
    return render(request, "events/event.html", context | {"canonical_path": shown.get_absolute_url()})


@private_page
@require_safe
def preview_page(request: HttpRequest, token: str) -> HttpResponse:
    """What a preview's link shows; of an event that was published meanwhile, the page itself."""
    event = get_object_or_404(Event, pk=previewed_id(token) or 0)
    return redirect(event) if event.is_active else preview(request, event)


@private_page
def _show_draft(request: HttpRequest, slug: str) -> HttpResponse:
    """Its own staff see a draft at its address; for everybody else there is nothing."""
    if request.method != "POST" and may(request.user, Ability.MANAGE_EVENTS):
        event = Event.objects.filter(slug=slug, is_active=False).select_related("organizer").first()
        if event and may(request.user, Ability.MANAGE_EVENTS, event):
            return preview(request, event)
    raise Http404


def _event_context(event: Event, form: BuyForm) -> dict:
    return {
        "event": event,
        "form": form,
        "description": render_markdown(event.description),
        "structured_data": event_data(event),
        "hold_minutes": _hold_minutes(event),
    }


def _hold_minutes(event: Event) -> int:
    return max(1, math.ceil((hold_ends(event) - timezone.now()).total_seconds() / 60))


def _held_order(request: HttpRequest, event: Event) -> Order | None:
    """The seats this very browser is holding for the event, if it still does."""
    return orders_of_browser(request).filter(event=event, status=Order.Status.PENDING).first()
