"""Factories of rows for tests (factory-boy), one for each model; services make orders and users."""

from datetime import timedelta

import factory
from django.utils import timezone
from factory.django import DjangoModelFactory

from accounts.models import User
from accounts.staff import save_verified_user
from events.models import Event
from tickets.models import Order
from tickets.services.orders import place_order


class EventFactory(DjangoModelFactory):
    """An event that starts in a day."""

    class Meta:
        model = Event

    class Params:
        soon = factory.LazyFunction(lambda: timezone.now() + timedelta(days=1))

    title = "A talk"
    start_time = factory.SelfAttribute("soon")
    end_time = factory.LazyAttribute(lambda event: event.soon + timedelta(hours=2))
    capacity = 20
    price_sats = 2100
    stream_url = "https://stream.example/secret"


class EveningFactory(EventFactory):
    """An event with round numbers, in two days and with a title of its own; valid as a form of staff is."""

    class Params:
        soon = factory.LazyFunction(lambda: timezone.now() + timedelta(days=2))

    title = factory.Sequence("Evening {}".format)
    capacity = 10
    price_sats = 1_000
    stream_url = "https://meet.example.com/evening"

    @classmethod
    def _create(cls, model_class, **fields):
        event = model_class(**fields)
        event.full_clean()
        event.save(force_insert=True)
        return event


class OrderFactory(DjangoModelFactory):
    """Seats held by a guest, by the shop's service. No node answers here: the invoice stays requested."""

    class Meta:
        model = Order

    event = factory.SubFactory(EventFactory)
    quantity = 1
    email = "ann@example.com"

    @classmethod
    def _create(cls, model_class, **fields):
        return place_order(**fields)


class UserFactory(DjangoModelFactory):
    """Somebody whose address is confirmed."""

    class Meta:
        model = User

    email = factory.Sequence("buyer{}@example.com".format)
    password = "a long enough password"
    name = "Bo"

    @classmethod
    def _create(cls, model_class, **fields):
        return save_verified_user(**fields)[0]


class StaffFactory(UserFactory):
    """Staff: whose address is in ADMIN_EMAILS."""

    email = "staff@example.com"
    name = "Sam"
