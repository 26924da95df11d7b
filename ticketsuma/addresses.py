"""Normal form of typed addresses, of mailboxes and of wallets."""

import unicodedata

from django.utils.translation import gettext_lazy as _

from .errors import DomainError


class InvisibleSign(DomainError):
    code = "invalid"
    message = _("There is an invisible sign in this address. Please type it instead of pasting it.")
    status = 400


def normalize_address(typed: str) -> str:
    """`typed` in NFKC, trimmed, in lower case; InvisibleSign when format or control signs are left.

    They are invisible and make another address of it, or one that no mail ever reaches.
    """
    text = unicodedata.normalize("NFKC", typed).strip().lower()
    if not text.isprintable() and any(unicodedata.category(sign) in ("Cf", "Cc") for sign in text):
        raise InvisibleSign
    return text
