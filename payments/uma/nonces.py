"""Nonces of signed messages (UMAD-04, UMAD-05): remembered per VASP, so that each message counts once."""

import re
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from payments.models import VaspNonce
from ticketsuma.errors import DomainError

OLDEST = timedelta(minutes=5)
CLOCK_SKEW = timedelta(seconds=60)
_NONCE = re.compile(r"[\x21-\x7e]{1,64}")


class BadNonce(DomainError):
    code = "invalid_nonce"
    message = "This nonce was used before, or is not 1 to 64 printable characters."
    status = 400


class BadTimestamp(DomainError):
    code = "invalid_timestamp"
    message = "The timestamp is too old or in the future."
    status = 400


class UnspentNonce:
    """The nonce of one message whose signature is being checked; the SDK takes it for its INonceCache.

    The SDK hands the nonce over before it looks at the signature. Writing it down then would let
    anybody burn an honest sender's nonce, so `spend` does that once the signature verified.
    """

    def __init__(self) -> None:
        self._nonce = ""

    def check_and_save_nonce(self, nonce: str, timestamp: datetime) -> None:
        if not isinstance(nonce, str) or not _NONCE.fullmatch(nonce):
            raise BadNonce
        if not -CLOCK_SKEW <= timezone.now() - timestamp <= OLDEST:
            raise BadTimestamp
        self._nonce = nonce

    def spend(self, domain: str) -> None:
        """Use the nonce up; a second use, even at the same moment, raises BadNonce."""
        try:
            with transaction.atomic():
                VaspNonce.objects.create(domain=domain, nonce=self._nonce)
        except IntegrityError as error:
            raise BadNonce from error


def purge_nonces() -> int:
    """Forget nonces whose messages are too old to be accepted again; how many."""
    too_old = timezone.now() - OLDEST - CLOCK_SKEW
    return VaspNonce.objects.filter(seen_at__lt=too_old).delete()[0]
