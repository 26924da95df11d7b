"""Django for the tests: the real settings, with secrets made for this run and a database of its own."""

import os
import shutil
import tempfile

import django
import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core.cache import caches
from django.core.management.commands import flush

from tests.environment import IN_MEMORY, due, fresh_secrets
from tests.stack import MIGRATED_SQLITE

# Processes of xdist inherit what the first process made, and pytest-django read it before this file.
IS_FIRST = "PYTEST_XDIST_WORKER" not in os.environ

if IS_FIRST:
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "ticketsuma.settings",
        "VAR_DIR": tempfile.mkdtemp(prefix="ticketsuma-tests-", dir=IN_MEMORY),
        "DEBUG": "1",  # plain static files; pytest-django turns the setting itself off
        "ALLOW_TEST_NETWORK": "1",
        "LOG_JSON": "1",  # the lines of production
        "PORT": "8080",
        "SITE_URL": "http://localhost:8080",
        "UMA_DOMAIN": "localhost:8080",
        "UMA_LOCAL_VASPS": "localhost:8081",
        "LIGHTSPARK_NETWORK": "REGTEST",
        # Nothing listens there: a unit test that reaches for the node gets a refused connection, at once.
        "LIGHTSPARK_BASE_URL": "http://127.0.0.1:9/graphql",
        "ADMIN_EMAILS": "staff@example.com",
        **fresh_secrets(),
    }
    if MIGRATED_SQLITE in os.environ:  # for --reuse-db: hundreds of mutants need not migrate one each
        migrated = os.environ[MIGRATED_SQLITE].removeprefix("sqlite:///")
        shutil.copy(migrated, f"{os.environ['VAR_DIR']}/test.sqlite3")
django.setup()
# The same hash, made cheap: hundreds of tests sign somebody in.
Argon2PasswordHasher.time_cost, Argon2PasswordHasher.memory_cost, Argon2PasswordHasher.parallelism = 1, 64, 1


_LARGEST = "SELECT max(pg_relation_size(oid)) FROM pg_class WHERE relkind = 'r' AND relname NOT LIKE 'pg_%'"


def _empty_tables(style, connection, **options) -> list[str]:
    """What empties the database after each test, but for Django's lists of models: they are always the same.

    Written anew after each test, they took half of the time of many. On PostgreSQL only tables with rows are
    emptied, and not by TRUNCATE, which makes new files for each table and index.
    """
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    tables = sorted({*tables} - {"django_content_type", "auth_permission"})
    if connection.vendor != "postgresql":
        return connection.ops.sql_flush(style, tables, **options)
    look = (f"SELECT '{name}' WHERE EXISTS (SELECT FROM {name})" for name in tables)
    with connection.cursor() as cursor:
        cursor.execute(_LARGEST)
        if cursor.fetchone()[0] > 500_000:  # bytes: what is deleted stays in the file, and in plans
            return connection.ops.sql_flush(style, tables, **options)
        cursor.execute(" UNION ALL ".join(look))
        found = [name for (name,) in cursor.fetchall()]
        cursor.execute("SELECT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal")
        guarded = {name for (name,) in cursor.fetchall()}  # they let nothing be deleted
    emptying = (f"{'TRUNCATE' if name in guarded else 'DELETE FROM'} {name}" for name in found)
    return sorted(emptying, reverse=True)  # TRUNCATE comes first


flush.sql_flush, flush.emit_post_migrate_signal = _empty_tables, lambda *args, **options: None


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="property tests in their long form, a million draws")


@pytest.fixture(autouse=True)
def no_kept_pages():
    """Ids begin anew with each test's rows, and with them the names of kept pages."""
    caches["pages"].clear()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    for item in items:
        if item.get_closest_marker("django_db") or {"db", "transactional_db"} & set(item.fixturenames):
            item.add_marker("database")
    if "SQLITE_UNITS" in os.environ:
        _leave_what_is_due(config, items)


def _leave_what_is_due(config, items) -> None:
    files = sorted({str(item.path) for item in items if item.get_closest_marker("database")})
    others = {*files} - {*due(files, "SQLITE_UNITS")}
    left_out = {item for item in items if item.get_closest_marker("database") and str(item.path) in others}
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=[*left_out])


def pytest_unconfigure(config):
    if IS_FIRST:
        shutil.rmtree(os.environ["VAR_DIR"], ignore_errors=True)
