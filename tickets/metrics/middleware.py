"""Middleware of METRICS_PORT: what comes in there gets the metrics, and nothing else of the shop."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from .process import own_registry
from .rows import RowsCollector


class MetricsMiddleware:
    """The first of all: a scraper comes by an address, without https, and leaves no line in the log.

    Which port a request came in by is the listening socket's word, not the sender's. On every other port
    there is no such page.
    """

    def __init__(self, get_response):
        self.get_response = get_response
        self.rows = CollectorRegistry()
        self.rows.register(RowsCollector())

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not settings.METRICS_PORT or request.META.get("SERVER_PORT") != str(settings.METRICS_PORT):
            return self.get_response(request)
        if request.path_info != "/metrics":
            return HttpResponseNotFound(content_type="text/plain")
        body = generate_latest(self.rows) + generate_latest(own_registry())
        return HttpResponse(body, content_type=CONTENT_TYPE_LATEST)
