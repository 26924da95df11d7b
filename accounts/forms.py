"""Forms of the account pages: allauth's, with our texts, widgets and limits."""

from allauth.account import forms as allauth_forms
from allauth.core import context
from django import forms
from django.core.validators import MaxLengthValidator
from django.db import IntegrityError, transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ticketsuma.addresses import InvisibleSign
from ticketsuma.api.fields import CONTROL, LINK, has_control, has_link, without_direction_marks

from . import rate_limits
from .models import User, normalize_email
from .serializers import MAX_PASSWORD
from .services import WrongPassword, ask_for_reset, check_current_password, count_mail, forget_unproven


class PersonEmailField(forms.EmailField):
    """An e-mail address; a UMA address typed here by mistake is recognized, and explained.

    `elsewhere` says where a UMA address belongs, when the form has a place for it.
    """

    widget = forms.EmailInput(attrs={"autocomplete": "email", "placeholder": _("you@example.com")})

    def __init__(self, *, elsewhere: str | Promise = "", **kwargs):
        self.elsewhere = elsewhere
        super().__init__(max_length=254, **kwargs)

    def clean(self, value):
        try:
            value = normalize_email(str(value or ""))
        except InvisibleSign as error:
            raise forms.ValidationError(str(error.message), code=error.code) from None
        if value.startswith("$"):
            words = _("That is a UMA address, the address of a wallet. Here we need an e-mail address.")
            raise forms.ValidationError(f"{words} {self.elsewhere}".strip(), code="uma_address")
        return super().clean(value)


class PersonNameField(forms.CharField):
    """How somebody wants to be called, on one line, that reads as it is written."""

    widget = forms.TextInput(attrs={"autocomplete": "name", "dir": "auto"})

    def __init__(self, **kwargs):
        super().__init__(max_length=120, **kwargs)

    def clean(self, value):
        name = " ".join(super().clean(value).split())
        if has_control(name):
            raise forms.ValidationError(CONTROL, code="control")
        if has_link(name):
            raise forms.ValidationError(LINK, code="link")
        return without_direction_marks(name)


class StyledFormMixin:
    """Puts our classes and words on the fields of an allauth form, and bounds passwords before hashing."""

    labels = {
        "password": _("Password"),
        "password1": _("Password"),
        "oldpassword": _("Current password"),
        "code": _("Code"),
    }

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields.pop("password2", None)  # the browser's manager types it; a reset mends a slip
        for name, field in self.fields.items():
            field.label = self.labels.get(name, field.label)
            field.widget.attrs["class"] = "input"
            if isinstance(field.widget, forms.PasswordInput):
                field.widget.attrs.pop("placeholder", None)
                field.validators.append(MaxLengthValidator(MAX_PASSWORD))
                field.help_text = _("At least 10 characters. A short sentence works well.")
                if name in ("password", "oldpassword"):
                    field.help_text = ""


class SignInForm(StyledFormMixin, allauth_forms.LoginForm):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["login"] = PersonEmailField(label=_("E-mail"))
        self.fields["login"].widget.attrs |= {"class": "input", "autocomplete": "username"}
        self.order_fields(["login", "password"])


class SignUpForm(StyledFormMixin, allauth_forms.SignupForm):
    field_order = ["email", "name", "password1"]
    email = PersonEmailField(label=_("E-mail"))
    name = PersonNameField(label=_("Name"), required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["email"].label = _("E-mail")

    def try_save(self, request):
        """A new account, or the same page for an address that has one (its owner gets a mail).

        Signing up again before verifying starts anew, with the newer password. Of two at once, the
        second is told what anybody is told whose address is taken.
        """
        email = self.cleaned_data["email"]
        rate_limits.hit("SIGN_UP_PER_IP", rate_limits.client_ip(request))
        count_mail(request, email)
        try:
            with transaction.atomic():
                if self.account_already_exists and forget_unproven(email):
                    self.account_already_exists = False
                if self.account_already_exists:
                    User().set_password(self.cleaned_data["password1"])  # takes as long as the other way
                else:
                    return self.save(request), None
        except IntegrityError:
            self.account_already_exists = True
        return super().try_save(request)


class SignInCodeForm(StyledFormMixin, allauth_forms.RequestLoginCodeForm):
    email = PersonEmailField(label=_("E-mail"))

    def clean_email(self):
        count_mail(context.request, self.cleaned_data["email"])
        return super().clean_email()


class ResetForm(StyledFormMixin, allauth_forms.ResetPasswordForm):
    email = PersonEmailField(label=_("E-mail"))

    def save(self, request, **kwargs):
        ask_for_reset(request=request, email=self.cleaned_data["email"])
        return self.cleaned_data["email"]


class NewEmailForm(StyledFormMixin, allauth_forms.AddEmailForm):
    email = PersonEmailField(label=_("New e-mail address"))

    def save(self, request):
        count_mail(request, self.cleaned_data["email"])
        return super().save(request)


class ChangePasswordForm(StyledFormMixin, allauth_forms.ChangePasswordForm):
    labels = StyledFormMixin.labels | {"password1": _("New password")}

    def clean_oldpassword(self):
        try:
            check_current_password(self.user, self.cleaned_data["oldpassword"])
        except WrongPassword as error:
            raise forms.ValidationError(str(error.message), code=error.code) from None
        return self.cleaned_data["oldpassword"]


class SetPasswordForm(StyledFormMixin, allauth_forms.SetPasswordForm):
    labels = StyledFormMixin.labels | {"password1": _("New password")}


class ResetPasswordForm(StyledFormMixin, allauth_forms.ResetPasswordKeyForm):
    labels = StyledFormMixin.labels | {"password1": _("New password")}


class PasswordAgainForm(StyledFormMixin, allauth_forms.ReauthenticateForm):
    pass


class StyledCodeFormMixin(StyledFormMixin):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["code"].max_length = 40
        self.fields["code"].widget.attrs |= {
            "class": "input text-center font-mono text-xl tracking-widest uppercase",
            "placeholder": "",
            "autocapitalize": "characters",
            "spellcheck": "false",
        }


class SignInByCodeForm(StyledCodeFormMixin, allauth_forms.ConfirmLoginCodeForm):
    pass


class VerifyEmailForm(StyledCodeFormMixin, allauth_forms.ConfirmEmailVerificationCodeForm):
    def clean_code(self):
        """The right code proves the mailbox, so whoever merely claimed it makes way."""
        allauth_forms.BaseConfirmCodeForm.clean_code(self)  # raises when the code is wrong
        if self.user:
            forget_unproven(self.email, keep=self.user.pk)
        return super().clean_code()


class LinkForm(StyledFormMixin, forms.Form):
    """The password of the account whose address a mailed link is to prove."""

    password = forms.CharField(
        label=_("Password"), widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )


class NameForm(StyledFormMixin, forms.Form):
    """What one may change about oneself without a proof."""

    name = PersonNameField(label=_("Name"), required=False)
