"""Accounts: signing up, proving a mailbox, signing in, changing. Mails and addresses are allauth's.

Whether an address has an account is told to the owner of its mailbox and to nobody else.
"""

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from django.contrib.auth import authenticate
from django.contrib.auth.password_validation import validate_password
from django.contrib.messages import get_messages
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from ticketsuma.errors import DomainError

from . import limits
from .models import User, normalize_email
from .tokens import end_tokens


class WeakPassword(DomainError):
    code = "weak_password"
    status = 400
    field = "password"


class BadCredentials(DomainError):
    code = "invalid_credentials"
    sentence = _("E-mail address and password do not belong together, or the address is not verified yet.")
    status = 401


class WrongPassword(DomainError):
    code = "wrong_password"
    sentence = _("That is not your current password.")
    status = 400
    field = "current_password"


class BadKey(DomainError):
    code = "invalid_key"
    sentence = _("This key is not valid, or no longer. Sign up again to get a new one.")
    status = 400
    field = "key"


def sign_up(*, request: HttpRequest, email: str, password: str, name: str = "") -> None:
    """Mail `email` a link that verifies it, or the news that it already has an account.

    Nobody but the mailbox's owner sees a difference. Signing up again before verifying starts anew:
    earlier links, and the earlier password, are worth nothing. Raises WeakPassword, TooMany.
    """
    email = normalize_email(email)
    check_password_strength(password, User(email=email, name=name))
    limits.spend("MAIL_PER_EMAIL", email)
    if EmailAddress.objects.filter(email=email, verified=True).exists():
        User().set_password(password)  # takes as long as the other way
        get_adapter(request).send_account_already_exists_mail(email)
        return
    try:
        with transaction.atomic():
            forget_unproven(email)
            user = User.objects.create_user(email, password, name=name)
            address = EmailAddress.objects.create(user=user, email=email, primary=True)
    except IntegrityError:
        return  # two at once: the other one's mail is on its way
    EmailConfirmationHMAC(address).send(request, signup=True)


def verify_email(*, request: HttpRequest, key: str) -> User:
    """The mailbox that got `key` is proven; a changed address now counts. Raises BadKey."""
    confirmation = EmailConfirmationHMAC.from_key(key)
    try:
        with transaction.atomic():
            address = confirmation and confirmation.confirm(request)
    except IntegrityError:
        address = None  # somebody else has that address by now
    list(get_messages(request))  # allauth's words for pages; nobody would ever read them here
    if not address:
        raise BadKey
    return User.objects.get(pk=address.user_id)


def sign_in(*, request: HttpRequest, email: str, password: str) -> User:
    """The active user with this password and a verified address; raises BadCredentials or TooMany.

    Guessing is counted by network, by pair and by account; who has signed in from here before
    is not locked out by others' guesses at the account.
    """
    email, ip = normalize_email(email), limits.client_ip(request)
    count_sign_in(email, ip)
    user = authenticate(request, email=email, password=password)
    if user is None or not user.has_verified_email:
        raise BadCredentials
    remember_sign_in(email, ip)
    return user


def count_sign_in(email: str, ip: str) -> None:
    """Count one password tried, on a page or in the API; raises TooMany."""
    limits.spend("LOGIN_PER_IP", ip)
    limits.spend("LOGIN_PER_EMAIL_AND_IP", email, ip)
    if not limits.is_known(email, ip):
        limits.spend("LOGIN_PER_EMAIL", email)


def remember_sign_in(email: str, ip: str) -> None:
    """The password was right: earlier slips from here are forgotten, and others' guesses lock nobody out."""
    limits.forgive("LOGIN_PER_EMAIL_AND_IP", email, ip)
    limits.remember(email, ip)


def forget_unproven(email: str, *, keep: int | None = None) -> bool:
    """Nobody but user `keep` claims `email` unproven any more; True when nobody has proven it either."""
    claims = User.objects.filter(email=email).exclude(pk=keep)
    claims.exclude(emailaddress__verified=True).delete()
    addresses = EmailAddress.objects.filter(email=email).exclude(user=keep)
    addresses.filter(verified=False).delete()
    return not claims.exists() and not addresses.exists()


def change_password(*, user: User, current_password: str, password: str) -> None:
    """Set a new password and end every token. Raises WrongPassword, WeakPassword."""
    check_current_password(user, current_password)
    check_password_strength(password, user)
    user.set_password(password)
    user.save(update_fields=["password", "updated_at"])
    end_tokens(user)


def ask_for_new_email(*, request: HttpRequest, user: User, email: str) -> None:
    """Mail a link to `email`; until it is opened the old address stays. Says nothing of others' accounts."""
    email = normalize_email(email)
    if email == user.email:
        return
    limits.spend("MAIL_PER_EMAIL", email)
    if User.objects.filter(email=email).exists():
        get_adapter(request).send_account_already_exists_mail(email)
        return
    address = EmailAddress.objects.add_new_email(request, user, email, send_verification=False)
    EmailConfirmationHMAC(address).send(request)


def check_current_password(user: User, password: str) -> None:
    if not user.check_password(password):
        raise WrongPassword


def check_password_strength(password: str, user: User) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise WeakPassword(" ".join(error.messages)) from None
