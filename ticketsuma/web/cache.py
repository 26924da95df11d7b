"""Cache backend that is empty when its server is away."""

import contextlib
import logging
from typing import Any

from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)


class RedisOrNothing(RedisCache):
    """Django's cache in Redis, for which a Redis that does not answer is an empty one. It raises nothing.

    It is asked for half a second at most (`OPTIONS` in the settings). The cache holds nothing that must be
    counted or kept; what must is in tables.
    """

    def get(self, key, default=None, version=None) -> Any:
        with self._forgiving():
            return super().get(key, default, version)
        return default

    def set(self, *args, **kwargs) -> None:
        with self._forgiving():
            super().set(*args, **kwargs)

    def add(self, *args, **kwargs) -> bool:
        """True also when nothing could be written: as far as anybody knows it was not there."""
        with self._forgiving():
            return super().add(*args, **kwargs)
        return True

    def touch(self, *args, **kwargs) -> bool:
        with self._forgiving():
            return super().touch(*args, **kwargs)
        return False

    def delete(self, *args, **kwargs) -> bool:
        with self._forgiving():
            return super().delete(*args, **kwargs)
        return False

    def get_many(self, *args, **kwargs) -> dict:
        with self._forgiving():
            return super().get_many(*args, **kwargs)
        return {}

    def set_many(self, data, *args, **kwargs) -> list:
        with self._forgiving():
            return super().set_many(data, *args, **kwargs)
        return list(data)

    def delete_many(self, *args, **kwargs) -> None:
        with self._forgiving():
            super().delete_many(*args, **kwargs)

    def has_key(self, *args, **kwargs) -> bool:
        with self._forgiving():
            return super().has_key(*args, **kwargs)
        return False

    def clear(self) -> None:
        with self._forgiving():
            super().clear()

    @contextlib.contextmanager
    def _forgiving(self):
        try:
            yield
        except (RedisError, OSError) as error:
            logger.warning("the cache is away: %s", type(error).__name__)
