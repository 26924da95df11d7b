"""Receivers of other apps' signals, which `apps.py` connects."""

from django.http import HttpRequest


def on_check_request_enabled(sender: object, request: HttpRequest, **kwargs: object) -> bool:
    """Wallets in a browser may ask from any origin (LUD-06), also by POST: nothing there knows a session."""
    return request.path_info.startswith("/api/uma/")
