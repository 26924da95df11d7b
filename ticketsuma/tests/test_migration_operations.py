"""Operations of migrations that let sales go on: indexes beside writers, locks not waited for."""

import threading
import time

import psycopg
import pytest
from django.apps import apps
from django.db import OperationalError, connection
from django.db.migrations import CreateModel
from django.db.migrations.state import ProjectState
from django.db.models import CASCADE, BigAutoField, ForeignKey, Index

from tests.factories import EventFactory
from tests.processes import wait_until
from ticketsuma.direct_connection import connect_directly
from ticketsuma.management.commands.migrate import begin_anew
from ticketsuma.migration_operations import AddForeignKey, AddIndexBesideSales, GiveWay, IndexForeignKey

pytestmark = pytest.mark.django_db(transaction=True)
on_postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite has one writer at a time"
)
INDEX = Index(fields=["title"], name="events_event_of_a_test")
BUILD = AddIndexBesideSales("event", INDEX)
SELL = "LOCK TABLE events_event IN ROW EXCLUSIVE MODE"  # what every UPDATE takes


@pytest.fixture(autouse=True)
def former_indexes():
    before = index_names()
    yield
    with connection.cursor() as cursor:
        for name in index_names() - before:
            cursor.execute(f"DROP INDEX {name}")


@pytest.fixture
def seller():
    """Somebody in the midst of a sale of seats."""
    with connect_directly(connection) as line:
        line.execute(f"BEGIN; {SELL}")
        yield line


def apply(operation, *, atomic: bool = False) -> None:
    state = ProjectState.from_apps(apps)
    with connection.schema_editor(atomic=atomic) as editor:
        operation.database_forwards("events", editor, state, state)


def index_names() -> set[str]:
    with connection.cursor() as cursor:
        return set(connection.introspection.get_constraints(cursor, "events_event"))


def is_valid() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", [INDEX.name])
        return cursor.fetchone() == (True,)


def test_an_index_is_built_once_however_often_it_is_asked_for():
    apply(BUILD)
    apply(BUILD)
    assert INDEX.name in index_names()


@on_postgresql
def test_others_sell_while_an_index_is_built(seller):
    with connect_directly(connection) as other:
        building = threading.Thread(target=lambda: (apply(BUILD), connection.close()))
        building.start()
        wait_until(is_waiting, 10, "the builder waits for the seller")
        other.execute(f"SET lock_timeout = 1000; BEGIN; {SELL}; COMMIT")
    seller.execute("COMMIT")
    building.join(10)
    assert is_valid()


def is_waiting() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'CREATE%%'"
        )
        return bool(cursor.fetchall())


@on_postgresql
def test_an_index_that_was_left_half_built_is_built_anew():
    EventFactory()
    with connect_directly(connection) as line, pytest.raises(psycopg.errors.DivisionByZero):
        line.execute(f"CREATE INDEX CONCURRENTLY {INDEX.name} ON events_event ((1 / (capacity - capacity)))")
    assert not is_valid()
    apply(BUILD)
    assert is_valid()


@on_postgresql
def test_a_migration_that_meets_a_sale_gives_way(seller):
    class Alter(GiveWay):
        def database_forwards(self, app_label, schema_editor, from_state, to_state):
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            schema_editor.execute("ALTER TABLE events_event ADD COLUMN of_a_test int")

    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '3s'")
    started = time.monotonic()
    with pytest.raises(OperationalError, match="lock timeout"):
        apply(Alter(), atomic=True)
    with connection.cursor() as cursor:
        cursor.execute("RESET lock_timeout")
    assert time.monotonic() - started < 1, "longer, and PostgreSQL might end a sale for it"


@on_postgresql
def test_a_migration_whose_last_statements_met_a_sale_is_begun_anew(seller):
    """Those of keys are deferred: Django 5.2 does not leave the transaction when one of them fails."""

    def alter() -> None:
        with connection.schema_editor(atomic=True) as editor:
            editor.execute("SET LOCAL lock_timeout = '100ms'")
            editor.deferred_sql.append("ALTER TABLE events_event ADD COLUMN of_a_test int")

    with pytest.raises(OperationalError, match="lock timeout"):
        alter()
    try:
        begin_anew(connection)
        assert not connection.in_atomic_block
        assert index_names()
    finally:
        connection.close()
        connection.connect()


def test_a_foreign_keys_column_and_its_index_are_two_steps():
    """Elsewhere than on PostgreSQL the column brings its index along."""
    key = ForeignKey("events.event", on_delete=CASCADE)
    note = ProjectState.from_apps(apps)
    CreateModel("note", [("id", BigAutoField(primary_key=True))]).state_forwards("events", note)
    with_key = note.clone()
    add = AddForeignKey("note", "event", key)
    add.state_forwards("events", with_key)
    model = note.apps.get_model("events", "note")
    with connection.schema_editor() as editor:
        editor.create_model(model)
        add.database_forwards("events", editor, note, with_key)
    try:
        assert has_index_of_key() is (connection.vendor != "postgresql")
        with connection.schema_editor(atomic=False) as editor:
            IndexForeignKey("note", "event", "events_note_of_a_test").database_forwards(
                "events", editor, with_key, with_key
            )
        assert has_index_of_key()
    finally:
        with connection.schema_editor() as editor:
            editor.delete_model(model)


def has_index_of_key() -> bool:
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, "events_note").values()
    return any(one["index"] and one["columns"] == ["event_id"] for one in found)
