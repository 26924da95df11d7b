"""Forms of second factors: allauth's, with our words and limits; each code counts, and is good once."""

from typing import Any

from allauth.core import context
from allauth.mfa.base import forms as code_forms
from allauth.mfa.models import Authenticator
from allauth.mfa.totp import forms as app_forms
from allauth.mfa.webauthn import forms as passkey_forms
from django import forms
from django.utils.translation import gettext_lazy as _

from ticketsuma.errors import DomainError

from . import rate_limits, second_factor
from .forms import StyledFormMixin

MAX_NAME, MAX_CODE, MAX_CREDENTIAL = 60, 40, 20_000


def wrong() -> forms.ValidationError:
    return forms.ValidationError(_("That is not right. Please try again."), code="incorrect_code")


class TypedCodeMixin(StyledFormMixin):
    """A code of digits, typed."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["code"].max_length = MAX_CODE
        self.fields["code"].widget.attrs |= {
            "class": "input text-center font-mono text-xl tracking-widest",
            "placeholder": "", "inputmode": "numeric", "spellcheck": "false", "maxlength": str(MAX_CODE),
        }  # fmt: skip


class CountedCodeMixin(TypedCodeMixin):
    user: Any
    authenticator: Authenticator

    cleaned_data: dict

    def clean_code(self) -> str:
        """The code of an app or a recovery code; raises RateLimited when too many were tried."""
        code = self.cleaned_data["code"]
        found = second_factor.check_code(context.request, self.user, code)
        if found is None:
            raise wrong()
        self.authenticator = found
        return code


class CodeForm(CountedCodeMixin, code_forms.AuthenticateForm):
    pass


class CodeAgainForm(CountedCodeMixin, code_forms.ReauthenticateForm):
    pass


class ActivateAppForm(TypedCodeMixin, app_forms.ActivateTOTPForm):
    def clean_code(self) -> str:
        code = super().clean_code()
        if not second_factor.use_code(self.user, code):
            raise wrong()
        return code


# -- passkeys ---------------------------------------------------------------------------------
class CredentialField(forms.JSONField):
    """What a browser's passkey said. What is too deep or long is none, also when shown again."""

    widget = forms.HiddenInput

    def to_python(self, value):
        try:
            return super().to_python(str(value or "")[:MAX_CREDENTIAL])
        except RecursionError:
            raise wrong() from None

    def bound_data(self, data, initial):
        return ""  # a challenge is good once: nobody sends the same again


class PasskeyMixin(StyledFormMixin):
    """What a browser made, or somebody who pretends to be one: whatever is wrong with it, it is refused."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["credential"] = CredentialField()

    def full_clean(self) -> None:
        try:
            super().full_clean()  # type: ignore[misc]  # a form is beside this class
        except DomainError:
            raise
        except Exception:  # noqa: BLE001, the library raises whatever odd JSON, CBOR or signatures cause
            self.cleaned_data: dict = {}
            self.add_error("credential", wrong())  # type: ignore[attr-defined]


class AddPasskeyForm(PasskeyMixin, passkey_forms.AddWebAuthnForm):
    name = forms.CharField(label=_("Name"), max_length=MAX_NAME, required=False)
    passwordless = forms.BooleanField(
        label=_("Sign in with it alone"),
        required=False,
        initial=True,
        help_text=_("Without password and code. Your device then asks for your finger, face or PIN."),
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["passwordless"].widget.attrs["class"] = "checkbox"

    def clean_name(self) -> str:
        return " ".join(self.cleaned_data["name"].split()) or str(_("Passkey"))


class RenamePasskeyForm(StyledFormMixin, passkey_forms.EditWebAuthnForm):
    name = forms.CharField(label=_("Name"), max_length=MAX_NAME)


class PasskeyForm(PasskeyMixin, passkey_forms.AuthenticateWebAuthnForm):
    pass


class PasskeyAgainForm(PasskeyMixin, passkey_forms.ReauthenticateWebAuthnForm):
    pass


class SignInByPasskeyForm(PasskeyMixin, passkey_forms.LoginWebAuthnForm):
    def clean_credential(self) -> Authenticator:
        """Nothing here can be guessed; the work is counted."""
        rate_limits.hit("LOGIN_PER_IP", rate_limits.client_ip(context.request))
        return super().clean_credential()
