"""Views of an organizer's public page, of one's own teams, and of the link of an invitation."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.http import SignedInRequest
from accounts.roles import Role
from ticketsuma.bidi import isolate

from . import team
from .markdown import render_markdown
from .models import Event, Organizer

EVENTS_SHOWN = 60


@require_safe
def organizer_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Who it is, and what it holds next."""
    organizer = get_object_or_404(Organizer, slug=slug, closed_at=None)
    events = Event.objects.public().upcoming().filter(organizer=organizer)
    events = events.with_price_range().defer("description", "search_key", "stream_url")[:EVENTS_SHOWN]
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


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def teams(request: SignedInRequest) -> HttpResponse:
    """The teams that the user belongs to; posting leaves one, which counts at once."""
    mine = request.user.memberships.select_related("organizer").order_by("organizer__name")
    if request.method == "POST":
        leaving = next((one for one in mine if str(one.pk) == request.POST.get("leave")), None)
        if leaving is None:
            messages.error(request, _("You are not of that team any more."))
            return redirect("teams")
        try:
            team.remove(leaving)
        except (team.LastOwner, team.BadInvitation) as refusal:
            messages.error(request, str(refusal.message))
        else:
            said = {"organizer": isolate(leaving.organizer.name)}
            messages.success(request, _("You have left the team of %(organizer)s.") % said)
        return redirect("teams")
    return render(request, "events/teams.html", {"memberships": mine})
