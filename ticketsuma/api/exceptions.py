"""Exception handler of the API: problem+json (RFC 9457) with a stable `code`."""

import logging
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import SuspiciousOperation
from django.core.signals import got_request_exception
from django.db import OperationalError
from django.http import Http404, HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import APIView, set_rollback

from ticketsuma.errors import DomainError, retry_after
from ticketsuma.web.unavailable import RETRY_AFTER_SECONDS

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
CHALLENGE = 'Bearer realm="api"'  # RFC 9110: a 401 names what would be let in


class ServiceUnavailable(exceptions.APIException):
    """The database did not answer in time; nothing was done."""

    status_code = 503
    default_detail = gettext_lazy("The shop is busy. Please try again in a moment.")
    default_code = "unavailable"
    wait = RETRY_AFTER_SECONDS


class Unreadable(exceptions.APIException):
    """Django itself refuses to look at this request."""

    status_code = 400
    default_detail = gettext_lazy("Bad Request.")
    default_code = "bad_request"


class Broken(exceptions.APIException):
    default_detail = gettext_lazy("Something went wrong on our side. It has been logged.")
    default_code = "internal_error"


def problem(
    *, request: HttpRequest | None, status: int, code: str, detail: str | Promise, errors: list | None = None
) -> dict:
    """The body of a problem: RFC 9457's members, and `code`, `request_id` and `errors` of our own."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": str(detail),
        "code": code,
        "request_id": getattr(request, "id", ""),
    }
    return body | ({"errors": errors} if errors else {})


# -- what a view raised -------------------------------------------------------------------------
def answer_exception(error: Exception, context: dict) -> Response:
    """DRF's exception handler: whatever was raised becomes a problem, also what nobody foresaw."""
    set_rollback()
    request = context["request"]
    if isinstance(error, DomainError):
        return _refusal(error, request)
    error = _known(error, request)
    headers = retry_after(getattr(error, "wait", None))
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    code: Any
    detail: Any
    if isinstance(error, exceptions.ValidationError):
        code, detail, errors = "invalid", _("Some fields are not right."), _field_errors(error)
    else:
        code, detail, errors = error.get_codes(), error.detail, None
    body = problem(request=request, status=error.status_code, code=code, detail=detail, errors=errors)
    return Response(body, status=error.status_code, headers=headers, content_type=CONTENT_TYPE)


def _refusal(error: DomainError, request: HttpRequest) -> Response:
    errors = error.field and [{"field": error.field, "code": error.code, "message": str(error.message)}]
    body = problem(
        request=request, status=error.status, code=error.code, detail=error.message, errors=errors or None
    )
    headers = error.headers | ({"WWW-Authenticate": CHALLENGE} if error.status == 401 else {})
    return Response(
        {**body, **error.members}, status=error.status, headers=headers, content_type=CONTENT_TYPE
    )


def _known(error: Exception, request: HttpRequest) -> exceptions.APIException:
    if isinstance(error, Http404 | exceptions.NotFound):
        return exceptions.NotFound()  # the same words for a stranger's object and a missing one
    if isinstance(error, DjangoPermissionDenied):
        return exceptions.PermissionDenied()
    if isinstance(error, exceptions.APIException):
        return error
    if isinstance(error, SuspiciousOperation):  # such as more parameters than anybody needs
        return Unreadable()
    if isinstance(error, OperationalError):
        logger.warning("the database did not answer: %s", type(error.__cause__ or error).__name__)
        return ServiceUnavailable()
    match = request.resolver_match  # the route: an address may hold a token
    logger.error("unforeseen in %s", match.route if match else "no route", exc_info=error)
    got_request_exception.send(sender=APIView, request=request)
    return Broken()


def _field_errors(error: exceptions.ValidationError) -> list[dict]:
    return list(_flatten(error.get_full_details(), []))


def _flatten(details, path: list[str]) -> Iterator[dict]:
    """`{"a": [{"message", "code"}]}` → one flat entry for each; what concerns no field has `field: null`."""
    if isinstance(details, list):
        for number, each in enumerate(details):
            leaf = isinstance(each, dict) and set(each) == {"message", "code"}
            yield from _flatten(each, path if leaf else [*path, str(number)])
    elif set(details) == {"message", "code"} and isinstance(details["code"], str):
        yield {"field": ".".join(path) or None, "code": details["code"], "message": str(details["message"])}
    else:
        for name, each in details.items():
            yield from _flatten(each, path if name == "non_field_errors" else [*path, str(name)])


# -- what never reached a view, or did not come from one ------------------------------------------
_CODES = {
    400: "bad_request", 403: "permission_denied", 404: "not_found", 405: "method_not_allowed",
    413: "too_large", 414: "uri_too_long", 431: "headers_too_large", 500: "internal_error",
    503: "unavailable",
}  # fmt: skip


def bare_problem(status: int, *, request: HttpRequest | None = None, code: str = "") -> dict:
    """The body of a refusal that has nothing to say but its status."""
    code = code or _CODES.get(status, "bad_request" if status < 500 else "internal_error")
    return problem(request=request, status=status, code=code, detail=HTTPStatus(status).phrase + ".")
