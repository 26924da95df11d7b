"""Middleware of sales: the orders placed in a browser."""

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

from .views import browser_orders


class BrowserOrdersMiddleware:
    """Writes the cookie of a browser's orders, and takes it away from one in which somebody signed out.

    No cache keeps a page that shows such an order: it holds the order's secret link.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if getattr(request, "has_signed_out", False):
            browser_orders.forget(response)
        elif ids := getattr(request, "orders_to_keep", None):
            browser_orders.keep(response, ids)
        if getattr(request, "shows_browser_orders", False):
            response.headers.setdefault("Cache-Control", "private, no-store")
            patch_vary_headers(response, ["Cookie"])
        return response
