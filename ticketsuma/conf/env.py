"""Environment variables, parsed strictly: in production a wrong value stops the start with one sentence."""

import ipaddress
import re
import secrets
import unicodedata
from collections.abc import Callable
from datetime import datetime
from email.headerregistry import HeaderRegistry
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")
_KNOWN_DEFAULT = re.compile(r"insecure|change-?me|development-only|secret123|example", re.IGNORECASE)
_FEWEST_DIFFERENT_CHARACTERS = 5
_LEAST_OF_A_SECRET = 16


class Environment(environ.Env):
    """django-environ that names the variable it could not read, and never repeats what stood there.

    `problems` are what else is wrong, each the end of a sentence; `refuse` says them all at once.
    """

    def __init__(self) -> None:
        super().__init__()
        self.problems: list[str] = []

    def get_value(self, var, *args, **kwargs):
        return readable(var, lambda: super(Environment, self).get_value(var, *args, **kwargs))

    def secret(self, name: str, least: int) -> str:
        """The secret `name`; it must be long enough and no known default, and with DEBUG off be there."""
        value = self.str(name, "")
        if not value and self.bool("DEBUG", False):
            return secrets.token_urlsafe(48)  # of this process alone; ./run keeps one in var/dev.env
        self.demand(name, value, least)
        return value

    def demand(self, name: str, value: str, least: int = 1) -> None:
        """Note what is wrong with the value of `name`: a secret when it must have 16 characters or more."""
        if trouble := weakness(value, least):
            self.problems.append(f"{name} {trouble}")

    def pem(self, name: str) -> str:
        """A PEM text that an environment file may hold on one line, with \\n for line ends."""
        return self.str(name, "").replace("\\n", "\n")

    def addresses(self, name: str) -> frozenset[str]:
        """A list of e-mail addresses, spelled as accounts are: NFKC, trimmed, in lower case."""
        from ticketsuma.addresses import InvisibleSign, normalize_address

        try:
            given = [normalize_address(one) for one in self.list(name, default=[])]
        except InvisibleSign:
            self.problems.append(f"{name} holds an invisible sign")
            return frozenset()
        if any(not re.fullmatch(r"[^@\s]+@[^@\s]+", one) for one in given if one):
            self.problems.append(f"{name} holds something that is no e-mail address")
        return frozenset(one for one in given if one)

    def legal_text(self, name: str) -> tuple[str, str]:
        """Where the shop's own page, or another's, has a text of the law, and what ours says (Markdown).

        The value is an https:// address, or the path of a text file that is read at the start.
        """
        value = self.str(name, "").strip()
        if value.startswith("https://"):
            return value, ""
        if not value:
            return "", ""
        try:
            return f"/{name.lower()}", Path(value).read_text()
        except (OSError, ValueError):
            self.problems.append(f"{name} is neither an https:// address nor a text file that can be read")
        return "", ""

    def moment(self, name: str) -> datetime | None:
        """A time such as 2026-12-01T03:00:00Z, None when there is none; a time without a zone is refused."""
        text = self.str(name, "")
        if not text:
            return None
        moment = readable(name, lambda: datetime.fromisoformat(text))
        if moment.tzinfo is None:
            self.problems.append(f"{name} lacks its time zone, such as Z at the end")
        return moment


def readable(name: str, read: Callable[[], T]) -> T:  # type: ignore[return]  # `refuse` raises
    """What `read()` makes of the variable `name`; raises ImproperlyConfigured that names it."""
    try:
        return read()
    except ImproperlyConfigured as error:
        if name in str(error):
            raise
        refuse([f"{name} cannot be read"])
    except (ValueError, KeyError, TypeError, AttributeError):
        refuse([f"{name} cannot be read"])


def refuse(problems: list[str]) -> None:
    """Stop the start when there are problems: one sentence that names them all."""
    if problems:
        raise ImproperlyConfigured(f"Tickets by UMA does not start: {'; '.join(problems)}.") from None


def weakness(value: str, least: int) -> str:
    """Why `value` is no secret, as the end of a sentence; empty when it looks like one."""
    if not value:
        return "is missing"
    if len(value) < least:
        return f"is shorter than {least} characters"
    if least < _LEAST_OF_A_SECRET:
        return ""
    if _KNOWN_DEFAULT.search(value) or len(set(value)) < _FEWEST_DIFFERENT_CHARACTERS:
        return "is a known default or can be guessed"
    return ""


def development_problems(site_url: str, network: str) -> list[str]:
    """Why DEBUG=1 may not be: its weak walls are for this machine and play money."""
    host, problems = urlsplit(site_url).hostname or "", []
    if network == "MAINNET":
        problems.append("DEBUG=1 is for development, and LIGHTSPARK_NETWORK is MAINNET")
    if not _is_at_home(host):
        problems.append(f"DEBUG=1 is for development, and SITE_URL ({host}) is no address of this machine")
    return problems


def _is_at_home(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.endswith((".localhost", ".local", ".internal", ".test", ".lan"))
    return address.is_loopback or (address.is_private and not address.is_unspecified)


def sender_problems(site_name: str, sender: str) -> list[str]:
    """Why mails could not be sent in this name, from this address."""
    if any(unicodedata.category(sign) == "Cc" for sign in site_name) or not site_name.strip():
        return ["SITE_NAME must be one line of text"]
    try:
        header: Any = HeaderRegistry()("From", sender)
    except (ValueError, IndexError):
        return ["DEFAULT_FROM_EMAIL is no address that mails can come from"]
    addresses = header.addresses
    if header.defects or len(addresses) != 1 or not addresses[0].username or not addresses[0].domain:
        return ["DEFAULT_FROM_EMAIL is no address that mails can come from"]
    return []


def key_problems(name: str, private_key: str, cert_chain: str) -> list[str]:
    """What is wrong with the secp256k1 key (hex) `name`_PRIVATE_KEY and its `name`_CERT_CHAIN (PEM)."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

    given = {f"{name}_PRIVATE_KEY": private_key, f"{name}_CERT_CHAIN": cert_chain}
    if missing := [f"{variable} is missing" for variable, value in given.items() if not value]:
        return missing
    try:
        certified: Any = x509.load_pem_x509_certificate(cert_chain.encode()).public_key()
        public = certified.public_numbers()  # other kinds of keys have none
    except (ValueError, AttributeError):
        return [f"{name}_CERT_CHAIN is no certificate that can be read"]
    try:
        if not re.fullmatch(r"[0-9a-fA-F]{64}", private_key):
            raise ValueError
        key = ec.derive_private_key(int(private_key, 16), ec.SECP256K1())
    except ValueError:
        return [f"{name}_PRIVATE_KEY is not a key of 64 hexadecimal digits"]
    matches = key.public_key().public_numbers() == public
    return [] if matches else [f"{name}_PRIVATE_KEY is not the key of {name}_CERT_CHAIN"]
