"""robots.txt and sitemap.xml: the pages for search engines, and those to leave alone."""

from django.conf import settings
from django.contrib.sitemaps import Sitemap
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from .models import Event, Organizer

# Pages that are for their owners only; their addresses are no secret ones.
LEFT_ALONE = (
    "/accounts/",
    "/admin/",
    "/api/",
    "/door",
    "/find",
    "/me$",
    "/me/",
    "/orders/",
    "/paid",
    "/tickets/",
)


class EventSitemap(Sitemap):
    """Every public event, the newest changes with their date."""

    protocol = settings.SITE_URL.partition("://")[0]

    def get_domain(self, site=None) -> str:
        return settings.SITE_HOST

    def items(self):
        return Event.objects.public().order_by("-start_time", "pk")

    def lastmod(self, event: Event):
        return event.updated_at


class OrganizerSitemap(EventSitemap):
    """The page of every organizer."""

    def items(self):
        return Organizer.objects.filter(closed_at=None).order_by("pk")


SITEMAPS = {"events": EventSitemap, "organizers": OrganizerSitemap}


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in LEFT_ALONE)]
    lines += ["", f"Sitemap: {settings.SITE_URL}/sitemap.xml", ""]
    return HttpResponse("\n".join(lines), content_type="text/plain; charset=utf-8")
