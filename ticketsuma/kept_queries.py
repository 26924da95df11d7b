"""Hot statements whose SQL is built once: the ORM takes longer to word some than the database to run them.

With `DB_PREPARED_STATEMENTS` PostgreSQL keeps their plans as well, for as long as a connection lasts.
"""

import copy
import functools
import uuid
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, cast

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, NotSupportedError, connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import AutoField, Expression, Field, Model, QuerySet, UUIDField
from django.db.models.sql import Query, UpdateQuery
from django.db.models.sql.compiler import SQLCompiler

Condition = tuple[str, Sequence[Any]]  # of SQL: a boolean expression, and its parameters


class Slot(Expression):
    """A value that each call of a kept statement gives by this name, as a `field` takes it."""

    def __init__(self, name: str, field: Field):
        super().__init__(output_field=field)
        self.name = name

    def as_sql(self, compiler, connection):
        return "%s", [self]

    def taken_from(self, values: dict[str, Any], database: BaseDatabaseWrapper) -> Any:
        """The value as the database's driver takes it."""
        value = values[self.name]
        value = value.pk if isinstance(value, Model) else value
        return self.output_field.get_db_prep_save(value, database)


def _filled(parameters: Sequence[Any], values: dict[str, Any], database: BaseDatabaseWrapper) -> list[Any]:
    return [each.taken_from(values, database) if isinstance(each, Slot) else each for each in parameters]


def _prepared(database: BaseDatabaseWrapper, run: Callable[[], Any]) -> Any:
    """What `run` answers, whose statements come again and again: the driver has the server prepare them.

    A migration may change the type of a column beneath such a plan, which the server refuses from then on
    (`NotSupportedError`). The driver forgets its plans at a ROLLBACK: outside of a transaction it is asked
    again, and a transaction fails once.
    """
    if not settings.DB_PREPARED_STATEMENTS or database.vendor != "postgresql":
        return run()
    from django.db.backends.postgresql.base import ServerBindingCursor  # needs psycopg

    database.ensure_connection()
    driver, features = database.connection, cast(Any, database.features)
    ordinary, driver.cursor_factory = driver.cursor_factory, ServerBindingCursor
    features.uses_server_side_binding = True  # by which Django knows how to log it
    try:
        return run()
    except NotSupportedError:
        if database.in_atomic_block:
            raise
        with driver.transaction(force_rollback=True):
            pass
        return run()
    finally:
        driver.cursor_factory, features.uses_server_side_binding = ordinary, False


class KeptQuery:
    """Rows by a key, which a `field` takes: `kept(key)` is `list(make(key))`, all the models it selects
    included.

    `make` is called once in a process, so nothing else in it may change: no moments, no words of a request.
    """

    def __init__(self, make: Callable[[Any], QuerySet[Any, Any]], field: Field | None = None):
        self._make, self._slot = make, Slot("key", field or UUIDField())

    @cached_property
    def _rows(self) -> QuerySet[Any, Any]:
        rows = self._make(self._slot)
        compiler = rows.query.get_compiler(rows.db)
        statement, parameters = compiler.as_sql()
        converters = compiler.get_converters([each[0] for each in compiler.select[: compiler.col_count]])
        compiler.get_converters = lambda expressions: converters
        rows.query = rows.query.chain(_Said)
        rows.query.said = compiler, statement, parameters  # type: ignore[attr-defined]
        return rows

    def __call__(self, key: uuid.UUID | int | str) -> list[Any]:
        rows = self._rows.all()
        rows.query.given = {"key": key}  # type: ignore[attr-defined]
        return _prepared(connections[rows.db], lambda: list(rows))


class KeptValues:
    """Rows of values: `kept(**values)` is `list(make())`, as the database has them.

    `make` gives a `values_list` with a `Slot` in place of each value; it is called once in a process.
    """

    def __init__(self, make: Callable[[], QuerySet[Any, Any]]):
        self._make = make

    @cached_property
    def _said(self) -> tuple[str, tuple]:
        return self._make().query.sql_with_params()

    def __call__(self, **values: Any) -> list[tuple]:
        statement, said = self._said
        database = connections[DEFAULT_DB_ALIAS]
        return _executed(
            database, statement, _filled(said, values, database), lambda cursor: cursor.fetchall()
        )


class _Said(Query):
    """A query that says the same again, of another key."""

    said: tuple[SQLCompiler, str, tuple]
    given: dict[str, Any]

    def get_compiler(self, using=None, connection=None, elide_empty=True) -> SQLCompiler:
        kept, statement, parameters = self.said
        compiler = copy.copy(kept)
        compiler.connection = connection or connections[using]
        said = statement, tuple(_filled(parameters, self.given, compiler.connection))
        compiler.as_sql = lambda *args, **options: said  # type: ignore[method-assign]
        return compiler


class KeptUpdate:
    """An UPDATE of rows by conditions: `kept(**values)` does it and says how many rows it was.

    `make` gives the rows and their changes, with a `Slot` in place of each value; it is called once in a
    process. What the model's `update()` would add to the changes is for `make` to say. A `condition` narrows
    the rows of one call.
    """

    def __init__(self, make: Callable[[], tuple[QuerySet[Any, Any], dict[str, Any]]]):
        self._make = make

    @cached_property
    def _said(self) -> tuple[str, tuple]:
        rows, changes = self._make()
        query: Any = rows.query.chain(UpdateQuery)
        query.add_update_values(changes)
        return query.get_compiler(rows.db).as_sql()

    def __call__(self, condition: Condition | None = None, **values: Any) -> int:
        statement, said = self._said
        database = connections[DEFAULT_DB_ALIAS]
        parameters = _filled(said, values, database)
        if condition:
            statement = f"{statement} AND ({condition[0]})"
            parameters += condition[1]
        return _executed(database, statement, parameters, lambda cursor: cursor.rowcount)


def _executed(database: BaseDatabaseWrapper, statement: str, parameters: list, answer: Callable) -> Any:
    def run() -> Any:
        with transaction.mark_for_rollback_on_error(using=None), database.cursor() as cursor:
            cursor.execute(statement, parameters)
            return answer(cursor)

    return _prepared(database, run)


def insert(rows: Sequence[Model], *, ignore_conflicts: bool = False) -> None:
    """INSERT new `rows`, of one model, in one statement: `bulk_create` whose SQL is built once.

    Their values are plain ones, what a row refers to is saved already, and no signal is sent. Where conflicts
    are ignored, a key that the database counts is not told.
    """
    if not rows:
        return
    fields, statement = _insert(type(rows[0]), len(rows), ignore_conflicts)
    database = connections[DEFAULT_DB_ALIAS]
    given = [field.pre_save(row, True) for row in rows for field in fields]
    values = [
        None if value is None else field.get_db_prep_save(value, database)
        for field, value in zip(fields * len(rows), given, strict=True)
    ]
    has_keys = not ignore_conflicts and rows[0]._meta.pk not in fields
    keys: Sequence[tuple]
    keys = _executed(database, statement, values, lambda cursor: cursor.fetchall() if has_keys else ())
    for row, (pk,) in zip(rows, keys, strict=False):
        row.pk = pk
    for row in rows:
        row._state.adding, row._state.db = False, database.alias


@functools.lru_cache(maxsize=128)
def _insert(model: type[Model], count: int, ignore_conflicts: bool) -> tuple[list[Field], str]:
    """The columns that are given, all but a key that the database counts, and the statement."""
    meta, quote = model._meta, connection.ops.quote_name
    fields = [field for field in meta.concrete_fields if not isinstance(field, AutoField)]
    names = ", ".join(quote(str(field.column)) for field in fields)
    row = f"({', '.join(['%s'] * len(fields))})"
    statement = f"INSERT INTO {quote(meta.db_table)} ({names}) VALUES {', '.join([row] * count)}"  # noqa: S608, names of columns
    if ignore_conflicts:
        statement += " ON CONFLICT DO NOTHING"
    elif meta.pk not in fields:
        statement += f" RETURNING {quote(str(meta.pk.column))}"
    return fields, statement
