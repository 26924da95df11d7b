"""Headers of pages with secret addresses: no cache keeps them, no link on them sends a referrer."""

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render

from tickets.links import Replaced


def private_page(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """No cache, no referrer, no search engine, for every answer of `view`."""

    @wraps(view)
    def answer_privately(request: HttpRequest, *args, **kwargs) -> HttpResponseBase:
        try:
            answer = view(request, *args, **kwargs)
        except Replaced:
            answer = render(request, "tickets/replaced.html", status=410)
        answer["Cache-Control"] = "no-store, private"
        answer["Referrer-Policy"] = (
            "same-origin"  # "no-referrer" would make browsers post forms with Origin: null
        )
        answer["X-Robots-Tag"] = "noindex, nofollow"
        return answer

    return answer_privately
