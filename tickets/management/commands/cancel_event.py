"""`manage.py cancel_event`: an event ends and every sat of it goes back."""

import json

from django.core.management.base import BaseCommand, CommandError

from accounts.history import by_command
from events.models import Event
from tickets.services.refunds import cancel_event, preview_cancel
from ticketsuma.errors import DomainError


class Command(BaseCommand):
    help = "Cancel an event: the sale stops at once, the worker ends every order and refunds every sat."
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("event", type=int, help="The event's id.")
        parser.add_argument("--dry-run", action="store_true", help="Only say what would happen.")
        parser.add_argument("--json", action="store_true", help="Say it as JSON on stdout.")

    def handle(self, **options):
        event = Event.objects.filter(pk=options["event"]).first()
        if event is None:
            raise CommandError(f"There is no event {options['event']}.")
        preview = preview_cancel(event)
        if options["json"]:
            self.stdout.write(json.dumps({"event": event.pk, "dry_run": options["dry_run"], **vars(preview)}))
        else:
            balance = "unknown" if preview.balance_sats is None else f"{preview.balance_sats:,} sats"
            self.stdout.write(
                f"{event.title}: {preview.paid_orders} paid orders ({preview.refund_sats:,} sats to refund, "
                f"{preview.fees_sats:,} sats of fees at most, {preview.without_address} buyers without an "
                f"address), {preview.free_orders} free, {preview.pending_orders} unpaid. "
                f"The node can send: {balance}."
            )
        if options["dry_run"]:
            return
        try:
            with by_command("cancel_event"):
                cancel_event(event)
        except DomainError as refusal:
            raise CommandError(str(refusal.message)) from refusal
        if not options["json"]:
            self.stdout.write("Canceled. The worker ends the orders and refunds the sats now.")
