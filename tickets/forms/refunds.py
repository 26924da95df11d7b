"""Forms for payments that have not become seats."""

from django import forms
from django.utils.translation import gettext_lazy as _

from payments.uma.address import normalize_payable_address
from ticketsuma.errors import DomainError

from .orders import DescribedForm

_VERBATIM = {"autocapitalize": "none", "autocorrect": "off", "spellcheck": "false", "autocomplete": "off"}


class RefundAddressForm(DescribedForm):
    """Where a refund shall go: any address that a wallet can be paid at."""

    uma_address = forms.CharField(
        label=_("Your wallet's address"),
        max_length=255,
        help_text=_("A UMA address, or a Lightning address such as you@wallet.com."),
        widget=forms.TextInput(
            attrs=_VERBATIM
            | {"autocomplete": "on", "placeholder": _("$you@wallet.com"), "inputmode": "email"}
        ),
    )

    def clean_uma_address(self) -> str:
        try:
            return normalize_payable_address(self.cleaned_data["uma_address"])
        except DomainError as error:
            raise forms.ValidationError(str(error.message), code=error.code) from error


class ClaimForm(DescribedForm):
    """Anything by which a payment can be found; whether it finds one is not said."""

    proof = forms.CharField(
        label=_("Proof of your payment"),
        max_length=2000,
        help_text=_(
            "From your wallet: the payment hash, the preimage, the invoice you paid (it begins with ln), "
            "or the UMA address you paid from."
        ),
        widget=forms.Textarea(attrs=_VERBATIM | {"rows": 3, "class": "textarea code"}),
    )
