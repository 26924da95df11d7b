"""Counters of rate limits in Valkey or Redis, where CACHE_URL names one: no row is flushed to the disk."""

import logging
import time
from functools import cache

from django.conf import settings

logger = logging.getLogger(__name__)

AWAY_SECONDS = 5.0  # after which one that did not answer is asked again
# Counts in the order given, and nothing behind the first that is one too many.
_COUNT = """
local told = {}
for place, key in ipairs(KEYS) do
    local uses = redis.call('INCR', key)
    if uses == 1 then redis.call('EXPIRE', key, ARGV[2 * place - 1]) end
    table.insert(told, uses)
    table.insert(told, redis.call('TTL', key))
    if uses > tonumber(ARGV[2 * place]) then break end
end
return told
"""
_away_until = 0.0


@cache
def _script(url: str):
    import redis  # by whom it is used alone

    client = redis.Redis.from_url(url, socket_connect_timeout=0.5, socket_timeout=0.5)
    return client.register_script(_COUNT)


def count(windows: list[tuple[str, int, int]]) -> list[tuple[int, int]] | None:
    """Count one use of each (key, seconds, most), in one call: how many that makes, and the seconds left.

    The list ends with the first that is one too many. None when there is no server, or it is away: it is
    left alone for some seconds then, so that nobody waits for it. What it forgets is counted anew.
    """
    global _away_until
    if not settings.COUNTERS_URL or time.monotonic() < _away_until:
        return None
    script = _script(settings.COUNTERS_URL)
    try:
        keys = [key for key, _seconds, _most in windows]
        told = script(keys=keys, args=[number for _key, *numbers in windows for number in numbers])
    except _trouble() as error:
        _away_until = time.monotonic() + AWAY_SECONDS
        logger.warning("the counters are away: %s", type(error).__name__)
        return None
    return list(zip(told[::2], told[1::2], strict=True))


def _trouble() -> tuple[type[Exception], ...]:
    from redis.exceptions import RedisError

    return RedisError, OSError
