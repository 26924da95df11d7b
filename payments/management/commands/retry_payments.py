"""`manage.py retry_payments`: one pass of the worker by hand, over everything that is due."""

import json
import sys

from django.core.management.base import BaseCommand
from rich.console import Console
from rich.progress import Progress

from payments.models import Sweep
from payments.reconciliation import sweep_row
from ticketsuma.jobs.worker import run_once


class Command(BaseCommand):
    help = "One pass of the worker by hand: everything that is due, and the node's list of incoming payments."
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("--json", action="store_true", help="One JSON object per row on stdout.")

    def handle(self, **options):
        done = []
        bar = Progress(console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True)
        task = bar.add_task("due rows", total=None)

        def note(queue, row, error):
            line = {"queue": queue, "id": str(row.pk), "error": error}
            done.append(line)
            bar.update(task, advance=1, description=f"{queue}, {len(done)} rows")
            if options["json"]:
                self.stdout.write(json.dumps(line))
            else:
                self.stdout.write(f"{queue}: {row.pk} {'done' if error is None else error}")

        # The list is read now, not when it is due.
        sweep_row()
        Sweep.objects.filter(name=Sweep.INCOMING).update(**Sweep.scheduled())
        with bar:
            run_once(note)
        failed = sum(1 for line in done if line["error"])
        if not options["json"]:
            self.stdout.write(f"{len(done)} rows, {failed} to be tried again.")
        if failed:
            sys.exit(1)
