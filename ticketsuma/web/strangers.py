"""Strangers: visitors whose request says nothing about a person. All of them see the same page."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase


def is_stranger(request: HttpRequest) -> bool:
    """Whether no cookie came but those that change nothing on a page, or only its language.

    Any other one may show something of somebody's, whoever set it: a session, a message, seats held.
    """
    known = {settings.CSRF_COOKIE_NAME, settings.LANGUAGE_COOKIE_NAME, settings.DEVICE_COOKIE_NAME}
    return request.COOKIES.keys() <= known


def takes_strangers_forms(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """A view whose form stands on pages that strangers share, so without a token of its reader's.

    `StrangersFormMiddleware` takes such a form by its Origin.
    """
    view.takes_strangers_forms = True  # type: ignore[attr-defined]
    return view
