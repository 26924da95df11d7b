"""Views of the check-in page: staff admit tickets by camera, photo or typed code."""

import functools
import uuid
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts import second_factor
from accounts.http import SignedInRequest
from accounts.roles import Ability, may, visible
from events.models import Event
from tickets.forms.orders import DescribedForm
from tickets.offline_door.statements import MAX_LENGTH
from tickets.services import check_ins, guest_list
from ticketsuma.errors import DomainError
from ticketsuma.paginator import GrowingPaginator
from ticketsuma.web.middleware import allow_sources

from .decorators import private_page


class ScanForm(DescribedForm):
    code = forms.CharField(
        label=_("Ticket code, name, order code or e-mail"),
        max_length=MAX_LENGTH,
        widget=forms.TextInput(
            attrs={
                "class": "input", "autocomplete": "off", "autocapitalize": "characters",
                "spellcheck": "false", "enterkeyhint": "go",
            }
        ),
    )  # fmt: skip
    # The same scan sent again gets the same answer; the page makes up a new one for each scan. Without the
    # attribute some browsers fill in the one of before when the page is loaded anew.
    nonce = forms.CharField(
        max_length=64,
        widget=forms.HiddenInput(attrs={"autocomplete": "off"}),
        initial=lambda: uuid.uuid4().hex,
    )


class PickForm(forms.Form):
    """A button of the guest list: who comes in, or was let in by mistake."""

    ticket = forms.UUIDField(required=False)
    undo = forms.UUIDField(required=False)
    nonce = forms.CharField(max_length=64)


def staff_page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponseBase]:
    """For whoever has a door to mind: others are asked to sign in, or told that it is not for them."""

    @functools.wraps(view)
    def answer_staff(request: HttpRequest, *args, **kwargs) -> HttpResponse:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        if not may(request.user, Ability.DOOR):
            raise PermissionDenied
        if way_in := second_factor.way_in(request):
            return way_in
        return view(request, *args, **kwargs)

    return private_page(answer_staff)


@require_safe
@staff_page
def doors(request: HttpRequest) -> HttpResponse:
    """The events that have a door to mind: those not over yet."""
    events = visible(request.user, Event.objects.upcoming(), Ability.DOOR)
    return render(request, "tickets/doors.html", {"events": events[:50]})


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page
def door_page(request: SignedInRequest, event_id: int) -> HttpResponse:
    """Scan for one event. A POST is one scan; with `part` it answers the verdict alone, for the script."""
    event = event_of_door(request, event_id)
    context = {"event": event, "form": ScanForm()}
    if request.method == "POST":
        context |= _answer(request, event)
    context |= check_ins.turnout(event) | {"last": check_ins.last_check_ins(event)}
    if request.POST.get("part"):
        return render(request, "tickets/door_verdict.html", context)
    return scanning_page(render(request, "tickets/door.html", context))


@require_safe
@staff_page
def guests_page(request: SignedInRequest, event_id: int) -> HttpResponse:
    """The guest list of one door, by name; each can be let in, or out again."""
    event = event_of_door(request, event_id)
    page = GrowingPaginator(guest_list.guests(event), 100).get_page(request.GET.get("page"))
    context = {"event": event, "page": page, "nonce": uuid.uuid4().hex} | check_ins.turnout(event)
    return render(request, "tickets/door_guests.html", context)


def event_of_door(request: HttpRequest, event_id: int) -> Event:
    """The event, for whoever minds its door; Http404 for anybody else."""
    return get_object_or_404(visible(request.user, Event.objects.all(), Ability.DOOR), pk=event_id)


def scanning_page(answer: HttpResponse) -> HttpResponse:
    """May run the wasm that reads QRs."""
    return allow_sources(answer, {"script-src": ["'wasm-unsafe-eval'"]})


def _answer(request: SignedInRequest, event: Event) -> dict[str, Any]:
    """What a POST comes to: a verdict, a list to pick from, or a check-in that was undone."""
    is_pick = bool({"ticket", "undo"} & request.POST.keys())
    form = PickForm(request.POST) if is_pick else ScanForm(request.POST)
    if not form.is_valid():
        return {"verdict": check_ins.Validation("unknown_code")}
    data = form.cleaned_data
    if data.get("undo"):
        return _undone(data["undo"], event)
    if is_pick:
        found = check_ins.validate_ticket(data["ticket"], event_id=event.pk)
    elif guest_list.looks_like_code(data["code"]):
        found = check_ins.validate_code(data["code"], event_id=event.pk)
    elif picks := guest_list.find_guests(event, data["code"]):
        return {"picks": picks, "most": guest_list.MOST_FOUND}
    else:
        found = check_ins.Validation("unknown_code")
    return {"verdict": check_ins.scan(found, by=request.user, nonce=data["nonce"])}


def _undone(ticket_id: uuid.UUID, event: Event) -> dict[str, Any]:
    try:
        return {"undone": guest_list.undo_check_in(ticket_id, event_id=event.pk)}
    except DomainError as error:
        return {"problem": error.message}
