"""Account services: sign-up, e-mail confirmation, sign-in, changes. allauth keeps addresses and mails.

Whether an address has an account is told to the owner of its mailbox and to nobody else.
"""

from allauth.account import signals
from allauth.account.adapter import get_adapter
from allauth.account.forms import default_token_generator
from allauth.account.internal.flows.password_reset import request_password_reset
from allauth.account.internal.flows.signup import send_unknown_account_mail
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.account.utils import url_str_to_user_pk
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.contrib.messages import get_messages
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ticketsuma.errors import DomainError

from . import rate_limits, second_factor
from .authentication import end_tokens
from .devices import device_of
from .models import User, normalize_email


class WeakPassword(DomainError):
    code = "weak_password"
    status = 400
    field = "password"


class BadCredentials(DomainError):
    code = "invalid_credentials"
    message = _("E-mail address and password do not belong together, or the address is not verified yet.")
    status = 401


class OtpRequired(DomainError):
    code = "otp_required"
    message = _("This account has a second factor: send the code of its app, or a recovery code, as otp.")
    status = 401
    field = "otp"


class WrongOtp(DomainError):
    code = "wrong_otp"
    message = _("That is not the code of this account's app, nor a recovery code of it; or it was used.")
    status = 401
    field = "otp"


class WrongPassword(DomainError):
    code = "wrong_password"
    message = _("That is not your current password.")
    status = 400
    field = "current_password"


class BadKey(DomainError):
    code = "invalid_key"
    message = _("This key is not valid, or no longer. Please ask for a new one.")
    status = 400
    field = "key"


def sign_up(*, request: HttpRequest, email: str, password: str, name: str = "") -> None:
    """Mail `email` a link that verifies it, or the news that it already has an account.

    Nobody but the mailbox's owner sees a difference. Signing up again before verifying starts anew:
    earlier links, and the earlier password, are worth nothing. Raises WeakPassword, RateLimited.
    """
    email = normalize_email(email)
    check_password_strength(password, User(email=email, name=name))
    count_mail(request, email)
    hashed = make_password(password)  # both ways take as long, and no transaction waits for it
    if EmailAddress.objects.filter(email=email, verified=True).exists():
        get_adapter(request).send_account_already_exists_mail(email)
        return
    try:
        with transaction.atomic():
            forget_unproven(email)
            user = User.objects.create(email=email, password=hashed, name=name)
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


def check_password_of_link(
    *, request: HttpRequest, confirmation: EmailConfirmationHMAC, password: str
) -> None:
    """Whoever opens a mailed link must know the account's password: else a stranger, who made the account
    in their name, would have it proven by them. Raises WrongPassword, RateLimited.
    """
    user = confirmation.email_address.user
    count_sign_in(request, user.email)
    if not user.check_password(password):
        raise WrongPassword


def verify_again(*, request: HttpRequest, email: str) -> None:
    """Mail `email` a new link that verifies it, or what there is to know about it. Raises RateLimited."""
    email = normalize_email(email)
    count_mail(request, email)
    address = EmailAddress.objects.filter(email=email, user__email=email).first()
    if address is None:
        send_unknown_account_mail(request, email)
    elif address.verified:
        get_adapter(request).send_account_already_exists_mail(email)
    else:
        EmailConfirmationHMAC(address).send(request, signup=True)


def sign_in(*, request: HttpRequest, email: str, password: str, otp: str = "") -> tuple[User, bool]:
    """The active user with this password and a verified address, and whether they gave a second factor.

    Who has one needs it. Raises BadCredentials, OtpRequired, WrongOtp or RateLimited.
    Guessing is counted by network, by pair and by account; who has signed in from here or in this browser
    before is not locked out by others' guesses at the account.
    """
    email = normalize_email(email)
    count_sign_in(request, email)
    # One backend, and so one hash: asking all of them hashes a wrong password once more for each.
    user = ModelBackend().authenticate(request, email=email, password=password)
    if user is None or not user.has_verified_email:
        raise BadCredentials
    if has_factor := second_factor.has_factor(user):
        _check_otp(request, user, otp)
    remember_sign_in(request, email)
    return user, has_factor


def _check_otp(request: HttpRequest, user: User, otp: str) -> None:
    if not otp:
        raise OtpRequired
    factor = second_factor.check_code(request, user, otp)
    if factor is None:
        raise WrongOtp
    factor.record_usage()


def count_sign_in(request: HttpRequest, email: str) -> None:
    """Count one password tried, on a page or in the API; raises RateLimited.

    A browser in which they signed in before has a counter of its own: nobody else's tries count there.
    """
    ip = rate_limits.client_ip(request)
    if device := device_of(request, email):
        rate_limits.hit("LOGIN_PER_EMAIL_AND_IP", email, device)
        return
    rate_limits.hit("LOGIN_PER_IP", ip)
    rate_limits.hit("LOGIN_PER_EMAIL_AND_IP", email, ip)
    if not rate_limits.is_known(email, ip):
        rate_limits.hit("LOGIN_PER_EMAIL", email)


def remember_sign_in(request: HttpRequest, email: str) -> None:
    """The password was right: earlier slips from here are forgotten, and others' guesses lock nobody out."""
    ip = rate_limits.client_ip(request)
    rate_limits.reset("LOGIN_PER_EMAIL_AND_IP", email, device_of(request, email) or ip)
    rate_limits.remember(email, ip)


def forget_unproven(email: str, *, keep: int | None = None) -> bool:
    """Nobody but user `keep` claims `email` unproven any more; True when nobody has proven it either."""
    claims = User.objects.filter(email=email).exclude(pk=keep)  # type: ignore[misc]  # none has no key
    claims.exclude(emailaddress__verified=True).delete()
    addresses = EmailAddress.objects.filter(email=email).exclude(user=keep)
    addresses.filter(verified=False).delete()
    return not claims.exists() and not addresses.exists()


def change_password(*, user: User, current_password: str, password: str) -> None:
    """Set a new password and end every token. Raises WrongPassword, WeakPassword, RateLimited."""
    check_current_password(user, current_password)
    check_password_strength(password, user)
    user.set_password(password)
    user.save(update_fields=["password", "updated_at"])
    end_tokens(user)


def ask_for_reset(*, request: HttpRequest, email: str) -> None:
    """Mail `email` a link that sets a new password, or the news that it has no account. Raises RateLimited.

    A mailbox that an account merely wants to change to opens nothing: it may be a slip of the pen.
    """
    email = normalize_email(email)
    count_mail(request, email)
    users = User.objects.filter(email=email, is_active=True)
    request_password_reset(request, email, list(users), default_token_generator)


def reset_password(*, request: HttpRequest, key: str, password: str) -> None:
    """Set a new password with a mailed key, which also proves the mailbox; ends every token and session.

    A key is good once: of two at once the second gets BadKey. Raises BadKey, WeakPassword.
    """
    user_part, _dash, token = key.partition("-")
    try:
        user = User.objects.get(pk=url_str_to_user_pk(user_part), is_active=True)
    except (ValueError, OverflowError, User.DoesNotExist):
        raise BadKey from None
    if not default_token_generator.check_token(user, token):
        raise BadKey
    check_password_strength(password, user)
    mine = User.objects.filter(pk=user.pk, password=user.password)
    if not mine.update(password=make_password(password), updated_at=timezone.now()):
        raise BadKey
    user.refresh_from_db()
    address = EmailAddress.objects.filter(user=user, email=user.email, verified=False).first()
    if address:
        get_adapter(request).confirm_email(request, address)
    signals.password_reset.send(sender=User, request=request, user=user)
    get_adapter(request).send_notification_mail("account/email/password_reset", user)


def count_mail(request: HttpRequest, email: str) -> None:
    """Count a mail that this request asks us to send to `email`; raises RateLimited."""
    rate_limits.count_mail(email, rate_limits.client_ip(request), device_of(request, email))


def ask_for_new_email(*, request: HttpRequest, user: User, email: str) -> None:
    """Mail a link to `email`; until it is opened the old address stays. Says nothing of others' accounts."""
    email = normalize_email(email)
    if email == user.email:
        return
    count_mail(request, email)
    if User.objects.filter(email=email).exists():
        get_adapter(request).send_account_already_exists_mail(email)
        return
    address = EmailAddress.objects.add_new_email(request, user, email, send_verification=False)
    EmailConfirmationHMAC(address).send(request)


def check_current_password(user: User, password: str) -> None:
    """Raises WrongPassword; RateLimited after LOGIN_PER_EMAIL_AND_IP wrong ones of somebody signed in."""
    guess = ("LOGIN_PER_EMAIL_AND_IP", user.email, "signed in")
    rate_limits.hit(*guess)
    if not user.check_password(password):
        raise WrongPassword
    rate_limits.reset(*guess)


def check_password_strength(password: str, user: User) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise WeakPassword(" ".join(error.messages)) from None
