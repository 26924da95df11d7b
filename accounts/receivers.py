"""Receivers of Django's and allauth's signals, which `apps.py` connects."""

from typing import Any

from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.models import Authenticator

from . import sessions
from .authentication import end_tokens
from .devices import device_of
from .history import record
from .models import User
from .rate_limits import client_ip


def on_credentials_changed(*, user: User, **kwargs) -> None:
    """Receiver of allauth's news that a password or an address has changed: tokens end."""
    end_tokens(user)


def on_signed_in(*, request: Any, user: Any, **kwargs) -> None:
    """Receiver of Django's news that somebody signed in: `DeviceMiddleware` marks the browser as theirs."""
    if request is None:
        return
    if not device_of(request, user.email):
        request.signed_in_as = user.email
    sessions.note(request, user, client_ip(request))


def on_password_changed(*, request: Any, user: User, **kwargs) -> None:
    """Receiver of allauth's news of another password: the other sessions are over, this one has a new key."""
    sessions.end_all(user, keep=request.session.session_key)
    if request.user.is_authenticated:
        sessions.note(request, user, client_ip(request))


def on_factor_added(*, request: Any, user: User, authenticator: Authenticator, **kwargs) -> None:
    """Receiver of allauth's news of a new factor, which was just shown: tokens issued without one end."""
    if authenticator.type == Authenticator.Type.RECOVERY_CODES:
        return
    record_authentication(request, user, "mfa", id=authenticator.pk, type=authenticator.type)
    record("factor_add", user, said=authenticator.get_type_display())
    end_tokens(user)


def on_factor_removed(*, request: Any, user: User, authenticator: Authenticator, **kwargs) -> None:
    """Receiver of allauth's news that a factor is gone: it may have been lost or stolen, so all else ends."""
    if authenticator.type != Authenticator.Type.RECOVERY_CODES:
        record("factor_remove", user, said=authenticator.get_type_display())
        end_tokens(user)
        sessions.end_all(user, keep=request.session.session_key)
