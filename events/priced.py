"""Prices of an event: its currency, the lowest price that is shown, and about what that comes to in sats."""

from typing import Any

from django.core.validators import MaxValueValidator
from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ticketsuma.errors import DomainError
from ticketsuma.money import MAX_SATS, SAT, in_major, validate_currency

# The columns of an event's lowest price.
PRICES = {"currency", "price", "price_sats"}


class CurrencyFixed(DomainError):
    code = "currency_fixed"
    message = _("Seats of this event were ordered already: its currency stays.")
    field = "currency"


CODES_HINDER = _(
    "It has promo codes that are worth money in the currency of now: delete them first, or make them percent."
)


class Priced(models.Model):
    """All prices of an event are in the minor units of its `currency`, which stays with its orders."""

    orders: Any
    promo_codes: Any
    objects: Any

    currency = models.CharField(
        _("currency"), max_length=3, default=SAT, db_default=SAT, validators=[validate_currency],
        help_text=_("Of all its prices. It stays once seats were ordered."),
    )  # fmt: skip
    price = models.PositiveBigIntegerField(
        _("price"), null=True, blank=True, editable=False, validators=[MaxValueValidator(MAX_SATS)],
        help_text=_("The lowest that is shown, in the currency's minor units; empty where that is sats."),
    )  # fmt: skip
    # In other currencies it is about what `price` comes to, which the worker keeps: lists sort by it.
    price_sats = models.PositiveBigIntegerField(
        _("price in sats"),
        validators=[MaxValueValidator(MAX_SATS)],
        help_text=_("One seat, in sats; 0 is free. Of several types: the lowest price that is shown."),
    )

    class Meta:
        abstract = True

    def in_history(self, name: str, value: Any) -> Any:
        """The price in another currency than sats, in its whole units."""
        return in_major(value, self.currency) if name == "price" and value is not None else value

    @property
    def lowest_price(self) -> int:
        """That is shown, in minor units of its currency."""
        return self.price_sats if self.price is None else self.price

    @property
    def is_free(self) -> bool:
        return self.lowest_price == 0

    def fit_price(self) -> None:
        """Put each price into its column; what one in another currency is worth in sats is reckoned later."""
        if self.currency == SAT:
            self.price_sats, self.price = self.lowest_price, None
        else:
            self.price = self.lowest_price
            self.price_sats = max(self.price_sats or 0, 1) if self.price else 0

    def currency_changes(self) -> bool:
        """Whether its row has another currency."""
        kept = type(self).objects.filter(pk=self.pk).values_list("currency", flat=True).first()
        return kept not in (None, self.currency)

    def check_currency(self) -> bool:
        """Whether it changes; raises CurrencyFixed. The row is locked, as by sales: one sees the other."""
        type(self).objects.select_for_update(no_key=True).filter(pk=self.pk).values("pk").first()
        changes = self.currency_changes()
        if changes and (hindrance := self.why_currency_stays()):
            raise CurrencyFixed(hindrance)
        return changes

    def why_currency_stays(self) -> str | Promise:
        """What has amounts in its currency that would be read as another one; empty when nothing has."""
        if self.orders.exists():
            return CurrencyFixed.message
        codes = self.promo_codes
        return CODES_HINDER if codes.filter(kind__in=codes.model.OF_MONEY).exists() else ""
