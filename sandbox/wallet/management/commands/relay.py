"""The relay of Nostr Wallet Connect, and the wallet behind it."""

import asyncio

from django.conf import settings
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Serve the relay by which shops ask the wallet to pay (NIP-47), until it is stopped."
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("--nip04", action="store_true", help="A wallet that knows no NIP-44.")

    def handle(self, *args, nip04=False, **options):
        from wallet import relay

        port = int(settings.SANDBOX_RELAY.rpartition(":")[2])
        asyncio.run(
            relay.serve(
                host=settings.SANDBOX_HOST, port=port, wallet_url=settings.SANDBOX_URL, nip44=not nip04
            )
        )
