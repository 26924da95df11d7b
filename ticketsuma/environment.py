"""What the environment says, read carefully: in production a wrong word stops the start with one sentence."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

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
        """The secret `name`; with DEBUG off it must be there, be long enough and be no known default."""
        value = self.str(name, "")
        if self.bool("DEBUG", False):
            return value or f"development-only-{name.lower()}-do-not-use-in-production"
        self.demand(name, value, least)
        return value

    def demand(self, name: str, value: str, least: int = 1) -> None:
        """Note what is wrong with the value of `name`: a secret when it must have 16 characters or more."""
        if trouble := weakness(value, least):
            self.problems.append(f"{name} {trouble}")

    def pem(self, name: str) -> str:
        """A PEM text that an environment file may hold on one line, with \\n for line ends."""
        return self.str(name, "").replace("\\n", "\n")

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
