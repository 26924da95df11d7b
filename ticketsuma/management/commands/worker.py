from django.core.management.base import BaseCommand

from ticketsuma.jobs.worker import run_forever


class Command(BaseCommand):
    help = "Work off what is due (pushes, invoices, expiries, webhooks, mails, the node's list)."
    requires_system_checks = []

    def handle(self, **options):
        run_forever()
