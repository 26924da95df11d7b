"""Rate limits: counted in the database, or in Valkey or Redis, so that all processes count together.

One INSERT … ON CONFLICT counts and reads at once, for all limits of a request; of any number at the same
moment exactly `most` pass.
"""

import hashlib
import hmac
import ipaddress
import random
import time
from collections.abc import Callable
from contextlib import nullcontext
from functools import wraps

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext_lazy as _
from prometheus_client import Counter

from ticketsuma.errors import DomainError

from . import shared_counters
from .models import Usage

KNOWN_SECONDS = 30 * 24 * 3600
_SWEEP_ONE_IN = 500
LIMITS_HIT = Counter("tickets_limits_hit", "Requests refused because they came too often", ["limit"])

_COUNT = """
INSERT INTO accounts_usage (key, uses, until) SELECT column1, 1, column2 FROM (VALUES {rows}) AS asked
WHERE NOT EXISTS ({unless})
ON CONFLICT (key) DO UPDATE SET
    uses = CASE WHEN accounts_usage.until <= %s THEN 1 ELSE accounts_usage.uses + 1 END,
    until = CASE WHEN accounts_usage.until <= %s THEN excluded.until ELSE accounts_usage.until END
RETURNING key, uses, until
"""
_NEVER = ("SELECT 1 WHERE 1 = 0", ())

Use = tuple[str, ...]  # a limit's name, and by whom it is used


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
    hit_all((limit, *who))


def hit_all(*uses: Use, unless: QuerySet | None = None) -> bool:
    """Count these uses in one statement, or one call. Raises RateLimited of the first that is one too many.

    The uses behind that one are not counted: whoever is stopped by their own limit uses up nobody
    else's. False, and nothing is counted, when there is a row in `unless`.
    """
    if settings.COUNTERS_URL and all(use[0] in settings.LIMITS_IN_CACHE for use in uses):
        if unless is not None and unless.exists():
            return False
        windows = [(digest(*use), settings.LIMITS[use[0]][1], settings.LIMITS[use[0]][0]) for use in uses]
        counted = shared_counters.count(windows)
        if counted is not None:
            last = uses[len(counted) - 1]
            return _answer(last, *counted[-1])
    with transaction.atomic() if len(uses) > 1 else nullcontext():
        found = _count_all({use: settings.LIMITS[use[0]][1] for use in uses}, unless)
        over = next(
            (use for use in uses if use in found and found[use][0] > settings.LIMITS[use[0]][0]), None
        )
        stopped_early = over is not None and over != uses[-1]
        if stopped_early:
            transaction.set_rollback(True)
    if stopped_early:
        return hit_all(*uses[: uses.index(over) + 1], unless=unless)
    return _answer(over, *found[over]) if over else bool(found)


def _answer(use: Use, uses: int, seconds_left: int) -> bool:
    if uses > settings.LIMITS[use[0]][0]:
        LIMITS_HIT.labels(use[0]).inc()
        raise RateLimited(retry_after=max(seconds_left, 1))
    return True


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


def _count(seconds: int, *use: str) -> tuple[int, int]:
    """Count one more; how many that makes in this window, and how many seconds are left of it."""
    return _count_all({use: seconds})[use]


def _count_all(windows: dict[Use, int], unless: QuerySet | None = None) -> dict[Use, tuple[int, int]]:
    """`_count` for each of several uses, whose windows last so many seconds; none if `unless` has a row.

    Rows are taken in the order of their keys, so that two who count the same ones wait, and never for ever.
    """
    now = int(time.time())
    keys = {digest(*use): use for use in windows}
    rows = [value for key in sorted(keys) for value in (key, now + windows[keys[key]])]
    there, those = _NEVER if unless is None else unless.values("pk").query.sql_with_params()
    statement = _COUNT.format(rows=", ".join(["(%s, %s)"] * len(keys)), unless=there)
    with connection.cursor() as cursor:
        cursor.execute(statement, [*rows, *those, now, now])
        found = {keys[key]: (uses, until - now) for key, uses, until in cursor.fetchall()}
    if random.randrange(_SWEEP_ONE_IN) == 0:  # noqa: S311, housekeeping is no secret
        Usage.objects.filter(until__lte=now).delete()
    return found


def count_mail(email: str, ip: str, device: str = "") -> None:
    """Count a mail that somebody unknown at `ip` asks us to send to `email`; raises RateLimited.

    In a browser (`device`) in which its owner signed in before it is counted for that one alone.
    """
    hit_all(*([("MAIL_PER_EMAIL", email, device)] if device else uses_of_mail(email, ip)))


def uses_of_mail(email: str, ip: str) -> list[Use]:
    """What a mail to `email` uses up that a stranger asks for.

    A mailbox's owner is not locked out by others: it is counted for each network that asks.
    """
    return [("MAIL_PER_IP", ip), ("MAIL_PER_EMAIL", email, ip), ("MAIL_PER_EMAIL_FROM_ALL", email)]


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
