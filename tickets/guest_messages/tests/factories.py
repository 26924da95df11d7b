"""Factories and acts for tests of messages to guests."""

import factory
from factory.django import DjangoModelFactory

from events.models import Event
from tests.acts import hold, pay
from tickets.guest_messages.audience import guests
from tickets.guest_messages.delivery import deliver
from tickets.guest_messages.models import Message, Translation
from tickets.models import Mail, Order


class MessageFactory(DjangoModelFactory):
    """A draft about the ticket, to everybody who has one, to be sent at once."""

    class Meta:
        model = Message

    subject = "Doors open at eight"
    text = "Come early."


class TranslationFactory(DjangoModelFactory):
    class Meta:
        model = Translation

    message = factory.SubFactory(MessageFactory)
    language = "es"
    subject = "Abrimos a las ocho"
    text = "Venid pronto."


def work_off() -> None:
    """Mail all copies that are written, whenever they are due."""
    for mail in Mail.objects.filter(kind=Mail.Kind.MESSAGE, status=Mail.Status.DUE).select_related(
        "order__event"
    ):
        deliver(mail)


def paid(event: Event, email: str, quantity: int = 1, **buyer) -> Order:
    order = hold(event, quantity, email=email, **buyer)
    if order.payment:
        pay(order)
    return order


def addresses(message: Message) -> list[str]:
    return sorted(guest.address for guest in guests(message))
