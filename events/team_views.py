"""Views of an organizer's public page, and of the link by which an invitation is taken."""

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.roles import Role

from . import team
from .markdown import render_markdown
from .models import Event, Organizer

EVENTS_SHOWN = 60


@require_safe
def organizer_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Who it is, and what it holds next."""
    organizer = get_object_or_404(Organizer, slug=slug, closed_at=None)
    events = Event.objects.public().upcoming().filter(organizer=organizer)
    events = events.defer("description", "search_key", "stream_url")[:EVENTS_SHOWN]
    about = render_markdown(organizer.description)
    return render(
        request, "events/organizer.html",
        {"organizer": organizer, "about": about, "events": list(events), "now": timezone.now()},
    )  # fmt: skip


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Ask the owner of the invited mailbox whether they take the role; posting takes it.

    Opening the link alone changes nothing, because mail scanners open links too.
    """
    found = team.invitation_of(token)
    if found is None:
        return render(request, "events/invitation.html", status=410)
    user = request.user
    is_theirs = user.is_authenticated and user.email == found.email and user.has_verified_email
    if request.method == "POST":
        if not is_theirs or not user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        try:
            membership = team.accept(found, user)
        except team.BadInvitation:
            return render(request, "events/invitation.html", status=410)
        return redirect("doors" if membership.role == Role.DOOR else "admin:index")
    return render(request, "events/invitation.html", {"invitation": found, "is_theirs": is_theirs})
