"""JSON API of the node for tests and developers: parsing and answers. No sign-in, because it is a toy."""

import functools
import json
from collections.abc import Callable

from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from node import faults, ledger
from node.ledger import MAX_MSATS
from node.models import Node


class BadRequest(ValueError):
    """The request makes no sense; the text says why."""


def read_json(request: HttpRequest) -> dict:
    """The body as an object; an empty body is an empty object. Raises BadRequest."""
    try:
        body = json.loads(request.body or b"{}")
    except ValueError as error:
        raise BadRequest("the body is no JSON") from error
    if not isinstance(body, dict):
        raise BadRequest("the body must be a JSON object")
    return body


def json_api(**methods: Callable) -> Callable:
    """A view that answers JSON: one function per HTTP method, refusals as 4xx with an `error` sentence."""

    @csrf_exempt
    def view(request: HttpRequest, **path) -> JsonResponse:
        function = methods.get(request.method)
        if function is None:
            return JsonResponse({"error": "method not allowed"}, status=405)
        try:
            answer = function(request, **path)
        except (BadRequest, faults.UnknownFault) as error:
            return JsonResponse({"error": str(error)}, status=400)
        except ledger.Refused as error:
            return JsonResponse({"error": str(error)}, status=409)
        return answer if isinstance(answer, JsonResponse) else JsonResponse(answer)

    functools.update_wrapper(view, next(iter(methods.values())))
    return view


def not_found(what: str) -> JsonResponse:
    return JsonResponse({"error": f"no such {what}"}, status=404)


def health(request: HttpRequest) -> JsonResponse:
    """200 once the database is migrated and prepared."""
    ready = {"node_node", "wallet_vasp"} <= set(
        connection.introspection.table_names()
    ) and Node.objects.exists()
    return JsonResponse({"status": "ok" if ready else "not prepared"}, status=200 if ready else 503)


def whole_sats(body: dict, key: str, default: int | None = None) -> int | None:
    """A whole, non-negative number of sats from a request. Raises BadRequest."""
    value = body.get(key, default)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_MSATS // 1000:
        raise BadRequest(f"{key} must be a whole number of sats")
    return value


def times(body: dict) -> int:
    """How often: 1 to 1000. Raises BadRequest."""
    count = body.get("times", 1)
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= 1000:
        raise BadRequest("times must be between 1 and 1000")
    return count
