"""About what prices in other currencies come to in sats, kept with their events for lists to sort by."""

from fractions import Fraction

from events.models import Event
from payments.quotes import shown_rate
from payments.rates.services import want
from ticketsuma.money import MSATS_PER_SAT, SAT

_MANY = 10**6  # minor units, so that the rounding up to a whole sat does not show


def follow_rates() -> None:
    """Reckon anew what events to come cost; a chore of the worker's, every minute. One UPDATE a currency."""
    coming = Event.objects.upcoming().exclude(currency=SAT).order_by()
    for currency in coming.values_list("currency", flat=True).distinct():
        _keep_worth(coming, currency)


def begin_to_follow(event: Event) -> None:
    """Have the worker read the rate of a currency that an event is priced in; its worth is kept if known."""
    if event.currency != SAT:
        want(event.currency)
        _keep_worth(Event.objects.filter(pk=event.pk), event.currency)


def _keep_worth(events, currency: str) -> None:
    rate = shown_rate(currency)
    if rate:
        events.keep_worth(currency, Fraction(rate.msats(_MANY), _MANY * MSATS_PER_SAT))
