"""Codes for people: Crockford base32, no look-alike letters (I, L, O, U)."""

import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_SYSTEM = secrets.SystemRandom()
_WIDE = {sign + 0xFEE0: sign for sign in range(0x21, 0x7F)}  # full-width ASCII, as Japanese keyboards type it
_LOOKALIKES = str.maketrans({"I": "1", "L": "1", "O": "0", "-": None, " ": None})


def new_code(length: int) -> str:
    """A random code of `length` characters, five bits each, from the system's CSPRNG."""
    return "".join(_SYSTEM.choices(ALPHABET, k=length))


def normalize_code(typed: str) -> str:
    """What a person typed → the code as stored: upper case, narrow, look-alikes mended, without dashes."""
    return typed.translate(_WIDE).upper().translate(_LOOKALIKES).strip()
