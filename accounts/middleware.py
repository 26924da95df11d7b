"""Middleware of people: refusals by rate limits, known browsers, who acts."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from .devices import KEPT_SECONDS, sign_device
from .hashers import HashingBusy
from .history import acting
from .rate_limits import RateLimited
from .second_factor_adapter import SecretUnreadable

PAGES = {RateLimited: "429.html", HashingBusy: "503.html", SecretUnreadable: "503.html"}


class RateLimitMiddleware:
    """A page whose view raised one of PAGES says so, with Retry-After.

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


class DeviceMiddleware:
    """Gives a browser in which somebody has just signed in its cookie."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if email := getattr(request, "signed_in_as", ""):
            response.set_cookie(
                settings.DEVICE_COOKIE_NAME,
                sign_device(email),
                max_age=KEPT_SECONDS,
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Lax",
            )
        return response


class ActorMiddleware:
    """The sender of a request is the actor of what its services do, on pages and in the API."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest):
        with acting(request):
            return self.get_response(request)
