"""Security headers, body limits and health-check hosts that Django's middleware does not cover."""

from collections.abc import Callable
from functools import wraps

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

PROBED = {"/health", "/health/live"}
MAX_UPLOAD = 11 * 1024 * 1024  # bytes: a cover of 10 MB and the rest of its form


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


def _shows_session(request) -> bool:
    """Whether the answer was made with what a session holds: a name, or the secret link of seats held."""
    session = getattr(request, "session", None)
    return session is not None and session.accessed and not session.is_empty()
