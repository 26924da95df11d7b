from urllib.parse import urlsplit

from allauth.account.adapter import get_adapter
from allauth.core import context
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import decrypt, encrypt
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.http import HttpRequest

from accounts import sessions
from accounts.authentication import end_tokens
from accounts.history import by_command, record
from accounts.models import User, normalize_email
from accounts.second_factor_adapter import SecretUnreadable
from ticketsuma.addresses import InvisibleSign


class Command(BaseCommand):
    help = "Take a person's second factors away (reset), or encrypt all anew with the first key (reencrypt)."
    requires_system_checks = []

    def add_arguments(self, parser):
        acts = parser.add_subparsers(dest="act", required=True)
        reset = acts.add_parser("reset", help="Who lost theirs sets up a new one at the next sign-in.")
        reset.add_argument("email")
        acts.add_parser("reencrypt", help="After a new first key in SECOND_FACTOR_KEYS, before the old goes.")

    def handle(self, *, act, email=None, **options):
        if act == "reset":
            self._reset(email)
        else:
            self._reencrypt()

    def _reset(self, email: str) -> None:
        """Audited, told by mail, and everything that was signed in is signed out."""
        try:
            user = User.objects.filter(email=normalize_email(email)).first()
        except InvisibleSign as error:
            raise CommandError(str(error.message)) from None
        if user is None:
            raise CommandError("Nobody has that address.")
        with by_command("second_factor reset"), transaction.atomic():
            count, _rows = Authenticator.objects.filter(user=user).delete()
            if not count:
                raise CommandError(f"{user.email} has no second factor.")
            record("factor_reset", user)
            end_tokens(user)
            sessions.end_all(user)
        request = HttpRequest()  # allauth wants one to mail; our adapter makes links of SITE_URL all the same
        request.META = {"SERVER_NAME": urlsplit(settings.SITE_URL).hostname, "SERVER_PORT": "443"}
        with context.request_context(request):
            get_adapter().send_mail("mfa/email/factors_reset", user.email, {"user": user})
        self.stdout.write(f"{user.email} has no second factor any more and is signed out everywhere.")

    def _reencrypt(self) -> None:
        count = 0
        for pk in Authenticator.objects.exclude(type=Authenticator.Type.WEBAUTHN).values_list(
            "pk", flat=True
        ):
            with transaction.atomic():
                row = Authenticator.objects.select_for_update().filter(pk=pk).first()
                if row is None:
                    continue
                for name in {"secret", "seed"} & set(row.data):
                    try:
                        row.data[name] = encrypt(decrypt(row.data[name]))
                    except SecretUnreadable:
                        raise CommandError("Put the former key back into SECOND_FACTOR_KEYS first.") from None
                row.save(update_fields=["data"])
                count += 1
        self.stdout.write(f"{count} secrets are encrypted with the first key.")
