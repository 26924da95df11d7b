"""Codes for people: Crockford base32, no look-alike letters (I, L, O, U)."""

import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LOOKALIKES = str.maketrans({"I": "1", "L": "1", "O": "0", "-": None, " ": None})


def new_code(length: int) -> str:
    """A random code of `length` characters, five bits each, from the system's CSPRNG."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def normalize_code(typed: str) -> str:
    """What a person typed → the code as stored: upper case, look-alikes mended, dashes and spaces dropped."""
    return typed.upper().translate(_LOOKALIKES).strip()
