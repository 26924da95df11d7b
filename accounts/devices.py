"""Known browsers: somebody who signed in before is not locked out by others' wrong passwords and mails.

A signed cookie (OWASP's "device cookie") says so, for the one who signed in last. It opens nothing by itself.
"""

import secrets

from django.conf import settings
from django.core.signing import BadSignature, TimestampSigner
from django.http import HttpRequest, HttpResponse

from .rate_limits import digest

KEPT_SECONDS = 365 * 24 * 3600
_signer = TimestampSigner(salt="accounts.device")


def device_of(request: HttpRequest, email: str) -> str:
    """The name of this browser, if `email` signed in here before; else empty."""
    try:
        said = _signer.unsign(request.COOKIES.get(settings.DEVICE_COOKIE_NAME, ""), max_age=KEPT_SECONDS)
    except BadSignature:
        return ""
    whose, _colon, name = said.partition(".")
    return name if secrets.compare_digest(whose, digest("device", email)) else ""


class DeviceMiddleware:
    """Gives a browser in which somebody has just signed in its cookie."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if email := getattr(request, "signed_in_as", ""):
            response.set_cookie(
                settings.DEVICE_COOKIE_NAME,
                _signer.sign(f"{digest('device', email)}.{secrets.token_hex(16)}"),
                max_age=KEPT_SECONDS,
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Lax",
            )
        return response
