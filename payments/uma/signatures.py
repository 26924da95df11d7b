"""Verification of other VASPs' signatures with the keys that their domains publish."""

from collections.abc import Callable
from typing import Any, TypeVar

from cryptography.exceptions import UnsupportedAlgorithm
from uma import (
    ErrorCode,
    InvalidRequestException,
    InvalidSignatureException,
    IPublicKeyCache,
    PubkeyResponse,
    UmaException,
)

from .discovery import public_keys, refetched_public_keys
from .nonces import UnspentNonce

T = TypeVar("T")

# What the SDK raises on input that no honest wallet sends.
MALFORMED = (
    ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError, OSError,
    RuntimeError, UnsupportedAlgorithm,
)  # fmt: skip
MAX_BACKING_SIGNATURES = 3


def reading(read: Callable[[], T], otherwise: ErrorCode) -> T:
    """Result of parsing external input with `read`; any exception becomes the UMA error `otherwise`."""
    try:
        return read()
    except UmaException:
        raise
    except MALFORMED as error:
        raise InvalidRequestException("The request cannot be read.", otherwise) from error


def verify_once(
    domain: str, verify: Callable[[PubkeyResponse, Any], object], *, otherwise: ErrorCode
) -> None:
    """Check a message of `domain` with `verify(keys, nonce)` and use its nonce up.

    A signature that the kept keys refuse is tried once more with fresh ones, for keys rotate. Raises
    InvalidSignatureException and other UMA errors, BadNonce, BadTimestamp, and what `public_keys` does.
    """
    nonce = UnspentNonce()
    keys = public_keys(domain)
    try:
        reading(lambda: verify(keys, nonce), otherwise)
    except InvalidSignatureException:
        fresh = refetched_public_keys(domain)
        if fresh is None:
            raise
        reading(lambda: verify(fresh, nonce), otherwise)
    nonce.spend(domain)


class GuardedKeys(IPublicKeyCache):
    """Keys for the SDK's checks of backing signatures: never empty, so it fetches nothing by itself."""

    def fetch_public_key_for_vasp(self, vasp_domain: str) -> PubkeyResponse:
        return public_keys(vasp_domain.lower())

    def add_public_key_for_vasp(self, vasp_domain: str, public_key: PubkeyResponse) -> None:
        """The fetched keys are kept already."""

    def remove_public_key_for_vasp(self, vasp_domain: str) -> None:
        """Keys leave when they expire."""

    def clear(self) -> None:
        """Keys leave when they expire."""


def check_backing_count(signatures: list | None) -> None:
    """Each backing signature costs a question to a server of the sender's choice (UMAD-04, UMAD-05)."""
    if signatures and len(signatures) > MAX_BACKING_SIGNATURES:
        raise InvalidRequestException("Too many backing signatures.", ErrorCode.INVALID_REQUEST_FORMAT)
