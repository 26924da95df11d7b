from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from accounts.staff import save_verified_user
from events.models import Event
from tickets.demo_data import SIGN_INS, demo_events, fill_catalogue
from tickets.services.orders import place_order

NEARLY_SOLD_OUT = "open-studio-ink"
SEVERAL_KINDS = "cook-along-noodles"
# Who already sits there; without an address nobody gets a mail.
GUESTS = (("Ana", 2), ("Caetano", 3), ("Dora", 1), ("Elis", 2))


class Command(BaseCommand):
    help = "Fill an empty shop with six demo events and two demo accounts; never where money is real."
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("--stream", metavar="URL", help="what the event that is live now shows")

    def handle(self, *, stream: str | None = None, **options):
        if settings.LIGHTSPARK_NETWORK == "MAINNET":
            raise CommandError("The demo accounts have public passwords: seed refuses on MAINNET.")
        try:
            self._fill_if_empty({"on_air": stream} if stream else {})
        except IntegrityError:
            self.stdout.write("Another seed was faster: nothing added.")
        self._print_sign_ins()

    @transaction.atomic  # a seed that was cut off leaves nothing behind
    def _fill_if_empty(self, streams: dict[str, str]) -> None:
        if Event.objects.exists():
            self.stdout.write("There are events already: nothing added.")
            return
        for email, password, name in SIGN_INS:
            save_verified_user(email=email, password=password, name=name)
        for event in demo_events(timezone.now(), **streams):
            event.full_clean()
            event.save(force_insert=True)
            self.stdout.write(f"Event {event.pk}: {event.title}")
        fill_catalogue(Event.objects.get(slug=SEVERAL_KINDS))
        event = Event.objects.get(slug=NEARLY_SOLD_OUT)
        for name, quantity in GUESTS:
            place_order(event=event, quantity=quantity, email="", name=name, key=f"seed:{name}")
        buyer = User.objects.get(email="buyer@example.com")
        place_order(
            event=event, quantity=2, email=buyer.email, name=buyer.name, buyer=buyer, key="seed:buyer"
        )

    def _print_sign_ins(self) -> None:
        for email, password, _name in SIGN_INS:
            user = User.objects.filter(email=email, is_active=True).first()
            if user and user.check_password(password):
                role = "staff" if user.is_staff else "buyer"
                self.stdout.write(f"Sign in as {role}: {email} / {password}")
