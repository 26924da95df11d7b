"""Views of the check-in page: staff admit tickets by camera, photo or typed code."""

import functools
import uuid
from collections.abc import Callable

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
from tickets.services import check_ins
from ticketsuma.web.middleware import allow_sources

from .decorators import private_page


class ScanForm(DescribedForm):
    code = forms.CharField(
        label=_("Ticket code"),
        max_length=64,
        widget=forms.TextInput(
            attrs={
                "class": "input code", "autocomplete": "off", "autocapitalize": "characters",
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
    event = get_object_or_404(visible(request.user, Event.objects.all(), Ability.DOOR), pk=event_id)
    context = {"event": event, "form": ScanForm()}
    if request.method == "POST":
        context["verdict"] = _verdict(request, event)
    context |= check_ins.turnout(event) | {"last": check_ins.last_check_ins(event)}
    if request.POST.get("part"):
        return render(request, "tickets/door_verdict.html", context)
    answer = render(request, "tickets/door.html", context)
    return allow_sources(answer, {"script-src": ["'wasm-unsafe-eval'"]})


def _verdict(request: SignedInRequest, event: Event) -> check_ins.Validation:
    form = ScanForm(request.POST)
    if not form.is_valid():
        return check_ins.Validation("unknown_code")
    data = form.cleaned_data
    return check_ins.scan(code=data["code"], event_id=event.pk, by=request.user, nonce=data["nonce"])
