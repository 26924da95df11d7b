"""Currencies that events to come are priced in: the worker keeps their rates, and no others."""

from events.models import Event
from payments.rates.services import keep
from ticketsuma.money import SAT


def keep_rates() -> None:
    """Keep the rates of every event that is not over, also of one that is not sold yet; a periodic task."""
    priced = Event.objects.upcoming().exclude(currency=SAT).order_by()
    keep(priced.values_list("currency", flat=True).distinct())
