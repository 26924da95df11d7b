"""Encryption of secrets that rows keep: a dump of the database without the keys gives none of them away.

The keys are SECOND_FACTOR_KEYS; each purpose has a key of its own made of them (HKDF), so that nothing
encrypted for one opens as another.
"""

import base64
import functools

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class Unreadable(Exception):
    """None of the keys decrypts it; putting the old key back into the list mends it."""


def encrypt(text: str, purpose: str) -> str:
    """`text` by the first of the keys, as URL-safe text; another one each time."""
    return _box(tuple(settings.SECOND_FACTOR_KEYS), purpose).encrypt(text.encode()).decode()


def decrypt(encrypted: str, purpose: str) -> str:
    """What was encrypted by any of the keys for the same purpose; else raises Unreadable."""
    try:
        return _box(tuple(settings.SECOND_FACTOR_KEYS), purpose).decrypt(encrypted.encode()).decode()
    except InvalidToken:
        raise Unreadable from None


@functools.cache
def _box(keys: tuple[str, ...], purpose: str) -> MultiFernet:
    """Encrypts with the first of `keys` (texts of 32 characters or more) and decrypts with any of them."""
    return MultiFernet([Fernet(_fernet_key(key, purpose)) for key in keys])


def _fernet_key(key: str, purpose: str) -> bytes:
    return base64.urlsafe_b64encode(derived_key(key, f"ticketsuma {purpose}"))


def derived_key(secret: str, info: str, *, length: int = 32) -> bytes:
    """A key of `length` bytes for one use, `info`, of a secret that has several (HKDF-SHA256, RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=info.encode()).derive(secret.encode())
