"""Receivers of Django's and allauth's signals, which `apps.py` connects."""

from typing import Any

from .authentication import end_tokens
from .devices import device_of
from .models import User


def on_credentials_changed(*, user: User, **kwargs) -> None:
    """Receiver of allauth's news that a password or an address has changed: tokens end."""
    end_tokens(user)


def on_signed_in(*, request: Any, user: Any, **kwargs) -> None:
    """Receiver of Django's news that somebody signed in: `DeviceMiddleware` marks the browser as theirs."""
    if request is not None and not device_of(request, user.email):
        request.signed_in_as = user.email
