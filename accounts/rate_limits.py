"""Rate limits: counted in the database, so that all processes count together.

One INSERT … ON CONFLICT counts and reads at once; of any number at the same moment exactly `most` pass.
"""

import hashlib
import hmac
import ipaddress
import random
import time
from collections.abc import Callable
from functools import wraps

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext_lazy as _
from prometheus_client import Counter

from ticketsuma.errors import DomainError

from .models import Usage

KNOWN_SECONDS = 30 * 24 * 3600
_SWEEP_ONE_IN = 500
LIMITS_HIT = Counter("tickets_limits_hit", "Requests refused because they came too often", ["limit"])

_COUNT = """
INSERT INTO accounts_usage (key, uses, until) VALUES (%(key)s, 1, %(until)s)
ON CONFLICT (key) DO UPDATE SET
    uses = CASE WHEN accounts_usage.until <= %(now)s THEN 1 ELSE accounts_usage.uses + 1 END,
    until = CASE WHEN accounts_usage.until <= %(now)s THEN excluded.until ELSE accounts_usage.until END
RETURNING uses, until
"""


class RateLimited(DomainError):
    code = "throttled"
    message = _("That was too often. Please wait a little and try again.")
    status = 429


def client_ip(request: HttpRequest) -> str:
    """Who asks: the address that TRUSTED_PROXIES proxies of ours report, an IPv6 one as its /64.

    With no proxy of ours the X-Forwarded-For header is somebody's claim, and not read.
    """
    address = request.META.get("REMOTE_ADDR", "")
    if settings.TRUSTED_PROXIES:
        hops = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
        address = hops[-min(settings.TRUSTED_PROXIES, len(hops))].strip() or address
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if ip.version == 6 and ip.ipv4_mapped:
        return str(ip.ipv4_mapped)
    return str(ipaddress.ip_network((ip, 64), strict=False)) if ip.version == 6 else str(ip)


def hit(limit: str, *who: str) -> None:
    """Count one use of `settings.LIMITS[limit]` by `who`; raises RateLimited with the seconds left."""
    most, seconds = settings.LIMITS[limit]
    uses, left = _count(seconds, limit, *who)
    if uses > most:
        LIMITS_HIT.labels(limit).inc()
        raise RateLimited(retry_after=max(left, 1))


def costly(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """A page that is much work for being asked, also for nothing: counted for each network."""

    @wraps(view)
    def counted(request: HttpRequest, *args, **kwargs) -> HttpResponseBase:
        hit("COSTLY_PER_IP", client_ip(request))
        return view(request, *args, **kwargs)

    return counted


def use_once(seconds: int, *what: str) -> bool:
    """Whether this is the first use of `what` in so many seconds; of two at once one gets True."""
    return _count(seconds, "once", *what)[0] == 1


def _count(seconds: int, limit: str, *who: str) -> tuple[int, int]:
    """Count one more; how many that makes in this window, and how many seconds are left of it."""
    now = int(time.time())
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, {"key": digest(limit, *who), "until": now + seconds, "now": now})
        uses, until = cursor.fetchone()
    if random.randrange(_SWEEP_ONE_IN) == 0:  # noqa: S311, housekeeping is no secret
        Usage.objects.filter(until__lte=now).delete()
    return uses, until - now


def count_mail(email: str, ip: str, device: str = "") -> None:
    """Count a mail that somebody unknown at `ip` asks us to send to `email`; raises RateLimited.

    A mailbox's owner is not locked out by others: it is counted for each network that asks, and in a
    browser (`device`) in which they signed in before for that one alone.
    """
    if device:
        hit("MAIL_PER_EMAIL", email, device)
        return
    hit("MAIL_PER_IP", ip)
    hit("MAIL_PER_EMAIL", email, ip)
    hit("MAIL_PER_EMAIL_FROM_ALL", email)


def reset(limit: str, *who: str) -> None:
    """Forget what `who` used: they proved to be no attacker."""
    Usage.objects.filter(key=digest(limit, *who)).delete()


def remember(*who: str) -> None:
    """`is_known(*who)` for a month: this person signed in from this address."""
    until = int(time.time()) + KNOWN_SECONDS
    Usage.objects.update_or_create(key=digest("known", *who), defaults={"uses": 1, "until": until})


def is_known(*who: str) -> bool:
    return Usage.objects.filter(key=digest("known", *who), until__gt=int(time.time())).exists()


def digest(limit: str, *who: str) -> str:
    """A name for `who` that tells nobody who it is, and is another one for every `limit`."""
    text = "\n".join((limit, *who))
    return hmac.new(settings.SECRET_KEY.encode(), text.encode(), hashlib.sha256).hexdigest()
