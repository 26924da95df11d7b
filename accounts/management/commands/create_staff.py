import getpass
import sys

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email

from accounts.history import by_command
from accounts.models import User, normalize_email
from accounts.staff import save_verified_user
from ticketsuma.addresses import InvisibleSign


class Command(BaseCommand):
    help = "Make or update a user who needs no confirmation mail. ADMIN_EMAILS says whether they are staff."
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("email")
        parser.add_argument("--name", default="")
        parser.add_argument(
            "--password-stdin", action="store_true", help="Read the password from standard input."
        )

    def handle(self, *, email, name, password_stdin, **options):
        try:
            email, name = normalize_email(email), name.strip()
            validate_email(email)
            User._meta.get_field("name").run_validators(name)
            password = self._read_password(password_stdin)
            validate_password(password, User(email=email, name=name))
        except InvisibleSign as error:
            raise CommandError(str(error.message)) from None
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        with by_command("create_staff"):
            user, is_new = save_verified_user(email=email, password=password, name=name)
        self.stdout.write(
            f"{user.email} {'was made' if is_new else 'was updated and signed out everywhere'}."
        )
        if email in settings.ADMIN_EMAILS:
            self.stdout.write("Staff: may use the admin.")
        else:
            self.stderr.write(f"NOT staff yet: add {email} to ADMIN_EMAILS and restart the shop.")

    def _read_password(self, from_stdin: bool) -> str:
        if from_stdin:
            return sys.stdin.readline().rstrip("\r\n")
        try:
            password = getpass.getpass("Password: ")
            again = getpass.getpass("Password (again): ")
        except (EOFError, KeyboardInterrupt):
            raise CommandError("No password was given; nothing changed.") from None
        if password != again:
            raise CommandError("The two passwords differ; nothing changed.")
        return password
