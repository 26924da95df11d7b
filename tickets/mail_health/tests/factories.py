"""Factory of suppressed addresses."""

import factory
from factory.django import DjangoModelFactory

from tickets.mail_health.models import Suppressed
from tickets.mail_health.suppression import key_of


class SuppressedFactory(DjangoModelFactory):
    class Meta:
        model = Suppressed

    key = factory.Sequence(lambda number: key_of(f"gone{number}@example.com"))
    why = Suppressed.Why.BOUNCED
    said = "550 5.1.1 no such mailbox"
