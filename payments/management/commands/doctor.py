import json
import sys
from dataclasses import asdict

from django.core.management.base import BaseCommand
from django.db import DatabaseError

from payments.doctor import examine, keep
from payments.node.checks import UNKNOWN, WRONG

SIGNS = {"ok": "ok", "note": "note", "wrong": "WRONG", "unknown": "unknown"}


class Command(BaseCommand):
    help = "Look at node, own address, webhook and mail, and say what is wrong. Exit 1 when something is."
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("--json", action="store_true", help="One JSON object on stdout.")

    def handle(self, **options):
        findings = examine()
        try:
            keep(findings)  # health and admin say the same from now on
        except DatabaseError as error:
            self.stderr.write(f"The findings could not be kept: {type(error.__cause__ or error).__name__}.")
        ok = not any(finding.level in (WRONG, UNKNOWN) for finding in findings)
        if options["json"]:
            self.stdout.write(json.dumps({"ok": ok, "findings": [asdict(finding) for finding in findings]}))
        else:
            for finding in findings:
                self.stdout.write(f"{SIGNS[finding.level]:8} {finding.check:12} {finding.says}")
        if not ok:
            sys.exit(1)
