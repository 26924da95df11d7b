"""`manage.py forget`: erases the personal data of a guest, by e-mail address."""

from django.core.management.base import BaseCommand, CommandError

from accounts.history import by_command
from tickets.services.personal_data import forget_email
from ticketsuma.errors import DomainError


class Command(BaseCommand):
    help = "Forget whoever has an e-mail address: account and guest. Orders, money and tickets' links stay."
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("email", help="The mailbox of whoever asked to be forgotten.")

    def handle(self, **options):
        try:
            with by_command("forget"):
                count = forget_email(options["email"])
        except DomainError as refusal:
            raise CommandError(str(refusal.message)) from refusal
        if not count:
            raise CommandError("Nobody with this address has an account here or bought as a guest.")
        self.stdout.write(f"Forgotten, in {count} rows. What money still needs goes once it has arrived.")
