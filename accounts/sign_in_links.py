"""Sign-in links made at the console, which need no mail server and pass no limit."""

import secrets

from django.core import signing
from django.urls import reverse

from . import rate_limits
from .models import User
from .services import BadKey

GOOD_SECONDS = 600
_SALT = "accounts.link"


def make_link(user: User) -> str:
    """A path that signs `user` in once, within GOOD_SECONDS, while their password stays as it is."""
    said = {"user": user.pk, "epoch": user.token_epoch, "once": secrets.token_hex(16)}
    return reverse("sign_in_link", args=[signing.dumps(said, salt=_SALT)])


def read_link(key: str) -> tuple[User, str] | None:
    """Whom `key` signs in, and its name; None when it is forged, too old or its user is shut out."""
    try:
        said = signing.loads(key, salt=_SALT, max_age=GOOD_SECONDS)
    except signing.BadSignature:
        return None
    user = User.objects.filter(pk=said["user"], token_epoch=said["epoch"], is_active=True).first()
    return (user, said["once"]) if user else None


def use_link(key: str) -> User:
    """Whom `key` signs in. A key is good once: of two at once the second gets BadKey."""
    found = read_link(key)
    if found is None or not rate_limits.use_once(2 * GOOD_SECONDS, "link", found[1]):
        raise BadKey
    return found[0]
