"""Middleware of the app on a phone: pages say who is signed in, and browsers forget what others kept."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from .keeping import NOBODY, WHO, who


class SignedInMiddleware:
    """Adds `Signed-In` to pages of which it is known: it asks the database nothing that the page did not."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self.get_response(request)
        if answer.headers.get("Content-Type", "").startswith("text/html"):
            if settings.SESSION_COOKIE_NAME not in request.COOKIES and not request.session.session_key:
                answer[WHO] = NOBODY
            elif request.session.accessed:
                answer[WHO] = who(request)
        return answer
