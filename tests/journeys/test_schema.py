"""First migrations of the shop's apps: they make, column for column, the schema that v0.9.0 had."""

import sqlite3
import sys
from pathlib import Path

import psycopg
import pytest

from tests.processes import wait_until
from tests.schema import lines_of
from tests.stack import Stack

KEPT = Path(__file__).parent.parent / "schemas"
CHANGES = {
    "a column is longer": {"postgresql": "ALTER TABLE accounts_user ALTER COLUMN name TYPE varchar(121)"},
    "a column more": dict.fromkeys(("postgresql", "sqlite"), "ALTER TABLE accounts_user ADD nick varchar(9)"),
    "may be null": {"postgresql": "ALTER TABLE events_event ALTER COLUMN title DROP NOT NULL"},
    "no default": {"postgresql": "ALTER TABLE events_event ALTER COLUMN version DROP DEFAULT"},
    "no constraint": {"postgresql": "ALTER TABLE payments_refund DROP CONSTRAINT payments_refund_ordinal"},
    "no index": dict.fromkeys(("postgresql", "sqlite"), "DROP INDEX tickets_order_email"),
    "no trigger": {
        "postgresql": "DROP TRIGGER accounts_historyentry_stays ON accounts_historyentry",
        "sqlite": "DROP TRIGGER accounts_historyentry_stays",
    },
    "no function": {"postgresql": "DROP FUNCTION accounts_historyentry_stays"},
}


def run_sql(url: str, statement: str) -> None:
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    else:
        connection = psycopg.connect(url, autocommit=True)
    connection.execute(statement)
    connection.close()


@pytest.mark.parametrize("kind", ["postgresql", "sqlite"])
def test_first_migrations_make_the_schema_of_v0_9_0(kind, request, tmp_path):
    if kind == "sqlite":
        url = f"sqlite:///{tmp_path / 'schema.sqlite3'}"
    else:
        url = request.getfixturevalue("postgres").create_database("schema_of_first_migrations")
    # Those of the other apps come before it.
    Stack(tmp_path / "stack", url).manage("migrate", "tickets", "0001_initial", "--verbosity=0")
    made = lines_of(url)
    assert set(made) ^ set((KEPT / f"v0.9.0.{kind}.txt").read_text().splitlines()) == set()
    for what, statements in CHANGES.items():
        if kind in statements:
            run_sql(url, statements[kind])
            changed = lines_of(url)
            assert changed != made, what
            made = changed


def test_a_migration_that_meets_a_sale_is_begun_again(postgres, tmp_path):
    stack = Stack(tmp_path / "stack", postgres.create_database("migrated_beside_a_sale"))
    stack.manage("migrate", "tickets", "0003", "--verbosity=0")
    migrate = stack._process("migrate", [sys.executable, "manage.py", "migrate", "--verbosity=0"])
    with psycopg.connect(stack.database_url) as seller:
        seller.execute("LOCK TABLE tickets_order IN ROW EXCLUSIVE MODE")
        migrate.start()
        wait_until(lambda: "is begun again" in migrate.tail(), 30, "it gives way")
    assert migrate.child.wait(30) == 0, migrate.tail()
    assert "No planned migration operations." in stack.manage("migrate", "--plan").stdout
