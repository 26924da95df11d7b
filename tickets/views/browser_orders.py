"""Orders placed in this browser, kept in a signed cookie: guests find them without an e-mail.

`BrowserOrdersMiddleware` writes the cookie, and takes it away when somebody signs out.
"""

import uuid
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

from tickets.models import Order, OrderQuerySet

MAX_REMEMBERED = 20
_SALT = "tickets.browser_orders"


def remember(request: HttpRequest, order: Order) -> None:
    """Keep `order` with this browser, for as long as a session is kept or until somebody signs out."""
    others = [pk for pk in _ids(request) if pk != order.pk.hex]
    request.orders_to_keep = [*others, order.pk.hex][-MAX_REMEMBERED:]  # type: ignore[attr-defined]


def orders_of_browser(request: HttpRequest) -> OrderQuerySet:
    """The orders that were placed in this browser and whose buyers have not left since."""
    ids = _ids(request)
    request.shows_browser_orders = bool(ids)  # type: ignore[attr-defined]
    return Order.objects.filter(pk__in=[uuid.UUID(pk) for pk in ids], is_forgotten=False)


def keep(response: HttpResponse, ids: list[str]) -> None:
    """Have the browser keep these ids of orders, newest last."""
    response.set_cookie(
        settings.ORDERS_COOKIE_NAME,
        signing.dumps(ids, salt=_SALT, compress=True),
        max_age=settings.SESSION_COOKIE_AGE,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def forget(response: HttpResponse) -> None:
    response.delete_cookie(settings.ORDERS_COOKIE_NAME, samesite="Lax")
    response.cookies[settings.ORDERS_COOKIE_NAME]["secure"] = settings.SESSION_COOKIE_SECURE


def _ids(request: HttpRequest) -> list[Any]:
    try:
        said = request.COOKIES.get(settings.ORDERS_COOKIE_NAME, "")
        return signing.loads(said, salt=_SALT, max_age=settings.SESSION_COOKIE_AGE)
    except signing.BadSignature:
        return []
