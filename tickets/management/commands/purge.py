"""`manage.py purge`: forgets the buyers of events long over, at once, or says of whom it would."""

from django.conf import settings
from django.core.management.base import BaseCommand

from tickets.services.retention import events_to_purge, purge


class Command(BaseCommand):
    help = "Forget the buyers of events that ended PERSONAL_DATA_DAYS ago, as the worker does. Amounts stay."
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("--dry-run", action="store_true", help="Say of which events, and change nothing.")

    def handle(self, **options):
        count = 0
        for event, orders in events_to_purge():
            count += orders
            self.stdout.write(f"{event.end_time:%F} {event.title}: {orders} orders")
        if options["dry_run"]:
            self.stdout.write(f"{count} orders would be forgotten ({settings.PERSONAL_DATA_DAYS} days).")
            return
        done = 0
        while some := purge():
            done += some
        self.stdout.write(f"{done} orders are forgotten. What money still needs goes once it has arrived.")
