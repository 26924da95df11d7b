"""Hot reads whose SQL is built once: the ORM takes longer to word some than the database to answer them."""

import copy
import uuid
from collections.abc import Callable
from functools import cached_property
from typing import Any

from django.db import connection, connections
from django.db.models import QuerySet
from django.db.models.sql import Query
from django.db.models.sql.compiler import SQLCompiler

_ANY = uuid.UUID(int=0)


class KeptQuery:
    """Rows by a key: `kept(key)` is `list(make(key))`, all the models it selects included.

    `make` is called once in a process, so nothing else in it may change: no moments, no words of a request.
    """

    def __init__(self, make: Callable[[uuid.UUID], QuerySet[Any, Any]]):
        self._make = make

    @cached_property
    def _rows(self) -> QuerySet[Any, Any]:
        rows = self._make(_ANY)
        compiler = rows.query.get_compiler(rows.db)
        said = compiler.as_sql()
        rows.query = rows.query.chain(_Said)
        rows.query.said = compiler, said  # type: ignore[attr-defined]
        return rows

    def __call__(self, key: uuid.UUID) -> list[Any]:
        rows = self._rows.all()
        rows.query.key = key  # type: ignore[attr-defined]
        return list(rows)


class _Said(Query):
    """A query that says the same again, of another key."""

    said: tuple[SQLCompiler, tuple[str, tuple]]
    key: uuid.UUID

    def get_compiler(self, using=None, connection=None, elide_empty=True) -> SQLCompiler:
        kept, (statement, values) = self.said
        compiler = copy.copy(kept)
        compiler.connection = connection or connections[using]
        place, key = prepared(_ANY), prepared(self.key)
        said = statement, tuple(key if value == place else value for value in values)
        compiler.as_sql = lambda *args, **options: said  # type: ignore[method-assign]
        return compiler


def prepared(key: uuid.UUID) -> Any:
    """A key as the database's driver takes it."""
    return key if connection.features.has_native_uuid_field else key.hex
