"""GraphQL endpoint, with the faults that act on the connection."""

import base64
import binascii
import json
import secrets
import zlib

import zstandard
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from node import faults, graphql_executor, wire_format
from node.fields import Call, resolve
from node.ledger import Refused
from node.models import Account, ApiToken

MAX_BODY = 1 << 22


@csrf_exempt
@require_POST
def graphql(request: HttpRequest) -> HttpResponse:
    """Lightspark's server API. Wrong credentials give 401, an unreadable body 400, all else GraphQL."""
    account = _authenticate(request)
    if account is None:
        return JsonResponse({"errors": [{"message": "invalid API token"}]}, status=401)
    try:
        raw = _uncompressed(request)
        envelope = json.loads(raw)
        query, variables = str(envelope["query"]), dict(envelope.get("variables") or {})
    except (ValueError, KeyError, TypeError, AttributeError, zlib.error, zstandard.ZstdError):
        return JsonResponse({"errors": [{"message": "the body is no GraphQL request"}]}, status=400)
    operation = str(envelope.get("operationName") or "")
    refused = _fault_before(request, operation)
    if refused is not None:
        return refused
    call = Call(account, envelope, raw, request.headers.get("X-Lightspark-Signing", ""))
    answer = _answer(call, query, variables, operation)
    return _fault_after(request, operation, answer)


def _answer(call: Call, query: str, variables: dict, operation: str) -> dict:
    try:
        data = graphql_executor.execute(
            query, variables, operation, lambda name, given: resolve(call, name, given)
        )
    except Refused as error:
        return _errors(str(error), error.name)
    except (graphql_executor.InvalidDocument, TypeError, ValueError) as error:
        return _errors(str(error), "InvalidInputException")
    return {"data": data}


def _errors(message: str, name: str) -> dict:
    """As the real node says no: with the kind of error in `extensions.error_name`."""
    return {"data": None, "errors": [{"message": message, "extensions": {"error_name": name}}]}


def _authenticate(request: HttpRequest) -> Account | None:
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    token = ApiToken.objects.select_related("account").filter(client_id=client_id).first()
    if scheme.lower() != "basic" or token is None:
        return None
    same = secrets.compare_digest(token.client_secret.encode(), secret.encode())
    return token.account if same else None


def _uncompressed(request: HttpRequest) -> bytes:
    encoding = request.headers.get("Content-Encoding", "")
    if encoding == "zstd":
        return zstandard.ZstdDecompressor().decompress(request.body, max_output_size=MAX_BODY)
    if encoding == "deflate":
        return zlib.decompressobj().decompress(request.body, MAX_BODY)
    return request.body


def _fault_before(request: HttpRequest, operation: str) -> HttpResponse | None:
    """Faults that keep the node from doing anything."""
    if slow := faults.strike("node_slow", operation):
        wire_format.wait(slow.delay_s)
    if hang := faults.strike("node_hang", operation):
        return wire_format.hang(request, hang.delay_s)
    for kind, status in (("node_500", 500), ("node_429", 429)):
        if faults.is_on(kind, operation):
            return JsonResponse({"errors": [{"message": "injected fault"}]}, status=status)
    if broken := faults.strike("node_error", operation):
        return JsonResponse(_errors("injected fault", str(broken.params["name"])))
    if faults.is_on("node_html", operation):
        return HttpResponse("<!doctype html><title>Maintenance</title><h1>Back soon</h1>")
    return None


def _fault_after(request: HttpRequest, operation: str, answer: dict) -> HttpResponse:
    """Faults that strike once the work is done and committed."""
    if faults.is_on("commit_then_drop", operation):
        return wire_format.drop(request)
    if late := faults.strike("node_late", operation):
        wire_format.wait(late.delay_s)
    if faults.is_on("node_bad_json", operation):
        return HttpResponse('{"data": {"entity": ', content_type="application/json")
    if faults.is_on("future_enum", operation):
        answer = _from_the_future(answer)
    if faults.is_on("other_units", operation):
        answer = _in_sats(answer)
    if drip := faults.strike("node_drip", operation):
        return wire_format.drip(json.dumps(answer), drip.delay_s)
    return JsonResponse(answer)


def _from_the_future(value):
    """The same answer with a status that no SDK knows; GraphQL APIs grow such values."""
    if isinstance(value, dict):
        return {
            key: "SETTLED_BY_A_NEWER_NODE"
            if key.endswith("status") and isinstance(one, str)
            else _from_the_future(one)
            for key, one in value.items()
        }
    return [_from_the_future(one) for one in value] if isinstance(value, list) else value


def _in_sats(value):
    """The same answer with every amount of whole sats given as SATOSHI; the API may use any unit."""
    if isinstance(value, list):
        return [_in_sats(one) for one in value]
    if not isinstance(value, dict):
        return value
    shown = {key: _in_sats(one) for key, one in value.items()}
    unit = next((key for key in shown if key.endswith("original_unit")), None)
    amount = next((key for key in shown if key.endswith("original_value")), None)
    if unit and amount and shown[unit] == "MILLISATOSHI" and shown[amount] % 1000 == 0:
        shown |= {unit: "SATOSHI", amount: shown[amount] // 1000}
    return shown
