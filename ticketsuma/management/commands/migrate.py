"""Django's `migrate`, warning of changes without a migration only where our `makemigrations` makes one."""

import time

from django.core.management import CommandError
from django.core.management.commands import migrate
from django.db import OperationalError, connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from ticketsuma.management.commands.makemigrations import Autodetector

FIRST = "0001_initial"
OURS = {"accounts", "events", "payments", "tickets"}
TRIES = 60  # a second apart
# Deadlock, and no lock within lock_timeout: what a migration has done is undone, or is passed over (GiveWay,
# AddIndexBesideSales in ticketsuma.migration_operations).
IN_THE_WAY = {"40P01", "55P03"}


class Command(migrate.Command):
    """Refuses a database from before v0.9.0: it has the first migrations by name, not what is in them.

    While the shop sells, a migration that meets the locks of a sale is undone and begun again.
    """

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
        return self._apply(args, options, tries_left=TRIES - 1)

    def _apply(self, args, options, tries_left: int):
        try:
            return super().handle(*args, **options)
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", "") not in IN_THE_WAY or not tries_left:
                raise
        begin_anew(connections[options["database"]])
        self.stderr.write("Sales were in the way of a migration, which is begun again.")
        time.sleep(1)
        return self._apply(args, options, tries_left - 1)


def begin_anew(connection) -> None:
    """Leave the transaction that a schema editor stays in when its deferred statements fail (Django 5.2)."""
    connection.close()
    connection.connect()


def _tables_of_first(app: str) -> set[str]:
    """What the app's first migration makes; what later ones add may not be there yet."""
    state = MigrationLoader(None).project_state((app, FIRST))
    return {model._meta.db_table for model in state.apps.get_app_config(app).get_models()}
