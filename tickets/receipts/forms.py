"""Form of whom a receipt is made out to: plain text."""

from django import forms
from django.utils.translation import gettext_lazy as _

from tickets.forms.orders import DescribedForm
from ticketsuma.api.fields import CONTROL, has_control, without_direction_marks

from .models import MAX_ADDRESS, MAX_NAME, MAX_TAX_NUMBER


class PlainField(forms.CharField):
    """Text without control characters, besides `line_ends` where it may have several lines."""

    line_ends = ""

    def clean(self, value):
        text = super().clean(value).replace("\r\n", "\n").strip()
        if has_control(text, besides=self.line_ends):
            raise forms.ValidationError(CONTROL, code="control")
        return without_direction_marks(text)


class LinesField(PlainField):
    line_ends = "\n"
    widget = forms.Textarea(attrs={"rows": 4, "dir": "auto"})


class AddresseeForm(DescribedForm):
    name = PlainField(
        label=_("Company or name"), max_length=MAX_NAME,
        widget=forms.TextInput(attrs={"autocomplete": "organization", "dir": "auto"}),
    )  # fmt: skip
    address = LinesField(label=_("Address"), max_length=MAX_ADDRESS, required=False)
    tax_number = PlainField(label=_("Tax number"), max_length=MAX_TAX_NUMBER, required=False)
