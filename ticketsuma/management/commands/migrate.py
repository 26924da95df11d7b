"""Django's `migrate`, warning of changes without a migration only where our `makemigrations` makes one."""

from django.core.management.commands import migrate

from ticketsuma.management.commands.makemigrations import Autodetector


class Command(migrate.Command):
    autodetector = Autodetector
