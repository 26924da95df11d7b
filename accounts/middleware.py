"""Middleware that answers refusals by rate limits and by the bounded password hasher."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from .hashers import HashingBusy
from .rate_limits import RateLimited

PAGES = {RateLimited: "429.html", HashingBusy: "503.html"}


class RateLimitMiddleware:
    """A page whose view raised RateLimited or HashingBusy says so, with Retry-After.

    The API has its own words for it.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Any) -> HttpResponse | None:
        if type(error) not in PAGES or request.path.startswith("/api/"):
            return None
        minutes = -(-error.retry_after // 60)
        page = render_to_string(PAGES[type(error)], {"minutes": minutes}, request)
        return HttpResponse(page, status=error.status, headers=error.headers)
