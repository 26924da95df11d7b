"""What a page answers to somebody who tried too often."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from .limits import TooMany


class TooManyMiddleware:
    """A page whose view raised TooMany says so: 429 with Retry-After. The API has its own words for it."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, TooMany) or request.path.startswith("/api/"):
            return None
        minutes = -(-error.retry_after // 60)
        answer = render(request, "429.html", {"minutes": minutes}, status=error.status)
        answer["Retry-After"] = str(error.retry_after)
        return answer
