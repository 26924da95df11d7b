import json
import sys

from django.core.management.base import BaseCommand
from django.utils import timezone

from payments.models import Sweep
from ticketsuma.worker import run_once


class Command(BaseCommand):
    help = "One pass of the worker by hand: everything that is due, and the node's list of incoming payments."
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("--json", action="store_true", help="One JSON object per row on stdout.")

    def handle(self, **options):
        done = []

        def note(queue, row, error):
            line = {"queue": queue, "id": str(row.pk), "error": error}
            done.append(line)
            if options["json"]:
                self.stdout.write(json.dumps(line))
            else:
                self.stdout.write(f"{queue}: {row.pk} {'done' if error is None else error}")

        Sweep.objects.update(next_attempt_at=timezone.now())  # the list is read now, not when it is due
        run_once(note)
        failed = sum(1 for line in done if line["error"])
        if not options["json"]:
            self.stdout.write(f"{len(done)} rows, {failed} to be tried again.")
        if failed:
            sys.exit(1)
