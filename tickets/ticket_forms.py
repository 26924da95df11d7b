"""What the holder of a ticket types."""

from django import forms
from django.utils.translation import gettext_lazy as _

from .forms import DescribedForm


class HolderForm(DescribedForm):
    holder_name = forms.CharField(
        label=_("Name on the ticket"),
        max_length=120,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
