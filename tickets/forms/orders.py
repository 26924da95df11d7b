"""Forms of buyers."""

import uuid
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

from accounts.forms import PersonEmailField, PersonNameField
from accounts.models import User
from events.models import Event
from payments.uma.address import EMAIL_INSTEAD, InvalidUmaAddress, normalize_uma_address
from tickets.services.idempotency import request_hash
from tickets.services.personal_data import last_wallet
from ticketsuma.errors import DomainError

# What a form of the event's page says of that page, not of its buyer's wish.
AS_SHOWN = ("key", "price_sats", "refund_policy")


class DescribedForm(forms.Form):
    """A form whose fields name their help and their error to a screen reader."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if not isinstance(field.widget, forms.HiddenInput):
                field.widget.attrs.setdefault("class", "input")

    def full_clean(self) -> None:
        """Also puts the cursor into the first wrong field, so that nobody has to look for it."""
        super().full_clean()
        wrong = next((name for name in self.fields if name in self.errors), None)
        if wrong:
            self.fields[wrong].widget.attrs["autofocus"] = True

    def refuse(self, error: DomainError) -> None:
        """Show why the service refused, at the field it is about when it names one of ours."""
        field = getattr(error, "field", None)
        self.add_error(field if field in self.fields else None, str(error.message))


class UmaAddressInput(forms.TextInput):
    """With a button beside it, named `…_dollar`, that puts the $ before what is typed."""

    def value_from_datadict(self, data, files, name):
        typed = super().value_from_datadict(data, files, name)
        needs_dollar = typed and f"{name}_dollar" in data and not typed.strip().startswith("$")
        return f"${typed.strip()}" if needs_dollar else typed


class UmaAddressField(forms.CharField):
    """A UMA address as a person types it; its cleaned value is normalized.

    Where only its $ is missing, `suggestion` is the address with it, for a button.
    """

    suggestion = ""
    widget = UmaAddressInput(
        attrs={
            "placeholder": _("$you@wallet.com"),
            "autocapitalize": "none",
            "autocorrect": "off",
            "spellcheck": "false",
            "autocomplete": "on",  # no token is for wallets: browsers offer what was typed before
            "inputmode": "email",
        }
    )

    def __init__(self, **kwargs):
        super().__init__(max_length=255, **kwargs)

    def clean(self, value):
        typed = super().clean(value)
        if not typed:
            return ""
        try:
            return normalize_uma_address(typed)
        except InvalidUmaAddress as error:
            self.suggestion = error.suggestion
            raise forms.ValidationError(str(error.message), code=error.code)


class BuyForm(DescribedForm):
    """How many seats, which wallet, and, from guests, where to send the tickets."""

    quantity = forms.IntegerField(
        label=_("Seats"), initial=1, min_value=1, widget=forms.NumberInput(attrs={"inputmode": "numeric"})
    )
    uma_address = UmaAddressField(
        label=_("Your UMA address"),
        required=False,
        help_text=_("We send the payment request there, and refunds. Without one you pay by QR code."),
    )
    email = PersonEmailField(
        label=_("E-mail"),
        help_text=_("Your tickets go here as well."),
        elsewhere=_("Put it into the field “Your UMA address”."),
    )
    name = PersonNameField(label=_("Name"), required=False)
    # The same form sent twice is one order; with other fields it is another one.
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4, required=False)
    # What a seat cost on the page that was sent.
    price_sats = forms.IntegerField(widget=forms.HiddenInput, required=False)
    # And what was said there of giving it back.
    refund_policy = forms.CharField(widget=forms.HiddenInput, required=False, max_length=5)

    def __init__(self, *args, event: Event, user: User | None, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["price_sats"].initial = event.default_price
        self.fields["refund_policy"].initial = event.refund_policy
        most = event.most_seats
        quantity: Any = self.fields["quantity"]
        quantity.max_value = most
        quantity.validators = [
            MinValueValidator(1, _("At least one seat.")),
            MaxValueValidator(most, _("At most %(limit_value)s seats in one order.")),
        ]
        quantity.widget.attrs |= {"min": 1, "max": most, "class": ""}
        if event.is_free:
            del self.fields["uma_address"]
            email: Any = self.fields["email"]
            email.elsewhere = ""
        elif user:
            self.fields["uma_address"].initial = last_wallet(user)
        self.buyer_email = user.email if user else ""
        if user:
            del self.fields["email"], self.fields["name"]

    def clean(self) -> dict[str, Any]:
        """An e-mail address that was typed into both fields is no wallet's address without its $."""
        data = super().clean() or {}
        wallet: Any = self.fields.get("uma_address")
        if wallet and wallet.suggestion == f"${data.get('email') or self.buyer_email}":
            wallet.suggestion = ""
            del self.errors["uma_address"]
            self.add_error("uma_address", str(EMAIL_INSTEAD))
        return data

    @property
    def idempotency_key(self) -> str | None:
        key = self.cleaned_data.get("key")
        said = [[name, said] for name, said in self.cleaned_data.items() if name not in AS_SHOWN]
        return f"page:{key}:{request_hash(said)}" if key else None

    def show_price(self, event: Event) -> None:
        """Before it is shown again: it then carries the price and the policy that stand beside it."""
        shown = {"price_sats": event.default_price, "refund_policy": event.refund_policy}
        self.data = dict(self.data.items()) | shown


class UmaAddressForm(DescribedForm):
    uma_address = UmaAddressField(label=_("Your UMA address"))


class EmailForm(DescribedForm):
    email = PersonEmailField(label=_("E-mail"))


class FindForm(EmailForm):
    pass
