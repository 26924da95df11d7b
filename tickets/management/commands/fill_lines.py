"""`manage.py fill_lines`: ticket types and order lines for what the version before 0.10 sold."""

from django.core.management.base import BaseCommand

from tickets.services.lines import fill_some_lines, fill_types, recount


class Command(BaseCommand):
    help = "Once the version before ticket types no longer runs: fill in the lines of the orders it sold."
    requires_system_checks = []

    def handle(self, **options):
        events, orders = fill_types(), 0
        while count := fill_some_lines():
            orders += count
            if options["verbosity"] > 1:
                self.stdout.write(f"{orders} orders")
        counts = recount()
        self.stdout.write(f"{orders} orders have their lines now, {events} events their first ticket type.")
        self.stdout.write(f"{counts} counts of types and codes were mended.")
