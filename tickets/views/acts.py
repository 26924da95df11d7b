"""Forms of a page that post to the page's own address, so that it stays in the address bar."""

from collections import defaultdict
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

View = Callable[..., HttpResponseBase]
_acts: dict[str, dict[str, View]] = defaultdict(dict)  # name of a page's URL → name of an act → its view


def act_of(page: str) -> Callable[[View], View]:
    """A view that only posts, and takes the same arguments as the page whose URL is named `page`.

    A form of the page posts to the page's own address and says the view's name in its field `act`. The
    view's own address serves pages that were open while the shop was upgraded; who looks at it, with
    GET, is led to the page.
    """

    def decorate(view: View) -> View:
        posted = require_POST(view)

        @wraps(view)
        def act(request: HttpRequest, *args, **kwargs) -> HttpResponseBase:
            if request.method in ("GET", "HEAD"):
                return redirect(page, *args, **kwargs)
            return posted(request, *args, **kwargs)

        _acts[page][view.__name__] = act
        return act

    return decorate


def done_before(request: HttpRequest, page: Any) -> HttpResponse:
    """The answer to a form that was sent twice (two clicks, Back): it acted once, and says so."""
    messages.info(request, _("You have sent this before. It was done once, and this is how it stands."))
    return redirect(page)


def takes_acts(page: str) -> Callable[[View], View]:
    """The page that is named `page`: what is posted to it is done by the act that the form names.

    An act that is not there (a form of another version) does nothing; the page is shown anew.
    """

    def decorate(view: View) -> View:
        shown = require_safe(view)

        @wraps(view)
        def answer(request: HttpRequest, *args, **kwargs) -> HttpResponseBase:
            if request.method != "POST":
                return shown(request, *args, **kwargs)
            act = _acts[page].get(request.POST.get("act", ""))
            return act(request, *args, **kwargs) if act else redirect(page, *args, **kwargs)

        return answer

    return decorate
