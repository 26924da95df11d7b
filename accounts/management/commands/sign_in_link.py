from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.models import User, normalize_email
from accounts.sign_in_links import GOOD_SECONDS, make_link
from ticketsuma.addresses import InvisibleSign


class Command(BaseCommand):
    help = "Print a link that signs one person in, once, within ten minutes; no limit is in its way."
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("email")

    def handle(self, *, email, **options):
        try:
            user = User.objects.filter(email=normalize_email(email)).first()
        except InvisibleSign as error:
            raise CommandError(str(error.message)) from None
        if user is None:
            raise CommandError("Nobody has that address. create_staff makes an account for it.")
        if not user.is_active:
            raise CommandError(
                "That account is shut out. Let it in again in the admin, or with create_staff."
            )
        self.stderr.write(f"Good once, for {GOOD_SECONDS // 60} minutes. Whoever has it is signed in.")
        self.stdout.write(settings.SITE_URL + make_link(user))
