"""Event views: the list, posters, calendar entries, texts of the law. The event's own page is in tickets."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from ticketsuma.paginator import GrowingPaginator
from ticketsuma.web.middleware import loadable_elsewhere

from .ical import calendar_file
from .markdown import render_markdown
from .models import Event
from .posters import draw_poster
from .search import search

EVENTS_PER_PAGE = 12
SHOWS = ("upcoming", "free", "past")
LEGAL_TITLES = {"terms": _("Terms"), "privacy": _("Privacy"), "imprint": _("Imprint")}


@require_safe
def event_list(request: HttpRequest) -> HttpResponse:
    """Events to come, soonest first; `?q=` searches, `?show=free|past` filters."""
    show = request.GET.get("show", "")
    show = show if show in SHOWS else "upcoming"
    words = request.GET.get("q", "").replace("\0", "").strip()[:100]
    events = Event.objects.public()
    events = events.past() if show == "past" else events.upcoming()
    if show == "free":
        events = events.filter(price_sats=0)
    events = search(events, words).with_price_range().defer("description", "search_key", "stream_url")
    page = GrowingPaginator(events, EVENTS_PER_PAGE).get_page(request.GET.get("page"))
    has_lead = show == "upcoming" and not words and page.number == 1
    return render(
        request, "events/list.html",
        {"page": page, "show": show, "q": words, "has_lead": has_lead, "now": timezone.now()},
    )  # fmt: skip


@require_safe
@loadable_elsewhere
@cache_control(public=True, max_age=86_400)
def poster(request: HttpRequest, seed: int) -> HttpResponse:
    """The drawn picture of an event without a cover; only a function of the number in the address."""
    return HttpResponse(draw_poster(seed), content_type="image/svg+xml")


@require_safe
def event_calendar(request: HttpRequest, slug: str) -> HttpResponse:
    event = Event.objects.public().filter(slug=slug).first()
    if event is None:
        moved = get_object_or_404(Event.objects.public(), former_slugs=slug)
        return redirect("event_calendar", moved.slug, permanent=True)
    body = calendar_file(event, settings.SITE_URL + event.get_absolute_url())
    answer = HttpResponse(body, content_type="text/calendar; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{event.slug[:60]}.ics"'
    return answer


@require_safe
def legal_text(request: HttpRequest, name: str) -> HttpResponse:
    """The operator's terms, privacy notice or imprint, as the settings say; 404 where they say none."""
    url, text = settings.LEGAL[name]
    if text:
        context = {"title": LEGAL_TITLES[name], "text": render_markdown(text)}
        return render(request, "events/legal_text.html", context)
    if url:
        return redirect(url)
    raise Http404
