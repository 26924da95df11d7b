"""UMA addresses (UMAD-02): `$name@domain`, nothing else."""

import re

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from ticketsuma.addresses import InvisibleSign, normalize_address
from ticketsuma.errors import DomainError
from ticketsuma.mail_providers import COMMON_DOMAINS

_NAME = r"[a-z0-9._+-]{1,63}"
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
# The last label is letters, or letters of another script as DNS writes them (RFC 5890): `xn--p1ai`.
_DOMAIN = re.compile(rf"(?:{_LABEL}\.){{1,8}}(?:[a-z]{{2,63}}|xn--[a-z0-9-]{{0,57}}[a-z0-9])")
_ADDRESS = re.compile(rf"\$({_NAME})@(.{{1,253}})")
# The name before @ under which we pay refunds.
REFUNDS = "refunds"
_RESERVED = ("local", "internal", "localhost", "lan", "home", "onion", "test", "invalid", "arpa")


EMAIL_INSTEAD = _(
    "That is an e-mail address. Your wallet's address begins with $; without one you pay by QR code."
)


class InvalidUmaAddress(DomainError):
    """`suggestion` is the address that was meant, where only its $ is missing."""

    code = "invalid_uma_address"
    message = _("That is not a UMA address. It looks like $name@wallet.example.")
    status = 400
    field = "uma_address"
    suggestion = ""


class OwnAddress(InvalidUmaAddress):
    message = _("That is an address of this shop, which is paid at, not from. Yours is in your wallet.")


class DollarMissing(InvalidUmaAddress):
    def __init__(self, typed: str):
        super().__init__(_("A UMA address begins with $. Did you mean $%s?") % typed)
        self.suggestion = f"${typed}"


def normalize_uma_address(typed: str) -> str:
    """`typed` in its one spelling, if it is a UMA address we may talk to; else `InvalidUmaAddress`.

    Public host names only; an address with a port is let in when UMA_LOCAL_VASPS lists it.
    """
    text = _spelled(typed)
    if len(text) > 255:
        raise InvalidUmaAddress
    match = _ADDRESS.fullmatch(text) or _ADDRESS.fullmatch(f"${text}")
    if match and match[2] == settings.UMA_DOMAIN:
        raise OwnAddress
    if not match or not is_allowed_domain(match[2]):
        raise InvalidUmaAddress
    if text.startswith("$"):
        return text
    raise InvalidUmaAddress(EMAIL_INSTEAD) if match[2] in COMMON_DOMAINS else DollarMissing(text)


def normalize_payable_address(typed: str) -> str:
    """`typed` as a UMA address or a Lightning address `name@domain` (LUD-16); else `InvalidUmaAddress`."""
    text = _spelled(typed)
    if text.startswith("$"):
        return normalize_uma_address(text)
    return normalize_uma_address(f"${text}").removeprefix("$")


def _spelled(typed: str) -> str:
    if len(typed) > 1000:
        raise InvalidUmaAddress
    try:
        return normalize_address(typed)
    except InvisibleSign as error:
        raise InvalidUmaAddress(error.message) from None


def domain_of(address: str) -> str:
    """The VASP's host (and port, for a local one) of a normalized address."""
    return address.rpartition("@")[2]


def is_allowed_domain(domain: str) -> bool:
    """Whether `domain` is a public host name, or a local `host:port` that the settings list."""
    if domain in settings.UMA_LOCAL_VASPS:
        return True
    return bool(_DOMAIN.fullmatch(domain)) and domain.rpartition(".")[2] not in _RESERVED
