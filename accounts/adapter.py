"""allauth's adapter: our limits instead of its per-process ones, our texts, our mails."""

from smtplib import SMTPException
from urllib.parse import urlsplit, urlunsplit

import structlog
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailConfirmationHMAC
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from ticketsuma.mail import ShopMail

from . import rate_limits
from .models import User, normalize_email
from .services import count_sign_in, forget_unproven, remember_sign_in

logger = structlog.get_logger(__name__)


class AccountAdapter(DefaultAccountAdapter):
    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": _("E-mail address and password do not belong together."),
        "incorrect_code": _("That is not the code we sent. Please look again."),
        "incorrect_password": _("That is not your current password."),
        "duplicate_email": _("That is your address already."),
        "email_taken": _("This address cannot be used for your account."),
        "too_many_login_attempts": _("That was tried too often. Please ask for a new code."),
        "invalid_password_reset": _("This link is not valid, or no longer."),
        "rate_limited": _("That was too often. Please wait a little and try again."),
    }

    def get_client_ip(self, request: HttpRequest) -> str:
        return rate_limits.client_ip(request)

    # -- signing in ---------------------------------------------------------------------------
    def pre_authenticate(self, request: HttpRequest, **credentials) -> None:
        """Count a password typed into a page like one sent to the API; raises RateLimited."""
        count_sign_in(request, normalize_email(credentials.get("email", "")))

    def authenticate(self, request: HttpRequest, **credentials) -> User | None:
        user = super().authenticate(request, **credentials)
        if user:
            remember_sign_in(request, user.email)
        return user

    def save_user(self, request, user, form, commit=True):
        user.name = form.cleaned_data.get("name", "")
        return super().save_user(request, user, form, commit)

    def clean_password(self, password, user=None):
        validate_password(password, user)
        return password

    def confirm_email(self, request, email_address) -> bool:
        """The mailbox is proven: who only claimed it makes way. False if somebody else proved it first."""
        try:
            with transaction.atomic():
                forget_unproven(email_address.email, keep=email_address.user_id)
                return super().confirm_email(request, email_address)
        except IntegrityError:
            return False

    def get_password_change_redirect_url(self, request) -> str:
        return reverse("account_page")

    def get_reauthentication_methods(self, user) -> list[dict]:
        """Who has a second factor shows that one: a password alone could have been guessed or found.

        A passkey comes first, for it takes one touch.
        """
        ways = super().get_reauthentication_methods(user)
        factors = [way for way in ways if way["id"] != "reauthenticate"]
        factors.sort(key=lambda way: way["id"] != "mfa_reauthenticate:webauthn")
        words = {
            "mfa_reauthenticate": _("Type a code instead"),
            "mfa_reauthenticate:webauthn": _("Use my passkey instead"),
        }
        return [way | {"description": words[way["id"]]} for way in factors] or ways

    # -- mails --------------------------------------------------------------------------------
    def send_confirmation_mail(self, request, emailconfirmation, signup: bool) -> None:
        """A code for whoever is on our pages; a link, with its key, for whoever asked through the API."""
        if not isinstance(emailconfirmation, EmailConfirmationHMAC):
            return super().send_confirmation_mail(request, emailconfirmation, signup)
        path = reverse("account_confirm_email", args=[emailconfirmation.key])
        said = {"activate_url": settings.SITE_URL + path, "key": emailconfirmation.key}
        kind = "email_confirmation_signup" if signup else "email_confirmation"
        return self.send_mail(f"account/email/{kind}", emailconfirmation.email_address.email, said)

    def send_mail(self, template_prefix: str, email: str, context: dict) -> None:
        """A mail server that refuses is logged, and looks to strangers like one that does not.

        Links lead to SITE_URL: allauth makes them of the Host header, whose port anybody can choose.
        """
        site = {"site_name": settings.SITE_NAME, "site_url": settings.SITE_URL}
        subject = render_to_string(f"{template_prefix}_subject.txt", site | context)
        site["subject"] = " ".join(subject.split())
        context = {name: _at_home(said) if name.endswith("_url") else said for name, said in context.items()}
        try:
            super().send_mail(template_prefix, email, site | context)
        except (SMTPException, OSError, ValueError) as error:  # ValueError: it cannot be built
            logger.warning("account_mail_failed", kind=template_prefix, error=type(error).__name__)

    def render_mail(self, template_prefix, email, context, headers=None):
        mail = super().render_mail(template_prefix, email, context, headers)
        return ShopMail(
            mail.subject, mail.body, mail.from_email, mail.to,
            headers=mail.extra_headers, alternatives=mail.alternatives,
        )  # fmt: skip


def _at_home(url: str) -> str:
    """The same path and query at the shop's own address."""
    return settings.SITE_URL + urlunsplit(urlsplit(url)._replace(scheme="", netloc=""))
