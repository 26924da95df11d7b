"""Views of the app on a phone: manifest, service worker, the page without a net, what is kept."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.utils import timezone, translation
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from accounts.rate_limits import costly
from events.models import Event
from tickets.models import Order, Ticket
from tickets.services.personal_data import orders_for_user
from tickets.views.decorators import private_page
from ticketsuma.api.parsers import MalformedJson, loads

from .keeping import ticket_version, who
from .worker import worker_script

MOST = 60
PAPER, NIGHT = "#fbfaf6", "#0c1411"


@require_safe
def worker(request: HttpRequest) -> HttpResponse:
    """The service worker. Its browser asks for it anew with every visit, and takes what differs."""
    answer = HttpResponse(worker_script(), content_type="text/javascript; charset=utf-8")
    answer["Cache-Control"] = "no-cache"
    return answer


@require_safe
def manifest(request: HttpRequest) -> HttpResponse:
    """The web app manifest (W3C): how the shop looks when it is installed."""
    said = {
        "id": "/",
        "name": settings.SITE_NAME,
        "short_name": _("Tickets"),
        "description": _(
            "Seats at live online events, paid in seconds with a UMA address or any Lightning wallet."
        ),
        "lang": get_language(),
        "dir": "ltr",
        "start_url": "/?from=app",
        "scope": "/",
        "display": "standalone",
        "background_color": PAPER,
        "theme_color": PAPER,
        "categories": ["entertainment", "events"],
        "icons": [
            {"src": static("img/icon.svg"), "sizes": "any", "type": "image/svg+xml"},
            _icon("img/icon-192.png", 192),
            _icon("img/icon-512.png", 512),
            _icon("img/icon-maskable-512.png", 512) | {"purpose": "maskable"},
        ],
        "shortcuts": [
            {"name": _("My tickets"), "url": "/me", "icons": [_icon("img/icon-192.png", 192)]},
            {"name": _("Events"), "url": "/", "icons": [_icon("img/icon-192.png", 192)]},
        ],
        "screenshots": [
            _shot("img/screenshot-phone-events.webp", "390x844", "narrow", _("Events")),
            _shot("img/screenshot-phone-ticket.webp", "390x844", "narrow", _("A ticket")),
            _shot("img/screenshot-desktop.webp", "1280x800", "wide", _("Events")),
        ],
    }
    answer = JsonResponse(said, content_type="application/manifest+json")
    answer["Cache-Control"] = "max-age=3600"
    return answer


def _icon(name: str, pixels: int) -> dict[str, str]:
    return {"src": static(name), "sizes": f"{pixels}x{pixels}", "type": "image/png"}


def _shot(name: str, size: str, form: str, label: str) -> dict[str, str]:
    return {
        "src": static(name), "sizes": size, "type": "image/webp", "form_factor": form, "label": label,
    }  # fmt: skip


@require_safe
@never_cache
def offline(request: HttpRequest) -> HttpResponse:
    """What is shown when the net is away and the page was not kept. It names nobody: everybody keeps it.

    In the language `lang`, for it is asked for without cookies, which say the reader's.
    """
    asked = request.GET.get("lang", "")
    translation.activate(asked if asked in dict(settings.LANGUAGES) else translation.get_language())
    return render(request, "pocket/offline.html")


@csrf_exempt  # it changes nothing, and no other site can read what it says
@require_POST
@private_page
@costly
def kept_tickets(request: HttpRequest) -> HttpResponse:
    """Versions of kept ticket pages, by path: of those asked for, and of all to come of who is signed in.

    What is not in the answer is to be forgotten: its link was replaced, or its event is over. Answers 400
    for anything but `{"tickets": [paths]}` with at most 60 of them.
    """
    try:
        paths = loads(request.body)["tickets"]
        if not isinstance(paths, list) or len(paths) > MOST:
            raise ValueError
        tokens = [_token(path) for path in paths]
    except (MalformedJson, ValueError, TypeError, KeyError):
        return JsonResponse(
            {"code": "invalid", "detail": _("Send the paths of up to 60 tickets.")}, status=400
        )
    mine = _of_user(request.user) if request.user.is_authenticated else ()
    return JsonResponse({"who": who(request), "mine": _versions(mine), "asked": _asked(tokens)})


def _token(path: object) -> str:
    if not isinstance(path, str) or not path.startswith("/tickets/"):
        raise ValueError
    return path.removeprefix("/tickets/")


def _tickets():
    return Ticket.objects.select_related("order__event", "check_in", "line__type")


def _of_user(user: User):
    """By the keys of their orders, which are asked for first: with a subquery among so many joins, PostgreSQL
    joins all tickets of the shop before it looks whose they are (`join_collapse_limit`).
    """
    orders = orders_for_user(user).filter(status=Order.Status.PAID)
    orders = orders.filter(event__in=_to_come(), event__canceled_at=None).order_by("event__start_time")
    keys = list(orders.values_list("pk", flat=True)[:MOST])
    return _tickets().filter(order__in=keys).order_by("order__event__start_time")[:MOST]


def _to_come():
    return Event.objects.filter(end_time__gt=timezone.now())


def _versions(tickets) -> dict[str, str]:
    return {ticket.get_absolute_url(): ticket_version(ticket) for ticket in tickets}


def _asked(tokens: list[str]) -> dict[str, str]:
    """Those whose links are good, also if they do not admit any more: their pages say so."""
    generations = {}
    for token in tokens:
        try:
            pk, generation = Ticket.read_token(token)
        except Ticket.DoesNotExist:
            continue
        generations[pk] = generation
    found = _tickets().filter(pk__in=generations, order__event__in=_to_come()) if generations else ()
    return _versions(each for each in found if each.generation == generations[each.pk])
