"""Second factor: who needs one, whether a browser gave it, and how lately.

allauth keeps factors and asks for them; every proof in a browser is in its session, with its time.
"""

import time
from typing import Any
from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from ticketsuma.errors import DomainError

from . import rate_limits
from .devices import device_of
from .models import User
from .roles import Ability, may

PROOF_SECONDS = 600  # that long a proof is good for acts that move money
_KEPT = "second_factor_kept"
FACTORS = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]


class SecondFactorRequired(DomainError):
    code = "second_factor_required"
    message = _("Staff's acts take a token that was issued with a second factor: sign in with otp.")
    status = 403


def is_required_of(user: User) -> bool:
    """Whoever can move money or see guests must have one, unless the shop says it is optional."""
    if settings.STAFF_SECOND_FACTOR != "required":
        return False
    return may(user, Ability.MOVE_MONEY) or may(user, Ability.SEE_GUESTS)


def is_missing_from_token(user: Any) -> bool:
    """Whether `user` (or nobody) comes by an API token that is not enough for acts of staff."""
    return getattr(user, "by_token_alone", False) and is_required_of(user)


def has_factor(user: User) -> bool:
    return is_mfa_enabled(user, FACTORS)


# -- in a browser -----------------------------------------------------------------------------
def proven_at(request: HttpRequest) -> float:
    """When this browser last gave the signed-in user's second factor, in seconds since 1970; 0: never."""
    records = get_authentication_records(request, request.user)
    return max((record["at"] for record in records if record["method"] == "mfa"), default=0)


def way_in(request: HttpRequest) -> HttpResponse | None:
    """What a page of staff answers first: the way to a second factor; None when nothing is missing."""
    if not is_required_of(request.user) or proven_at(request):  # type: ignore[arg-type]  # signed in
        return None
    if has_factor(request.user):  # type: ignore[arg-type]
        return ask(request)
    return HttpResponseRedirect(f"{reverse('mfa_index')}?{urlencode({'next': request.get_full_path()})}")


def is_fresh(request: HttpRequest) -> bool:
    """Whether an act that moves money may be done: the factor was given lately, or there is none to give."""
    if proven_at(request) > time.time() - PROOF_SECONDS:
        return True
    user: User = request.user  # type: ignore[assignment]  # signed in
    return not is_required_of(user) and not has_factor(user)


def ask(request: HttpRequest, *, keep: dict[str, str] | None = None) -> HttpResponse:
    """To the page that asks for the factor, which leads back to this one, where `take_kept` has `keep`."""
    if keep:
        request.session[_KEPT] = {"path": request.path, "typed": keep}
    ways = get_adapter(request).get_reauthentication_methods(request.user)
    return HttpResponseRedirect(f"{ways[0]['url']}?{urlencode({'next': request.get_full_path()})}")


def take_kept(request: HttpRequest) -> dict[str, str] | None:
    """What was typed into the form of this page before the factor was asked for; once."""
    kept = request.session.get(_KEPT)
    if kept is None or kept["path"] != request.path:
        return None
    del request.session[_KEPT]
    return kept["typed"]


# -- codes ------------------------------------------------------------------------------------
def check_code(request: HttpRequest, user: User, code: str) -> Authenticator | None:
    """The app or recovery codes of `user` whose code it is, now used up; None when it is wrong.

    Counted by account, whatever the address, for codes are short; raises RateLimited. A browser in which the
    owner signed in before has a counter of its own, so that who knows the password cannot lock them out of
    it. The other counter is not set back by a right code: else its owner's codes would make guesses free.
    """
    device = device_of(request, user.email)
    rate_limits.hit("CODE_PER_ACCOUNT", str(user.pk), device or "elsewhere")
    for factor in Authenticator.objects.filter(user=user).exclude(type=Authenticator.Type.WEBAUTHN):
        if factor.wrap().validate_code(code):
            if factor.type == Authenticator.Type.TOTP and not use_code(user, code):
                return None
            if device:
                rate_limits.reset("CODE_PER_ACCOUNT", str(user.pk), device)
            factor.user = user  # allauth tells its receivers of this very one
            return factor
    return None


def use_code(user: User, code: str) -> bool:
    """Whether this code of an app is used for the first time, in all processes; it is good for 90 seconds."""
    return rate_limits.use_once(180, "totp", str(user.pk), "".join(code.split()))
