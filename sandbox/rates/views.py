"""Views of pretend exchanges: what they answer, with their faults; the market's page and its API."""

import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from node import faults, wire_format
from node.api import BadRequest, not_found, read_json
from rates import market


@require_GET
def ticker(request: HttpRequest, exchange: str, currency: str) -> HttpResponse:
    """`{"price": "100000", "time": 1764200000}`: what one exchange says, `currency` being three capitals."""
    if hang := faults.strike("rate_hang", exchange):
        return wire_format.hang(request, hang.delay_s)
    if exchange not in market.EXCHANGES or faults.is_on("rate_vanish", exchange):
        return not_found("exchange")
    if huge := faults.strike("rate_huge", exchange):
        return StreamingHttpResponse(
            _megabytes(int(huge.params["megabytes"])), content_type="application/json"
        )
    now = timezone.now()
    if frozen := faults.strike("rate_freeze", exchange):
        now = frozen.created_at
    price = market.price_at(currency, now) * market.EXCHANGES[exchange]
    for kind in ("rate_lie", "rate_jump"):
        if fault := faults.strike(kind, exchange):
            price *= Decimal(str(fault.params["factor"]))
    if faults.is_on("rate_yesterday", exchange):
        now -= timedelta(days=1)
    said = json.dumps(f"{price:f}")
    if nonsense := faults.strike("rate_nonsense", exchange):
        said = str(nonsense.params["says"])
    body = f'{{"price": {said}, "time": {int(now.timestamp())}}}'
    return HttpResponse(body, content_type="application/json")


def _megabytes(count: int) -> Iterator[bytes]:
    yield b'{"price": "1", "padding": "'
    for _megabyte in range(count):
        yield b"x" * 1_000_000
    yield b'"}'


# -- the market: page and API -----------------------------------------------------------------
def list_prices(request: HttpRequest) -> dict:
    return {currency: f"{price:f}" for currency, price in market.prices()}


def post_prices(request: HttpRequest) -> JsonResponse:
    """`{"USD": "101000", …}`: from now on."""
    for currency, price in read_json(request).items():
        market.move(currency, price)
    return JsonResponse(list_prices(request), status=201)


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    return _page(request)


@csrf_exempt
@require_POST
def move(request: HttpRequest) -> HttpResponse:
    try:
        market.move(request.POST.get("currency", "").strip().upper(), request.POST.get("price", ""))
    except BadRequest as error:
        return _page(request, error=f"Not moved: {error}.", status=400)
    return HttpResponseRedirect(reverse("rates"), status=303)


def _page(request: HttpRequest, *, error: str = "", status: int = 200) -> HttpResponse:
    shown = {
        "prices": [(currency, f"{price:,f}") for currency, price in market.prices()],
        "exchanges": list(market.EXCHANGES), "error": error,
    }  # fmt: skip
    return render(request, "rates.html", shown, status=status)
