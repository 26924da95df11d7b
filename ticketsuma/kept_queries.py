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

Key = uuid.UUID | int | str
ANY_UUID = uuid.UUID(int=0)
ANY_ID = 1 - 2**63  # no sequence gives it
ANY_SLUG = "any slug"  # none has a space


class KeptQuery:
    """Rows by a key: `kept(key)` is `list(make(key))`, all the models it selects included.

    `make` is called once in a process, so nothing else in it may change: no moments, no words of a request.
    """

    def __init__(self, make: Callable[[Any], QuerySet[Any, Any]], any_key: Key = ANY_UUID):
        self._make, self._any = make, any_key

    @cached_property
    def _rows(self) -> QuerySet[Any, Any]:
        rows = self._make(self._any)
        compiler = rows.query.get_compiler(rows.db)
        statement, values = compiler.as_sql()
        places = [value == prepared(self._any) for value in values]
        converters = compiler.get_converters([each[0] for each in compiler.select[: compiler.col_count]])
        compiler.get_converters = lambda expressions: converters
        rows.query = rows.query.chain(_Said)
        rows.query.said = compiler, statement, values, places  # type: ignore[attr-defined]
        return rows

    def __call__(self, key: Key) -> list[Any]:
        rows = self._rows.all()
        rows.query.key = key  # type: ignore[attr-defined]
        return list(rows)


class _Said(Query):
    """A query that says the same again, of another key."""

    said: tuple[SQLCompiler, str, tuple, list[bool]]
    key: Key

    def get_compiler(self, using=None, connection=None, elide_empty=True) -> SQLCompiler:
        kept, statement, values, places = self.said
        compiler = copy.copy(kept)
        compiler.connection = connection or connections[using]
        key = prepared(self.key)
        said = (
            statement,
            tuple(key if is_key else value for value, is_key in zip(values, places, strict=True)),
        )
        compiler.as_sql = lambda *args, **options: said  # type: ignore[method-assign]
        return compiler


def prepared(key: Key) -> Any:
    """A key as the database's driver takes it."""
    if isinstance(key, uuid.UUID) and not connection.features.has_native_uuid_field:
        return key.hex
    return key
