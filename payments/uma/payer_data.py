"""Payer data of a pay request: a comment, travel rule information, the callback for UTXOs.

A sale never hangs on a comment or a callback: what is no good is dropped.
"""

from typing import cast

from django.conf import settings
from uma import ErrorCode, InvalidRequestException

from payments.models import Invoice

from .safe_http import VaspForbidden, check_url

MAX_COMMENT = cast(int, Invoice._meta.get_field("comment").max_length)
MAX_CALLBACK = cast(int, Invoice._meta.get_field("utxo_callback").max_length)


def usable_callback(url: object) -> str:
    """`url` if it is one that we may post to once sats moved (UMAD-07), else ""."""
    if not isinstance(url, str) or len(url) > MAX_CALLBACK:
        return ""
    try:
        check_url(url)
    except VaspForbidden:
        return ""
    return url


def clean_comment(text: object) -> str:
    """`text` (LUD-12) as one line that shows as it is, cut to what we said we take.

    Control characters and those that turn the direction of writing are gone.
    """
    if not isinstance(text, str):
        return ""
    shown = "".join(char if char.isprintable() else " " for char in text[: 4 * MAX_COMMENT])
    return " ".join(shown.split())[:MAX_COMMENT].rstrip()


def read_travel_rule(compliance: dict) -> str:
    """The travel rule information that came encrypted for us (UMAD-05), decrypted; "" when none came.

    Raises InvalidRequestException when our key does not open it: what was sent must be readable, even
    where it is not kept. Nothing of it is ever logged.
    """
    hidden = compliance.get("encryptedTravelRuleInfo")
    if not hidden:
        return ""
    from ecies import decrypt

    try:
        key = bytes.fromhex(settings.UMA_ENCRYPTION_PRIVATE_KEY)
        told = decrypt(key, bytes.fromhex(hidden)).decode()
        if "\0" in told:
            raise ValueError
    except (ValueError, TypeError, IndexError, OverflowError):
        # From None: the library's words may quote what it was given.
        raise InvalidRequestException(
            "The travel rule information cannot be read with our encryption key.",
            ErrorCode.PARSE_PAYREQ_REQUEST_ERROR,
        ) from None
    return told
