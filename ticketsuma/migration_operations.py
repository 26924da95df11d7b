"""Operations of migrations that let sales go on: who migrates waits, and who buys does not.

A migration that alters tables which are there already begins with `GiveWay()`. An index on such a table is
built by `AddIndexBesideSales` or, with the column of `AddForeignKey`, by `IndexForeignKey`, in a migration
that is not atomic and holds nothing else: begun again, it goes on where it ended.
"""

from typing import Any

import psycopg
from django.core.management import CommandError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import AddConstraint, AddField, AddIndex
from django.db.migrations.operations.base import Operation
from django.db.models import Index, Model

from ticketsuma.direct_connection import connect_directly

# Whoever buys waits behind a migration that waits. It gives up before PostgreSQL looks for deadlocks (1 s),
# so that no sale has to end for it.
LOCK_TIMEOUT = "500ms"


class GiveWay(Operation):
    """On PostgreSQL this migration fails when it does not have a lock soon; `migrate` begins it again."""

    reduces_to_sql = True
    reversible = True
    elidable = False

    def state_forwards(self, app_label, state) -> None:
        pass

    def database_forwards(self, app_label, schema_editor, from_state, to_state) -> None:
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")

    database_backwards = database_forwards

    def describe(self) -> str:
        return "Wait for no sale"


class AddIndexBesideSales(AddIndex):
    """AddIndex that, on PostgreSQL, builds beside whoever writes, and may be begun again after it failed.

    It goes past a pooler of transactions (DATABASE_DIRECT_URL), has no time limit, and waits until every
    transaction that began before it has ended.
    """

    atomic = False

    def database_forwards(self, app_label, schema_editor, from_state, to_state) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if schema_editor.connection.vendor == "postgresql":
            _build(schema_editor, model, self.index)
        elif not _has_index(schema_editor, model, self.index):
            super().database_forwards(app_label, schema_editor, from_state, to_state)


class AddConstraintBesideSales(AddConstraint):
    """AddConstraint of columns that the same migration adds: on PostgreSQL no row that is there is read.

    (`NOT VALID`: it is for rows that are written from now on. Those that are there have the defaults.)
    """

    def database_forwards(self, app_label, schema_editor, from_state, to_state) -> None:
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        model = to_state.apps.get_model(app_label, self.model_name)
        schema_editor.execute(f"{self.constraint.create_sql(model, schema_editor)} NOT VALID", params=None)


class IndexForeignKey(AddIndexBesideSales):
    """The index of a column that `AddForeignKey` added, under the name that Django gives it."""

    def __init__(self, model_name: str, field: str, name: str):
        super().__init__(model_name, Index(fields=[field], name=name))
        self.field, self.name = field, name

    def deconstruct(self) -> tuple[str, list, dict[str, Any]]:
        arguments = {"model_name": self.model_name, "field": self.field, "name": self.name}
        return type(self).__name__, [], arguments

    def state_forwards(self, app_label, state) -> None:
        pass  # it is the field's

    def database_forwards(self, app_label, schema_editor, from_state, to_state) -> None:
        if schema_editor.connection.vendor == "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label, schema_editor, from_state, to_state) -> None:
        pass  # it goes with the column


class AddForeignKey(AddField):
    """AddField of a foreign key; on PostgreSQL without its index, which `IndexForeignKey` builds later."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state) -> None:
        field = to_state.apps.get_model(app_label, self.model_name)._meta.get_field(self.name)
        field.db_index = schema_editor.connection.vendor != "postgresql"
        super().database_forwards(app_label, schema_editor, from_state, to_state)
        field.db_index = True


def _has_index(schema_editor, model: type[Model], index: Index) -> bool:
    with schema_editor.connection.cursor() as cursor:
        table = model._meta.db_table
        return index.name in schema_editor.connection.introspection.get_constraints(cursor, table)


def _build(schema_editor, model: type[Model], index: Index) -> None:
    """Build it unless it is there; one that an interrupted attempt left half-built is dropped first."""
    statement = str(index.create_sql(model, schema_editor, concurrently=True))
    if schema_editor.collect_sql:
        schema_editor.execute(statement)
        return
    name = schema_editor.quote_name(index.name)
    find = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)"
    with schema_editor.connection.wrap_database_errors, _unhurried(schema_editor.connection) as line:
        is_valid = line.execute(find, [name]).fetchone()
        if is_valid == (False,):
            line.execute(f"DROP INDEX CONCURRENTLY {name}")
        if is_valid != (True,):
            line.execute(statement)


def _unhurried(connection: BaseDatabaseWrapper) -> psycopg.Connection:
    try:
        return connect_directly(connection, options="-c statement_timeout=0 -c lock_timeout=0")
    except psycopg.OperationalError as error:
        says = "Indexes are built past any pooler: if there is one, set DATABASE_DIRECT_URL."
        raise CommandError(f"{says} {error}") from error
