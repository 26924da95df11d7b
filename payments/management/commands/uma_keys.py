from django.conf import settings
from django.core.management.base import BaseCommand

from payments.uma.keys import new_key_pair


class Command(BaseCommand):
    help = "Makes new UMA signing and encryption keys and prints them as environment lines."
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("domain", nargs="?", default=settings.UMA_DOMAIN, help="Default: UMA_DOMAIN.")

    def handle(self, *args, **options):
        for purpose in ("signing", "encryption"):
            for name, value in new_key_pair(purpose, options["domain"]).items():
                self.stdout.write(f'{name}="{value}"')
