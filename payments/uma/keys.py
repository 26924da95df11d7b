"""Our UMA keys: signing, publishing (UMAD-02) and making new ones."""

from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.conf import settings
from django.utils import timezone

# Others keep our keys for this long, so the next one must be known to us this long before it is used.
PUBLISHED_FOR = timedelta(minutes=10)
CACHED_FOR = timedelta(minutes=1)
CERTIFIED_FOR = timedelta(days=5 * 365)


def signing_key() -> bytes:
    """What we sign with now: from UMA_SIGNING_NEXT_FROM on the next key, in every process at once."""
    next_one = _is_replaced(timezone.now())
    return bytes.fromhex(
        settings.UMA_SIGNING_NEXT_PRIVATE_KEY if next_one else settings.UMA_SIGNING_PRIVATE_KEY
    )


def published_keys() -> dict:
    """The answer to /.well-known/lnurlpubkey (UMAD-02): the keys in use now.

    The answer has room for one signing key only. So nobody is told to keep it past the moment when the
    next one is used: a copy that is kept no longer than `expirationTimestamp` is never the wrong one.
    """
    from uma import create_pubkey_response

    now = timezone.now()
    next_one, switch = _is_replaced(now), settings.UMA_SIGNING_NEXT_FROM
    end = now + PUBLISHED_FOR
    return create_pubkey_response(
        settings.UMA_SIGNING_NEXT_CERT_CHAIN if next_one else settings.UMA_SIGNING_CERT_CHAIN,
        settings.UMA_ENCRYPTION_CERT_CHAIN,
        end if next_one or switch is None else min(end, switch),
    ).to_dict()


def seconds_to_cache(published: dict) -> int:
    """How long HTTP caches may hold the answer: a minute, and never past its own end."""
    left = published["expirationTimestamp"] - timezone.now().timestamp()
    return max(0, min(int(CACHED_FOR.total_seconds()), int(left)))


def _is_replaced(now: datetime) -> bool:
    return settings.UMA_SIGNING_NEXT_FROM is not None and now >= settings.UMA_SIGNING_NEXT_FROM


def new_key_pair(purpose: str, domain: str) -> dict[str, str]:
    """A new secp256k1 key (hex) and its self-signed certificate (PEM, \\n for line ends), by setting name."""
    key = ec.generate_private_key(ec.SECP256K1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{domain} {purpose}"[:64])])
    now = timezone.now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + CERTIFIED_FOR)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
    return {
        f"UMA_{purpose.upper()}_PRIVATE_KEY": f"{key.private_numbers().private_value:064x}",
        f"UMA_{purpose.upper()}_CERT_CHAIN": pem.replace("\n", "\\n"),
    }
