"""`makemigrations` and `migrate`: a text makes no migration, a column does; models keep their labels."""

import ast
from io import StringIO
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import translation

from events.models import Event
from tickets.models import Order

pytestmark = pytest.mark.django_db

MIGRATIONS = sorted(
    file
    for app in apps.get_app_configs()
    if Path(app.path).is_relative_to(settings.BASE_DIR) and ".venv" not in app.path
    for file in Path(app.path, "migrations").glob("0*.py")
)
TITLE = Event._meta.get_field("title")
STATUS = Order._meta.get_field("status")
TEXTS = {
    "help_text": (TITLE, "help_text", "Said in another way."),
    "verbose_name": (TITLE, "_verbose_name", "another name"),
    "labels of choices": (STATUS, "choices", [(value, f"{label}!") for value, label in STATUS.choices]),
    "name of the model": (
        Event._meta,
        "original_attrs",
        Event._meta.original_attrs | {"verbose_name": "show"},
    ),
}
COLUMNS = {
    "max_length": (TITLE, "max_length", 161),
    "null": (TITLE, "null", True),
    "another choice": (STATUS, "choices", [*STATUS.choices, ("lost", "Lost")]),
}


def is_migration_made() -> bool:
    try:
        call_command("makemigrations", check_changes=True, dry_run=True, stdout=StringIO())
    except SystemExit:
        return True
    return False


def does_migrate_warn() -> bool:
    said = StringIO()
    call_command("migrate", stdout=said)
    assert "No migrations to apply." in said.getvalue()
    return "not yet reflected in a migration" in said.getvalue()


def test_models_and_migrations_agree():
    assert (is_migration_made(), does_migrate_warn()) == (False, False)


@pytest.mark.parametrize(("part", "name", "value"), TEXTS.values(), ids=TEXTS)
def test_a_text_makes_no_migration(monkeypatch, part, name, value):
    monkeypatch.setattr(part, name, value)
    assert (is_migration_made(), does_migrate_warn()) == (False, False)


@pytest.mark.parametrize(("part", "name", "value"), COLUMNS.values(), ids=COLUMNS)
def test_what_a_column_may_hold_makes_one(monkeypatch, part, name, value):
    monkeypatch.setattr(part, name, value)
    assert (is_migration_made(), does_migrate_warn()) == (True, True)


def test_models_keep_their_labels():
    is_migration_made()
    with translation.override("en"):
        assert TITLE.verbose_name == "title"
        assert Event._meta.get_field("is_active").help_text == "Visible and on sale."
        assert (Event._meta.verbose_name_plural, str(dict(STATUS.choices)["paid"])) == ("events", "Paid")


@pytest.mark.parametrize("file", MIGRATIONS, ids=lambda file: str(file.relative_to(settings.BASE_DIR)))
def test_migration_files_have_no_labels(file):
    named = {node.arg for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.keyword)}
    options = {node.value for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Constant)}
    assert not {"verbose_name", "verbose_name_plural", "help_text"} & (named | options)


def test_a_database_from_before_v0_9_0_is_refused():
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE payments_checkup RENAME TO not_there_yet")
    with pytest.raises(CommandError, match=r"older than v0\.9\.0 .*payments"):
        call_command("migrate", verbosity=0)


def test_a_database_of_v0_9_0_lacks_what_came_later_and_is_not_refused():
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE events_organizer RENAME TO not_there_yet")
    call_command("migrate", "--plan", verbosity=0, stdout=StringIO())
