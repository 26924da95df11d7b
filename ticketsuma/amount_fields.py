"""Form fields for amounts, typed in whole units and kept in minor units, and for rates in percent."""

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

from .money import MAX_SATS, SAT, format_amount, in_major, minor_digits

_AMOUNT = re.compile(r"(-?[0-9]{1,40})(?:[.,]([0-9]{1,4}))?")


def in_minor(typed: Any, currency: str) -> int | None:
    """`"12.5", "USD"` → 1250; a comma will do as well. None of what is no amount, or too exact."""
    found = _AMOUNT.fullmatch(str("" if typed is None else typed).strip())
    digits = minor_digits(currency)
    if found is None or len(found[2] or "") > digits:
        return None
    return int(found[1] + (found[2] or "").ljust(digits, "0"))


class AmountField(forms.IntegerField):
    """An amount of `currency`, which may be said later (`use`); bounds and value are in minor units."""

    def __init__(self, *, currency: str = SAT, least: int = 0, css: str = "", **kwargs):
        self.least, self.css = least, css
        super().__init__(**{"widget": forms.NumberInput()} | kwargs)
        self.shown_in = currency
        self.use(currency)

    def use(self, currency: str) -> None:
        self.currency, digits = currency, minor_digits(currency)
        self.validators = [MaxValueValidator(MAX_SATS)]
        if self.least:
            says = _("At least %(price)s.") % {"price": format_amount(self.least, currency)}
            self.validators.append(MinValueValidator(self.least, says))
        else:
            self.validators.append(MinValueValidator(0))
        bounds = {"min": str(in_major(self.least, currency)), "step": str(in_major(1, currency))}
        self.widget.attrs |= {"inputmode": "decimal" if digits else "numeric", **bounds}
        if self.css:
            self.widget.attrs["class"] = self.css

    def to_python(self, value: Any) -> int | None:
        if value in self.empty_values:
            return None
        amount = in_minor(value, self.currency)
        if amount is None:
            says = _("An amount in %(currency)s has at most %(digits)s digits behind the point.")
            facts = {"currency": self.currency, "digits": minor_digits(self.currency)}
            raise ValidationError(says, code="invalid", params=facts)
        return amount

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether another number stands there than was shown, in whatever currency it is by now."""
        typed = None if data in self.empty_values else in_minor(data, self.shown_in)
        return typed != initial

    def prepare_value(self, value: Any) -> Any:
        return str(in_major(value, self.currency)) if isinstance(value, int) else value


class PercentField(forms.DecimalField):
    """A rate that is typed in percent, with a comma or a point, and kept in basis points (1/100 %)."""

    def __init__(self, **kwargs):
        super().__init__(min_value=0, max_value=100, decimal_places=2, **kwargs)

    def to_python(self, value: Any) -> Any:
        return super().to_python(value.replace(",", ".") if isinstance(value, str) else value)

    def clean(self, value: Any) -> Any:
        percent = super().clean(value)
        return None if percent is None else int(percent * 100)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(None if initial is None else Decimal(initial) / 100, data)

    def prepare_value(self, value: Any) -> Any:
        return f"{Decimal(value) / 100:f}" if isinstance(value, int) else value


def tell_currency(fields: Iterable[forms.Field], currency: str, *, is_shown: bool = True) -> None:
    """Amounts among `fields` are of `currency`; unless `is_shown`, the page showed them in that of before."""
    for field in fields:
        if isinstance(field, AmountField):
            field.use(currency)
            if is_shown:
                field.shown_in = currency
