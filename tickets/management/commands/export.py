"""`manage.py export orders --first 2031-01-01 --last 2031-01-31 --zone Europe/Lisbon > orders.csv`"""

import sys
from datetime import date

from django.core.management.base import BaseCommand, CommandError

from events.models import Event
from tickets.reports.periods import EARLIEST, Period
from tickets.reports.scopes import Scope
from tickets.reports.tables import TABLES
from tickets.reports.writing import csv_text, write_xlsx
from ticketsuma.zoned_fields import time_zones, zone_or_utc


class Command(BaseCommand):
    help = "Write orders, tickets, check-ins, payments, refunds or receipts as CSV or XLSX."

    def add_arguments(self, parser):
        parser.add_argument("table", choices=[*TABLES])
        parser.add_argument("--first", type=date.fromisoformat, default=EARLIEST, help="first day")
        parser.add_argument("--last", type=date.fromisoformat, default=None, help="last day; today")
        parser.add_argument("--zone", default="UTC", help="time zone by whose clocks days are counted")
        parser.add_argument("--event", type=int, default=None, help="id of the only event")
        parser.add_argument("--columns", default="", help="names, separated by commas; all of them")
        parser.add_argument("--format", choices=["csv", "xlsx"], default="csv")
        parser.add_argument("--to", default="-", help="file; standard output")

    def handle(self, *args, **options):
        table = TABLES[options["table"]]
        if options["zone"] not in time_zones():
            raise CommandError(f"{options['zone']} is not a time zone.")
        zone = zone_or_utc(options["zone"])
        last = options["last"] or Period.of_days(1, zone).last
        if options["first"] > last:
            raise CommandError("The first day comes before the last.")
        wanted = [name for name in options["columns"].split(",") if name]
        known = [column.name for column in table.columns]
        if unknown := sorted({*wanted} - {*known}):
            raise CommandError(f"There is no column {', '.join(unknown)}; there are {', '.join(known)}.")
        event = None
        if options["event"] is not None:
            event = Event.objects.filter(pk=options["event"]).first()
            if event is None:
                raise CommandError(f"There is no event {options['event']}.")
        columns = [column for column in table.columns if not wanted or column.name in wanted]
        rows = table.rows(Scope(event=event), Period(options["first"], last, zone), columns)
        if options["to"] == "-":
            self._write(rows, options["format"], sys.stdout.buffer)
        else:
            with open(options["to"], "wb") as file:
                self._write(rows, options["format"], file)

    def _write(self, rows, kind: str, file) -> None:
        if kind == "xlsx":
            write_xlsx(rows, file)
            return
        for line in csv_text(rows):
            file.write(line.encode())
