"""Answers when the database or the cache is away: 503 and "try again"."""

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views.defaults import server_error as django_server_error

from ticketsuma.errors import retry_after

RETRY_AFTER_SECONDS = 2
WALLETS = ("/.well-known/", "/api/uma/")


def away_page(request: HttpRequest) -> HttpResponse:
    """The page for an answer that was not made; without a query, for the database may be what is away."""
    headers = {"Cache-Control": "no-store"} | retry_after(RETRY_AFTER_SECONDS)
    return HttpResponse(render_to_string("away.html"), status=503, headers=headers)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler of errors (`handler500`), for those that a middleware raised."""
    error = sys.exc_info()[1]
    away = isinstance(error, OperationalError | InterfaceError)
    return away_page(request) if away else django_server_error(request)


def answer_to_wallet(status: int) -> JsonResponse:
    """What a wallet is told instead of an answer, in UMA's JSON, readable from any origin."""
    reason = _("The shop cannot answer right now. Please try again in a moment.")
    body = {"status": "ERROR", "reason": reason, "code": "INTERNAL_ERROR"}
    headers = {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-store"}
    return JsonResponse(body, status=status, headers=headers | retry_after(RETRY_AFTER_SECONDS))
