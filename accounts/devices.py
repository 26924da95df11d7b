"""Known browsers: somebody who signed in before is not locked out by others' wrong passwords and mails.

A signed cookie (OWASP's "device cookie") says so, for the one who signed in last. It opens nothing by itself.
"""

import secrets

from django.conf import settings
from django.core.signing import BadSignature, TimestampSigner
from django.http import HttpRequest

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


def sign_device(email: str) -> str:
    """The cookie for a browser in which `email` has just signed in."""
    return _signer.sign(f"{digest('device', email)}.{secrets.token_hex(16)}")
