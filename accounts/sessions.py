"""Sessions: the browsers in which somebody is signed in, listed for them and ended by them.

Django's sessions cannot be found by user, so each sign-in leaves a row; what it says of device and network
is rough on purpose.
"""

import ipaddress

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import models
from django.db.models import Exists, OuterRef
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

BROWSERS = {
    "Edg/": "Edge", "OPR/": "Opera", "SamsungBrowser/": "Samsung Internet", "Firefox/": "Firefox",
    "FxiOS/": "Firefox", "CriOS/": "Chrome", "Chrome/": "Chrome", "Safari/": "Safari",
}  # fmt: skip
SYSTEMS = {
    "iPhone": "iPhone", "iPad": "iPad", "Android": "Android", "Windows": "Windows", "Mac OS X": "Mac",
    "CrOS": "ChromeOS", "Linux": "Linux",
}  # fmt: skip


class SignIn(models.Model):
    """One browser in which `user` is signed in, as long as its session lasts."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="sign_ins", verbose_name=_("user")
    )
    session_key = models.CharField(_("session"), max_length=40, unique=True)
    device = models.CharField(_("device"), max_length=40, blank=True)
    network = models.CharField(_("network"), max_length=45, blank=True)
    at = models.DateTimeField(_("when"), default=timezone.now)

    class Meta:
        verbose_name, verbose_name_plural = _("sign-in"), _("sign-ins")

    def __str__(self) -> str:
        return f"#{self.pk}"


def note(request: HttpRequest, user, ip: str) -> None:
    """Remember that this browser is signed in as `user`, who came from `ip`."""
    session = request.session
    if not session.session_key:
        session.save()
    said = {"user": user, "device": device_words(request.headers.get("User-Agent", ""))}
    said |= {"network": network_words(ip), "at": timezone.now()}
    SignIn.objects.update_or_create(session_key=session.session_key, defaults=said)


def sign_ins_of(user) -> list[SignIn]:
    """Those whose sessions are still good, newest first."""
    rows = SignIn.objects.filter(user=user).order_by("-at", "-pk")
    good = {session.pk: session for session in Session.objects.filter(pk__in=rows.values("session_key"))}
    now, current = timezone.now(), user.get_session_auth_hash()
    return [
        row
        for row in rows
        if (session := good.get(row.session_key))
        and session.expire_date > now
        and session.get_decoded().get(HASH_SESSION_KEY) == current
    ]


def end(rows: list[SignIn]) -> None:
    """The next request of these browsers is nobody's."""
    for row in rows:
        SessionStore(row.session_key).delete()
        row.delete()


def end_all(user, *, keep: str | None = None) -> int:
    """End every session of `user` but the one of the key `keep`; how many."""
    rows = [row for row in SignIn.objects.filter(user=user) if row.session_key != keep]
    end(rows)
    return len(rows)


def forget_ended() -> None:
    """Rows whose session is over are gone."""
    there = Session.objects.filter(pk=OuterRef("session_key"))
    SignIn.objects.filter(~Exists(there)).delete()


def device_words(user_agent: str) -> str:
    """`Firefox · Linux`; as much of it as is known."""
    known = [
        next((name for sign, name in names.items() if sign in user_agent), "")
        for names in (BROWSERS, SYSTEMS)
    ]
    return " · ".join(filter(None, known))


def network_words(ip: str) -> str:
    """Half of an IPv4 address, three groups of an IPv6 one: enough to know one's own town again."""
    try:
        address = ipaddress.ip_network(ip, strict=False).network_address
    except ValueError:
        return ""
    if address.version == 4:
        return ".".join([*str(address).split(".")[:2], "x", "x"])
    return ":".join([*address.exploded.split(":")[:3], "…"])
