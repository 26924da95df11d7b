"""Views for wallets: /.well-known/… and the callbacks. Errors are UMA's and LNURL's own JSON."""

import functools
import logging
from collections.abc import Callable
from types import ModuleType

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.rate_limits import client_ip, hit
from ticketsuma.errors import DomainError

from .uma.errors import RequestTooLarge, error_body
from .uma.keys import published_keys, seconds_to_cache

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 64 * 1024


def _receive() -> ModuleType:
    """The UMA SDK takes a second to import; commands that merely load the routes do without."""
    from .uma import receive

    return receive


def _after() -> ModuleType:
    from .uma import callbacks

    return callbacks


def for_wallets(view: Callable[..., dict]) -> Callable[..., JsonResponse]:
    """Answer the dict of `view` to any wallet, also one in a browser; refusals become UMA's error JSON.

    WALLET_PER_IP bounds what one address may ask, at the price of one statement.
    """

    @csrf_exempt
    @functools.wraps(view)
    def answer(request: HttpRequest, *args, **kwargs) -> JsonResponse:
        try:
            hit("WALLET_PER_IP", client_ip(request))
            if _length(request) > MAX_BODY_BYTES:
                raise RequestTooLarge
            response = JsonResponse(view(request, *args, **kwargs))
        except DomainError as refusal:
            response = _refusal(refusal)
        response["Access-Control-Allow-Origin"] = "*"
        response["Cache-Control"] = "no-store"
        return response

    return answer


def _length(request: HttpRequest) -> int:
    text = request.META.get("CONTENT_LENGTH") or "0"
    return int(text) if text.isdecimal() and len(text) < 20 else 0


def _refusal(refusal: DomainError) -> JsonResponse:
    body = error_body(refusal)
    logger.info("a wallet was refused: %s %s", refusal.status, body.get("code"))
    response = JsonResponse(body, status=refusal.status, headers=refusal.headers)
    if refusal.status == 401:  # RFC 9110: a 401 names what would be let in
        response["WWW-Authenticate"] = f'UMA realm="{settings.UMA_DOMAIN}"'
    return response


# -- what we publish --------------------------------------------------------------------------
@require_GET
def pubkeys(request: HttpRequest) -> JsonResponse:
    """Our keys (UMAD-02)."""
    keys = published_keys()
    response = JsonResponse(keys)
    response["Access-Control-Allow-Origin"] = "*"
    response["Cache-Control"] = f"public, max-age={seconds_to_cache(keys)}"
    return response


@require_GET
def configuration(request: HttpRequest) -> JsonResponse:
    """What we can do (UMAD-10). A shop pays nobody, so it takes no UMA Requests.

    Like the keys it is not counted: counting would cost more than answering.
    """
    response = JsonResponse({"name": settings.SITE_NAME, "uma_major_versions": [0, 1]})
    response["Access-Control-Allow-Origin"] = "*"
    response["Cache-Control"] = "no-store"
    return response


@require_GET
@for_wallets
def lookup(request: HttpRequest, name: str) -> dict:
    return _receive().look_up(name, request.get_full_path())


# -- callbacks --------------------------------------------------------------------------------
@require_http_methods(["GET", "POST"])
@for_wallets
def pay_request(request: HttpRequest, reference: str) -> dict:
    """POST is a UMA pay request (UMAD-05), GET that of any Lightning wallet (LUD-06)."""
    if request.method == "POST":
        return _receive().answer_pay_request(reference, request.body)
    return _receive().answer_plain_pay_request(reference, request.GET.dict())


@require_POST
@for_wallets
def utxos(request: HttpRequest, reference: str) -> dict:
    _after().take_utxo_callback(reference, request.body)
    return {}


@require_GET
@for_wallets
def verify(request: HttpRequest, payment_hash: str) -> dict:
    return _after().invoice_status(payment_hash)
