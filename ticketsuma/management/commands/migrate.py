"""Django's `migrate`, warning of changes without a migration only where our `makemigrations` makes one."""

from django.apps import apps
from django.core.management import CommandError
from django.core.management.commands import migrate
from django.db import connections
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
        begun = [model._meta for model in apps.get_models() if (model._meta.app_label, FIRST) in applied]
        if missing := sorted({one.app_label for one in begun if one.db_table not in tables} & OURS):
            raise CommandError(
                f"This database is older than v0.9.0 (tables of {', '.join(missing)} are not there):"
                " migrate it with v0.9.0 first, then with this version."
            )
        return super().handle(*args, **options)
