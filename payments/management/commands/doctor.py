import json
import sys
from dataclasses import asdict

from django.core.management.base import BaseCommand
from django.db import DatabaseError

from payments.doctor import examine, keep
from payments.doctor_advice import ADVICE
from payments.node.checks import OK, UNKNOWN, WRONG

SIGNS = {"ok": "ok", "note": "note", "wrong": "WRONG", "unknown": "unknown"}


class Command(BaseCommand):
    help = (
        "Look at everything outside the shop, and say what is wrong and what to do. Exit 1 when something is."
    )
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
            told = [asdict(finding) | {"advice": ADVICE[finding.check]} for finding in findings]
            self.stdout.write(json.dumps({"ok": ok, "findings": told}))
        else:
            for finding in findings:
                self.stdout.write(f"{SIGNS[finding.level]:8} {finding.check:16} {finding.says}")
                if finding.level != OK:
                    self.stdout.write(f"{'':25} -> {ADVICE[finding.check]}")
        if not ok:
            sys.exit(1)
