"""The address to which a page of ours says that its browser wants pushes, of what, and that it does not."""

from collections.abc import Callable
from typing import Any

from django.contrib.sessions.models import Session
from django.http import Http404, HttpRequest, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.rate_limits import costly
from tickets.links import row_of_link
from tickets.models import Order
from tickets.pocket.keeping import is_own
from tickets.views.decorators import private_page
from ticketsuma.api.parsers import MalformedJson, loads
from ticketsuma.errors import DomainError
from ticketsuma.web.strangers import takes_strangers_forms

from .devices import add_device, forget_device, known_device, move_device
from .models import Device

MAX_BODY = 4096  # bytes


class Unreadable(ValueError):
    pass


@takes_strangers_forms
@require_POST
@private_page
@costly
def device(request: HttpRequest) -> JsonResponse:
    """`{"endpoint", "p256dh", "auth", "kinds"?, "before"?, "order"?, "former"?}`, `order` the token of one.

    Answers `{"kinds": […]}`, of which the device hears. Without `kinds` they stay as they are, and are
    `before` where the device is not known any more; an empty list forgets the device. `former` is the
    endpoint and auth that the browser had, and is enough by itself. 400 for what is no such thing, 422 for an
    endpoint or keys that cannot be used.
    """
    try:
        asked = _read(request)
    except (Unreadable, MalformedJson):
        return JsonResponse({"code": "invalid", "detail": _("That is no push subscription.")}, status=400)
    kinds = asked["kinds"]
    if kinds == []:
        forget_device(endpoint=asked["endpoint"], auth=asked["auth"])
        return JsonResponse({"kinds": []})
    if former := asked["former"]:
        return _answer(lambda: _moved(former, asked))
    order = row_of_link(Order.objects.filter(is_forgotten=False), asked["order"]) if asked["order"] else None
    user = request.user if request.user.is_authenticated else None
    if order is None and user is None:
        raise Http404
    session = Session.objects.filter(pk=request.session.session_key or "").first() if user else None
    others = None if order and is_own(request, order) else order
    return _answer(
        lambda: add_device(
            **_keys(asked), kinds=kinds, before=asked["before"], user=user, session=session, order=others
        )
    )


def _moved(former: dict[str, str], asked: dict[str, Any]) -> Device:
    row = known_device(endpoint=former["endpoint"], auth=former["auth"]).first()
    if row is None:
        raise Http404
    return move_device(row, **_keys(asked))


def _keys(asked: dict[str, Any]) -> dict[str, str]:
    return {name: asked[name] for name in ("endpoint", "p256dh", "auth")}


def _answer(act: Callable[[], Device]) -> JsonResponse:
    try:
        return JsonResponse({"kinds": act().wants})
    except DomainError as error:
        return JsonResponse({"code": error.code, "detail": str(error.message)}, status=error.status)


def _read(request: HttpRequest) -> dict[str, Any]:
    if len(request.body) > MAX_BODY:
        raise Unreadable
    said = loads(request.body)
    if not isinstance(said, dict):
        raise Unreadable
    asked = {name: said.get(name, "") for name in ("endpoint", "p256dh", "auth", "order")}
    if not all(isinstance(value, str) for value in asked.values()):
        raise Unreadable
    kinds, before, former = (said.get(name) for name in ("kinds", "before", "former"))
    for each in (kinds, before):
        if each is not None and not (isinstance(each, list) and all(isinstance(one, str) for one in each)):
            raise Unreadable
    if former is not None:
        is_pair = isinstance(former, dict) and {*former} == {"endpoint", "auth"}
        if not (is_pair and all(isinstance(one, str) for one in former.values())):
            raise Unreadable
    return {**asked, "kinds": kinds, "before": before, "former": former}
