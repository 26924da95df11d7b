"""Forms of buyers."""

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.forms import PersonEmailField
from payments.uma.address import InvalidUmaAddress, normalize_uma_address
from ticketsuma.errors import DomainError


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


class UmaAddressForm(DescribedForm):
    uma_address = UmaAddressField(label=_("Your UMA address"))


class EmailForm(DescribedForm):
    email = PersonEmailField(label=_("E-mail"))


class FindForm(EmailForm):
    pass
