"""Form of a connected wallet."""

from django import forms
from django.utils.translation import gettext_lazy as _

from payments.nwc.link import MAX_LENGTH

from .orders import DescribedForm


class WalletLinkForm(DescribedForm):
    """What it holds may spend somebody's sats: it is never filled in again."""

    link = forms.CharField(
        label=_("Connection link of your wallet"),
        max_length=MAX_LENGTH,
        widget=forms.PasswordInput(
            attrs={
                "placeholder": "nostr+walletconnect://…",
                "autocomplete": "off",
                "autocapitalize": "none",
                "spellcheck": "false",
            }
        ),
    )
