"""Answers when the database or the cache is away: 503 and "try again"."""

import logging
import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views.defaults import server_error as django_server_error

from ticketsuma.errors import retry_after

logger = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 2
WALLETS = ("/.well-known/", "/api/uma/")


class AwayMiddleware:
    """A database that does not answer is 503 on every page; a wallet is told in UMA's JSON, whatever broke.

    The API has its own words for it (`ticketsuma.api.exceptions`).
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        is_away = isinstance(error, OperationalError | InterfaceError)
        is_wallets = request.path_info.startswith(WALLETS)
        if is_away:
            logger.warning("the database did not answer: %s", type(error.__cause__ or error).__name__)
        elif is_wallets:
            logger.error("unforeseen, asked by a wallet", exc_info=error)
        if is_wallets:
            return _to_wallet(503 if is_away else 500)
        return away_page(request) if is_away else None


def away_page(request: HttpRequest) -> HttpResponse:
    """The page for an answer that was not made; without a query, for the database may be what is away."""
    headers = {"Cache-Control": "no-store"} | retry_after(RETRY_AFTER_SECONDS)
    return HttpResponse(render_to_string("away.html"), status=503, headers=headers)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler of errors (`handler500`), for those that a middleware raised."""
    error = sys.exc_info()[1]
    away = isinstance(error, OperationalError | InterfaceError)
    return away_page(request) if away else django_server_error(request)


def _to_wallet(status: int) -> JsonResponse:
    reason = _("The shop cannot answer right now. Please try again in a moment.")
    body = {"status": "ERROR", "reason": reason, "code": "INTERNAL_ERROR"}
    headers = {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-store"}
    return JsonResponse(body, status=status, headers=headers | retry_after(RETRY_AFTER_SECONDS))
