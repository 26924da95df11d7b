"""`manage.py connected_wallets reencrypt`: their links anew with the first key, after a rotation."""

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from payments.nwc.models import ConnectedWallet
from ticketsuma.encryption import Unreadable


class Command(BaseCommand):
    help = "Encrypt the links of connected wallets anew, with the first of SECOND_FACTOR_KEYS."
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("act", choices=["reencrypt"])

    def handle(self, **options):
        count = 0
        for pk in ConnectedWallet.objects.values_list("pk", flat=True):
            with transaction.atomic():
                wallet = ConnectedWallet.objects.select_for_update().filter(pk=pk).first()
                if wallet is None:
                    continue
                try:
                    wallet.encrypt_anew()
                except Unreadable:
                    raise CommandError("Put the former key back into SECOND_FACTOR_KEYS first.") from None
                wallet.save(update_fields=["encrypted_link"])
                count += 1
        self.stdout.write(f"{count} links are encrypted with the first key.")
