"""Django's `migrate`, warning of changes without a migration only where our `makemigrations` makes one."""

from django.core.management import CommandError
from django.core.management.commands import migrate
from django.db import connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from ticketsuma.management.commands.makemigrations import Autodetector

FIRST = "0001_initial"
OURS = {"accounts", "events", "payments", "tickets"}


class Command(migrate.Command):
    """Refuses a database from before v0.9.0: it has the first migrations by name, not what is in them."""

    autodetector = Autodetector

    def handle(self, *args, **options):
        connection = connections[options["database"]]
        applied = MigrationRecorder(connection).applied_migrations()
        tables = set(connection.introspection.table_names())
        begun = {app for app in OURS if (app, FIRST) in applied}
        if missing := sorted(app for app in begun if not _tables_of_first(app) <= tables):
            raise CommandError(
                f"This database is older than v0.9.0 (tables of {', '.join(missing)} are not there):"
                " migrate it with v0.9.0 first, then with this version."
            )
        return super().handle(*args, **options)


def _tables_of_first(app: str) -> set[str]:
    """What the app's first migration makes; what later ones add may not be there yet."""
    state = MigrationLoader(None).project_state((app, FIRST))
    return {model._meta.db_table for model in state.apps.get_app_config(app).get_models()}
