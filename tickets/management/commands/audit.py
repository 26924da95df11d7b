"""`manage.py audit`: seats, money, tickets and the node's list agree, or every violation is named."""

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from rich.console import Console
from rich.table import Table

from tickets.staff.alerts import Attention, needs_attention
from tickets.staff.audit import Violation, run_integrity_checks
from tickets.staff.books import Books, find_missing, read_books
from tickets.staff.currency_audit import totals, totals_that_differ
from tickets.staff.node_audit import MAX_PAYMENT, compare_with_node

# Money that arrived a moment ago may still be on its way into our books.
NODE_AGREES_WITHIN_SECONDS = 25


class Command(BaseCommand):
    help = "Check that seats, money, tickets and the node's own list agree. Exit 1 and a table when not."
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("--json", action="store_true", help="One JSON object on stdout.")
        parser.add_argument("--offline", action="store_true", help="Do not ask the node for its list.")
        parser.add_argument(
            "--recent", type=int, nargs="?", const=60, metavar="MINUTES",
            help="Check only what changed lately (60 minutes): quick, for every quarter of an hour.",
        )  # fmt: skip
        parser.add_argument("--since", help="Compare the node's list from this ISO time; default: 24 hours.")

    def handle(self, **options):
        recent = options["recent"] and timezone.now() - timedelta(minutes=options["recent"])
        earliest = recent - MAX_PAYMENT if recent else timezone.now() - timedelta(hours=24)
        since = self._read_time(options["since"]) or earliest
        broken = run_integrity_checks(recent or None)
        if not options["offline"]:
            broken += self._ask_node(since)
        attention = needs_attention()
        books = None if options["offline"] else self._read_books()
        broken += find_missing(books) if books else []
        sold = totals()
        broken += totals_that_differ(sold)
        if options["json"]:
            report = {
                "books": books and books.as_dict(),
                "sold": [asdict(total) for total in sold],
                "broken": [asdict(f) for f in broken],
                "needs_attention": [asdict(a) for a in attention],
            }
            self.stdout.write(json.dumps({"ok": not broken, **report}, cls=DjangoJSONEncoder))
        else:
            self._print(broken, attention)
            for total in sold:
                self.stdout.write(total.says)
            if books:
                self.stdout.write(books.says)
        if broken:
            sys.exit(1)

    def _read_time(self, text: str | None) -> datetime | None:
        if not text:
            return None
        try:
            moment = parse_datetime(text)
        except ValueError:
            moment = None
        if moment is None:
            raise CommandError(f"--since {text} is not an ISO time, such as 2026-01-31T12:00:00+00:00.")
        return moment if timezone.is_aware(moment) else timezone.make_aware(moment)

    def _ask_node(self, since: datetime) -> list[Violation]:
        deadline = time.monotonic() + NODE_AGREES_WITHIN_SECONDS
        while (violations := compare_with_node(since)) and time.monotonic() < deadline:
            time.sleep(1)
        return violations

    def _read_books(self) -> Books:
        """What moves while we read makes a difference of a moment."""
        deadline = time.monotonic() + NODE_AGREES_WITHIN_SECONDS
        while find_missing(books := read_books()) and time.monotonic() < deadline:
            time.sleep(1)
        return books

    def _print(self, broken: list[Violation], attention: list[Attention]) -> None:
        if broken:
            self._table(
                "Broken", ("check", "row", "what is wrong"), [(f.check, f.row, f.says) for f in broken]
            )
        if attention:
            rows = [
                (a.kind, str(a.count), f"{a.since:%F %H:%M}" if a.since else "", a.says) for a in attention
            ]
            columns = ("kind", "rows", "since (UTC)", "what")
            self._table("Needs attention (nothing is broken)", columns, rows)
        self.stdout.write(f"{len(broken)} broken." if broken else "Nothing is broken.")

    def _table(self, title: str, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
        table = Table(*columns, title=title, title_justify="left")
        for row in rows:
            table.add_row(*row)
        console = Console(width=None if self.stdout.isatty() else 120)
        with console.capture() as captured:
            console.print(table, markup=False)
        self.stdout.write(captured.get())
