"""The shop's key for push services (VAPID, RFC 8292), and what a device's keys must be (RFC 8291)."""

import base64
import binascii
import functools

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings

from ticketsuma.encryption import derived_key

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256 (FIPS 186-5)


def private_key() -> ec.EllipticCurvePrivateKey:
    """Made of SECRET_KEY, like the links of tickets, and replaced with it: every device then asks anew."""
    return _private_key(settings.SECRET_KEY)


@functools.lru_cache(maxsize=2)
def _private_key(secret: str) -> ec.EllipticCurvePrivateKey:
    # 16 bytes more than the order has: no number is noticeably likelier (FIPS 186-5, A.2.1).
    drawn = derived_key(secret, "tickets.push.vapid", length=48)
    return ec.derive_private_key(int.from_bytes(drawn) % (_ORDER - 1) + 1, ec.SECP256R1())


def public_key() -> str:
    """What a browser's `pushManager.subscribe` takes as `applicationServerKey`: 65 bytes, base64url."""
    raw = private_key().public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )  # fmt: skip
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def are_keys(p256dh: str, auth: str) -> bool:
    """Whether these are a point of P-256 and 16 bytes, in base64url: what can be encrypted for."""
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _bytes(p256dh))
        return len(_bytes(p256dh)) == 65 and len(_bytes(auth)) == 16
    except ValueError:
        return False


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError from error
