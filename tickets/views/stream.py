"""Views of the stream room: the lobby, the stream, its replay, and moving to another browser."""

import contextlib
import math
import uuid
from datetime import datetime
from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from tickets.models import Ticket, Viewer
from tickets.reports.counting import count_in_room
from tickets.services.viewers import (
    NoRoom,
    PassUsed,
    join,
    room_version,
    shown_version,
    ticket_of_pass,
    use_pass,
)
from ticketsuma.web.middleware import allow_sources

from .acts import act_of
from .decorators import private_page
from .stream_player import player_for
from .tickets import ticket_by_token

VIEWER = "viewer"  # session key: what tells this browser from the others


@require_safe
@private_page
def stream(request: HttpRequest, token: str) -> HttpResponse:
    """The lobby, the room, or the closing page; only for a ticket that admits.

    The room is shown to the browser in place only. Looking joins nothing, because mail scanners look too.
    """
    ticket = ticket_by_token(token)
    event = ticket.order.event
    if not ticket.admits or ticket.waits_for_replay:
        return redirect(ticket)
    if timezone.now() >= event.stream_opens_at and not event.shows_stream:
        return render(request, "tickets/closing.html", {"event": event})
    if event.shows_stream and not ticket.opens_stream:  # the other part is on
        return redirect(ticket)
    viewer = Viewer.objects.filter(ticket=ticket).first()
    if viewer is None or not event.shows_stream:
        return _show_lobby(request, ticket)
    if viewer.key != request.session.get(VIEWER):
        return _show_elsewhere(request, ticket)
    return _show_room(request, ticket, viewer)


@private_page
@act_of("stream")
def stream_join(request: HttpRequest, token: str) -> HttpResponse:
    """Take the ticket's place, if nobody has it, and check in; the room, or what is against it, follows."""
    with contextlib.suppress(NoRoom):  # the lobby, the closing page or the ticket say why
        join(ticket_by_token(token), key=_browser(request))
    return redirect("stream", token)


@private_page
@act_of("stream")
def stream_here(request: HttpRequest, token: str) -> HttpResponse:
    """Watch in this browser instead of the one that did."""
    with contextlib.suppress(NoRoom):
        join(ticket_by_token(token), key=_browser(request), take_over=True)
    return redirect("stream", token)


@require_http_methods(["GET", "HEAD", "POST"])
@private_page
def room(request: HttpRequest, text: str) -> HttpResponse:
    """The address that `POST /api/tickets/{id}/join` answers: posting lets one browser in, once."""
    try:
        if request.method == "POST":
            return redirect("stream", use_pass(text, key=_browser(request)).token)
        ticket = ticket_of_pass(text)
    except PassUsed:
        return render(request, "tickets/pass_used.html", status=410)
    return render(request, "tickets/enter.html", {"ticket": ticket, "event": ticket.order.event})


@require_safe
@private_page
def stream_status(request: HttpRequest, token: str) -> HttpResponse:
    """204 while the room is as `?v=` says; 200 when its page should be loaded anew."""
    ticket = ticket_by_token(token)
    same = request.GET.get("v") == room_version(ticket.pk)
    if same:
        count_in_room(ticket.pk)
    return HttpResponse(status=204 if same else 200)


def _browser(request: HttpRequest) -> str:
    """Random key of this browser, kept in its session."""
    if VIEWER not in request.session:
        request.session[VIEWER] = uuid.uuid4().hex
    return request.session[VIEWER]


def _show_lobby(request: HttpRequest, ticket: Ticket) -> HttpResponse:
    event = ticket.order.event
    left = 0 if event.shows_stream else int((event.stream_opens_at - timezone.now()).total_seconds()) + 1
    return render(request, "tickets/lobby.html", {"ticket": ticket, "event": event, "seconds_left": left})


def _show_elsewhere(request: HttpRequest, ticket: Ticket) -> HttpResponse:
    context = {"ticket": ticket, "event": ticket.order.event}
    return render(request, "tickets/elsewhere.html", context)


def _show_room(request: HttpRequest, ticket: Ticket, viewer: Viewer) -> HttpResponse:
    event = ticket.order.event
    count_in_room(ticket.pk)
    player = player_for(event.stream_url) if event.stream_url else None
    ends = cast(datetime, event.replay_until) if event.is_past else event.end_time
    context = {
        "ticket": ticket, "event": event, "player": player, "version": shown_version(ticket, viewer),
        "starts_in": _seconds_until(event.start_time), "ends_in": _seconds_until(ends) + 1,
    }  # fmt: skip
    sources = {}
    if player and player.frame_origin:
        sources = {"frame-src": [player.frame_origin]}
    elif player and player.media_origin:
        sources = {"media-src": [player.media_origin, "blob:"]}
        if player.is_hls:
            sources["connect-src"] = [player.media_origin]
    return allow_sources(render(request, "tickets/stream.html", context), sources)


def _seconds_until(moment: datetime) -> int:
    return math.ceil((moment - timezone.now()).total_seconds())
