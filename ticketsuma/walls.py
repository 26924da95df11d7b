"""Small walls that Django and its middlewares leave open."""

from django.conf import settings

PROBED = {"/health", "/health/live"}


class ProbeMiddleware:
    """A load balancer's probe calls a server by whatever address it has; the health pages answer it too.

    Any other page is refused to a host that is none of ours.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if request.path_info in PROBED:
            request.META["HTTP_HOST"] = settings.SITE_HOST
        return self.get_response(request)


class HeadersMiddleware:
    """No page may use the device's sensors and purse, and nobody else's page may embed ours.

    The door's camera is the exception: scanning tickets needs it, on our own pages only. Account pages
    are kept by no browser: the back button shows nothing to whoever sits down next.
    """

    HEADERS = {
        "Permissions-Policy": "accelerometer=(), camera=(self), display-capture=(), geolocation=(), "
        "gyroscope=(), magnetometer=(), microphone=(), payment=(), usb=()",
        "Cross-Origin-Resource-Policy": "same-origin",
        "X-Permitted-Cross-Domain-Policies": "none",
    }

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        for name, value in self.HEADERS.items():
            response.headers.setdefault(name, value)
        if request.path_info.startswith("/accounts/"):
            response.headers.setdefault("Cache-Control", "no-store, private")
        return response
