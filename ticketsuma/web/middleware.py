"""Middleware of every request: its id, hosts of health checks, headers, the API's JSON, body limits, 503."""

import functools
import logging
import re
import time
import uuid
from collections.abc import Callable
from functools import wraps

import structlog
from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from csp.utils import build_policy
from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.core.files.uploadhandler import FileUploadHandler
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.views.defaults import bad_request

from ticketsuma.api.exceptions import CONTENT_TYPE, bare_problem
from ticketsuma.conf import traces
from ticketsuma.web.unavailable import WALLETS, answer_to_wallet, away_page

from .strangers import is_stranger

logger = logging.getLogger(__name__)
request_logger = structlog.get_logger(__name__)

PROBED = {"/health", "/health/live"}
MAX_UPLOAD = 11 * 1024 * 1024  # bytes: a cover of 10 MB and the rest of its form
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


class RequestIdMiddleware:
    """Give every request an id, in logs and answer: the proxy's `X-Request-ID` when it looks like one."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        given = request.headers.get("X-Request-ID", "")
        request.id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request.id)
        started = time.monotonic()
        with traces.work("request", request.id) as traced:
            response = self.get_response(request)
            traced.facts |= {"http.request.method": request.method}
            traced.facts |= {"http.response.status_code": response.status_code, "request_id": request.id}
            if request.resolver_match:
                traced.facts["http.route"] = request.resolver_match.route
        response["X-Request-ID"] = request.id
        self._log(request, response, time.monotonic() - started)
        return response

    def _log(self, request, response, seconds: float) -> None:
        """One line a request. It names the route, not the address: addresses hold tokens and codes."""
        path = request.path_info
        if path.startswith((settings.STATIC_URL, "/health")):
            return
        match = request.resolver_match
        request_logger.info(
            "request",
            method=request.method,
            route=match.route if match else "",
            status=response.status_code,
            ms=round(seconds * 1000),
        )


class ProbeMiddleware:
    """A load balancer's probe calls a server by whatever address it has; the health pages answer it too.

    Any other page is refused to a host that is none of ours.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if request.path_info in PROBED:
            request.META["HTTP_HOST"] = settings.SITE_HOST
        return self.get_response(request)


def loadable_elsewhere(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """A picture that pages of other sites may show: front ends elsewhere, and whoever shares an event."""

    @wraps(view)
    def answer_to_all(request: HttpRequest, *args, **kwargs) -> HttpResponseBase:
        answer = view(request, *args, **kwargs)
        answer["Cross-Origin-Resource-Policy"] = "cross-origin"
        return answer

    return answer_to_all


def allow_sources(answer: HttpResponse, sources: dict[str, list[str]]) -> HttpResponse:
    """Let one answer load from more `sources` than the settings do, by directive of the content policy.

    django-csp has decorators for this, which know the sources before the view runs.
    """
    answer._csp_update = sources  # type: ignore[attr-defined]
    return answer


class ContentPolicyMiddleware(CSPMiddleware):
    """django-csp's; the settings' policy is worded once for all answers that have it. No page has nonces."""

    def process_request(self, request: HttpRequest) -> None:
        pass

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if settings.DEBUG or any(name.startswith("_csp") for name in vars(response)):
            return super().process_response(request, response)
        response.headers.setdefault(HEADER, _policy())
        return response


@functools.cache
def _policy() -> str:
    return build_policy()


class HeadersMiddleware:
    """Security headers: pages may not use sensors and payment, other sites may not embed ours.

    The door's camera is the exception: scanning tickets needs it, on our own pages only. Account pages
    are kept by no browser: the back button shows nothing to whoever sits down next.
    """

    HEADERS = {
        "Permissions-Policy": "accelerometer=(), camera=(self), display-capture=(), geolocation=(), "
        "gyroscope=(), magnetometer=(), microphone=(), payment=(), usb=()",
        "Cross-Origin-Resource-Policy": "same-origin",
        "X-Permitted-Cross-Domain-Policies": "none",
    }

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        for name, value in self.HEADERS.items():
            response.headers.setdefault(name, value)
        if request.path_info.startswith("/accounts/"):
            response.headers.setdefault("Cache-Control", "no-store, private")
        if _shows_session(request):
            response.headers.setdefault("Cache-Control", "private, no-store")
        return response


class ApiMiddleware:
    """Under /api nothing but JSON leaves, whoever refused; and requests nobody can read are refused here."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        is_api = request.path_info.startswith("/api/")
        # Wallets are refused in UMA's words, by the views themselves.
        is_wallets = request.path_info.startswith(WALLETS)
        has_nul = "\0" in request.path_info or "%00" in request.META.get("QUERY_STRING", "")
        if has_nul and not is_wallets:
            return self._refuse(request, 400) if is_api else bad_request(request, None)  # type: ignore[arg-type]
        if not is_api:
            return self.get_response(request)
        if request.META.get("HTTP_TRANSFER_ENCODING") and not request.META.get("CONTENT_LENGTH"):
            return self._refuse(request, 411, "length_required")
        response = self.get_response(request)
        if response.status_code >= 400 and "json" not in response.headers.get("Content-Type", ""):
            response = self._refuse(request, response.status_code, allow=response.headers.get("Allow"))
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    def _refuse(self, request, status: int, code: str = "", *, allow: str | None = None) -> JsonResponse:
        body = bare_problem(status, request=request, code=code)
        headers = {"Allow": allow} if allow else {}
        return JsonResponse(body, status=status, content_type=CONTENT_TYPE, headers=headers)


class StrangersFormMiddleware:
    """Takes a form without a token where `takes_strangers_forms` says so, when the browser says it is ours.

    Its Origin, which no other site's page can set, must be this very host; and where a cookie came that may
    be somebody's, `Sec-Fetch-Site` must say so as well. Everything else is CsrfViewMiddleware's, behind it.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view, args, kwargs) -> None:
        if request.method != "POST" or not getattr(view, "takes_strangers_forms", False):
            return
        is_ours = request.headers.get("Origin") == f"{request.scheme}://{request.get_host()}"
        says_so_twice = request.headers.get("Sec-Fetch-Site") == "same-origin"
        if is_ours and (is_stranger(request) or says_so_twice) and "csrfmiddlewaretoken" not in request.POST:
            request.csrf_processing_done = True  # type: ignore[attr-defined]


class NoFiles(FileUploadHandler):
    """Refuses a form's first file before a byte of it is kept anywhere."""

    def new_file(self, *args, **kwargs):
        raise SuspiciousOperation("a file where none is taken")

    def receive_data_chunk(self, raw_data, start):
        return None

    def file_complete(self, file_size):
        return None


class BodyMiddleware:
    """Bodies are bounded by the length they announce, before any of it is read; files are staff's only.

    413 for more than DATA_UPLOAD_MAX_MEMORY_SIZE (MAX_UPLOAD for staff in the admin), 411 for a body
    without a length. Behind AuthenticationMiddleware, and asks who somebody is only when that matters.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith("/api/uma/"):  # wallets are bounded, and answered, by their views
            return self.get_response(request)
        length = request.META.get("CONTENT_LENGTH") or ""
        if not length and request.META.get("HTTP_TRANSFER_ENCODING"):
            return render(request, "411.html", status=411)
        size = int(length) if length.isdecimal() and length.isascii() else 0
        has_files = request.META.get("CONTENT_TYPE", "").lower().startswith("multipart/")
        if size > settings.DATA_UPLOAD_MAX_MEMORY_SIZE or has_files:
            is_staffs = request.path_info.startswith("/admin/") and request.user.is_staff
            if size > (MAX_UPLOAD if is_staffs else settings.DATA_UPLOAD_MAX_MEMORY_SIZE):
                return render(request, "413.html", status=413)
            if not is_staffs:
                request.upload_handlers = [NoFiles(request)]
        return self.get_response(request)


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
            return answer_to_wallet(503 if is_away else 500)
        return away_page(request) if is_away else None


def _shows_session(request) -> bool:
    """Whether the answer was made with what a session holds: a name, or the secret link of seats held."""
    session = getattr(request, "session", None)
    return session is not None and session.accessed and not session.is_empty()
