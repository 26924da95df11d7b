"""Views for other VASPs: keys, configuration, pushes, lookups, payreqs, with the wallet's faults."""

import functools
import gzip
import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import uma
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.views.decorators.csrf import csrf_exempt
from uma.generated.errors import ErrorCode
from uma.version import get_supported_major_versions

from node import faults, wire_format
from node.ledger import Refused
from wallet import post_transaction, receive, requests, users
from wallet.models import User, Vasp

KEYS_LIVE_FOR = timedelta(minutes=5)
log = logging.getLogger(__name__)


class Gone(Exception):
    """The wallet says nothing about this user, ever again."""


def uma_error(reason: str, code: ErrorCode) -> HttpResponse:
    return _as_response(uma.UmaException(reason, code))


def _as_response(error: uma.UmaException) -> HttpResponse:
    return HttpResponse(error.to_json(), status=error.to_http_status_code(), content_type="application/json")


def vasp_endpoint(name: str) -> Callable:
    """Answers as JSON with CORS; protocol errors in UMA's form; the `vasp_*` faults strike here."""

    def wrap(function: Callable) -> Callable:
        @csrf_exempt
        @functools.wraps(function)
        def view(request: HttpRequest, **path) -> HttpResponse:
            response = _strike(request, name) or _protected(function, request, path)
            response["Access-Control-Allow-Origin"] = "*"
            return response

        return view

    return wrap


def _protected(function: Callable, request: HttpRequest, path: dict) -> HttpResponse:
    try:
        answer = function(request, **path)
    except Gone:
        return wire_format.drop(request)
    except uma.UmaException as error:
        return _as_response(error)
    except Refused as error:
        return uma_error(str(error), ErrorCode.INVALID_INPUT)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RuntimeError) as error:
        # The SDK's parsers raise whatever hostile bytes provoke.
        log.info("unreadable request", exc_info=error)
        return uma_error("The request cannot be read.", ErrorCode.INVALID_REQUEST_FORMAT)
    return answer if isinstance(answer, HttpResponse) else JsonResponse(answer)


def _strike(request: HttpRequest, name: str) -> HttpResponse | None:
    if hang := faults.strike("vasp_hang", name):
        return wire_format.hang(request, hang.delay_s)
    if faults.is_on("vasp_500", name):
        return HttpResponse("injected fault", status=500)
    if redirect := faults.strike("vasp_redirect", name):
        return HttpResponse(status=302, headers={"Location": str(redirect.params["location"])})
    if drip := faults.strike("vasp_drip", name):
        return wire_format.drip(json.dumps({"name": "x" * 4000}), drip.delay_s)
    if slow := faults.strike("vasp_slow_headers", name):
        return wire_format.slow_headers(request, slow.delay_s)
    if endless := faults.strike("vasp_endless_headers", name):
        return wire_format.endless_headers(request, int(endless.params["megabytes"]))
    if huge := faults.strike("vasp_huge", name):
        return StreamingHttpResponse(
            _megabytes(int(huge.params["megabytes"])), content_type="application/json"
        )
    if bomb := faults.strike("vasp_gzip_bomb", name):
        packed = gzip.compress(b"".join(_megabytes(int(bomb.params["megabytes"]))))
        headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
        return HttpResponse(packed, headers=headers)
    if faults.is_on("vasp_bad_json", name):
        return HttpResponse('{"status": ', content_type="application/json")
    if faults.is_on("vasp_wrong_types", name):
        return JsonResponse([{"signingPubKey": 1, "uma_request_endpoint": ["x"]}], safe=False)
    return None


def _megabytes(count: int) -> Iterator[bytes]:
    yield b'{"name": "'
    for _ in range(min(count, 2048)):
        yield b"x" * (1 << 20)
    yield b'"}'


@vasp_endpoint("keys")
def pubkeys(request: HttpRequest) -> dict:
    """UMAD-02."""
    vasp = Vasp.objects.get()
    chains = vasp.signing_cert_chain, vasp.encryption_cert_chain
    if faults.is_on("vasp_wrong_key"):
        chains = users.make_key("Somebody else")[1], users.make_key("Somebody else")[1]
    return uma.create_pubkey_response(*chains, datetime.now(UTC) + KEYS_LIVE_FOR).to_dict()


@vasp_endpoint("configuration")
def configuration(request: HttpRequest) -> dict:
    """UMAD-10."""
    return {
        "name": "Sandbox Wallet",
        "uma_major_versions": sorted(get_supported_major_versions()),
        "uma_request_endpoint": f"{receive.our_url('configuration')}/uma/request",
    }


@vasp_endpoint("push")
def push(request: HttpRequest) -> dict | HttpResponse:
    """UMAD-11: a UMA Request for one of our users."""
    if request.method != "POST":
        return HttpResponse(status=405)
    body = json.loads(request.body)
    text, sender = str(body["invoice"]), str(body.get("sender") or "")
    user = _named_in(text, sender)
    if faults.is_on("wallet_gone", user):
        raise Gone
    if faults.is_on("wallet_lnurl_only", user):
        raise uma.UmaException("This wallet knows no UMA.", ErrorCode.USER_NOT_FOUND)
    refused = _strike_push(request, user)
    if refused is not None:
        return refused
    try:
        requests.take_push(text=text, sender=sender, domain=settings.SANDBOX_DOMAIN)
    except uma.UmaException as error:
        if error.error_code != ErrorCode.USER_NOT_FOUND or not faults.is_on("push_accepts_unknown", user):
            raise
    return {"status": "OK"}


def _named_in(text: str, sender: str) -> str:
    """The user's name for matching faults; nothing is verified yet."""
    try:
        address = uma.Invoice.from_bech32_string(text).sender_uma or sender
    except Exception:  # noqa: BLE001 - the SDK's TLV parser raises whatever the bytes provoke
        address = sender
    return address.lower().removeprefix("$").partition("@")[0]


def _strike_push(request: HttpRequest, user: str) -> HttpResponse | None:
    if hang := faults.strike("push_hang", user):
        return wire_format.hang(request, hang.delay_s)
    if refused := faults.strike("push_refused", user):
        error = uma.UmaException("This wallet takes no requests today.", ErrorCode.FORBIDDEN)
        return HttpResponse(
            error.to_json(), status=int(refused.params["status"]), content_type="application/json"
        )
    if faults.is_on("push_500", user):
        return HttpResponse("injected fault", status=500)
    if redirect := faults.strike("push_redirect", user):
        return HttpResponse(status=302, headers={"Location": str(redirect.params["location"])})
    return None


def _find(name: str) -> User:
    if faults.is_on("wallet_gone", name.lower().removeprefix("$")):
        raise Gone
    user = User.objects.filter(name=name.lower().removeprefix("$")).first()
    if user is None or (name.startswith("$") and faults.is_on("wallet_lnurl_only", user.name)):
        raise uma.UmaException(f"There is no {name} here.", ErrorCode.USER_NOT_FOUND)
    return user


@vasp_endpoint("lnurlp")
def lnurlp(request: HttpRequest, name: str) -> dict:
    """UMAD-03 and LUD-16. The signature covers the address in the URL as the sender wrote it, so the URL is
    rebuilt from our own domain, never from the Host header."""
    query = request.META.get("QUERY_STRING", "")
    url = f"http://{settings.SANDBOX_DOMAIN}/.well-known/lnurlp/{name}?{query}"
    return receive.answer_lookup(user=_find(name), name=name, url=url)


@vasp_endpoint("payreq")
def payreq(request: HttpRequest, name: str) -> dict:
    """UMAD-05 by POST, LUD-06 by GET."""
    user = _find(name)
    if request.method == "POST":
        asked = uma.parse_pay_request(request.body.decode())
    else:
        asked = uma.PayRequest.from_request_params(request.GET.dict())
    return receive.answer_payreq(user=user, request=asked)


@vasp_endpoint("utxo")
def utxo(request: HttpRequest) -> dict:
    """UMAD-07: a counterparty reports its UTXOs. A note, not a proof: its signature does not cover them."""
    post_transaction.take(request.body.decode())
    return {"status": "OK"}
