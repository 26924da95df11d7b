"""Prices in the form of an event's page: those that its buyer types, and those that it showed."""

import re
from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _

from events.offers import Offer
from ticketsuma.amount_fields import AmountField

_NUMBER = re.compile(r"[0-9]{1,16}")


def own_price_field(offer: Offer) -> AmountField:
    """What a buyer pays for a seat where they say it themselves."""
    return AmountField(
        label=_("You pay, for one seat"), required=False, css="input", currency=offer.event.currency,
        least=offer.type.price, initial=offer.suggested,
    )  # fmt: skip


def as_shown(offers: Sequence[Offer]) -> str:
    """The prices on a page: id, price, percent and amount off of each type."""
    return ",".join(f"{o.type.pk}:{o.type.price}:{o.percent}:{o.off}" for o in offers)


def parsed(shown: str) -> list[list[int]]:
    parts = [part.split(":") for part in shown.split(",")]
    return [
        [int(number) for number in part]
        for part in parts
        if len(part) == 4 and all(map(_NUMBER.fullmatch, part))
    ]
