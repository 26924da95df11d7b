"""Our own keys: what we sign with, what others may read (UMAD-02), and how new ones are made."""

from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.conf import settings
from django.utils import timezone

# Others keep our keys for this long, so this is how long a rotation takes.
PUBLISHED_FOR = timedelta(minutes=10)
CERTIFIED_FOR = timedelta(days=5 * 365)


def signing_key() -> bytes:
    return bytes.fromhex(settings.UMA_SIGNING_PRIVATE_KEY)


def published_keys() -> dict:
    """The answer to /.well-known/lnurlpubkey (UMAD-02)."""
    from uma import create_pubkey_response

    return create_pubkey_response(
        settings.UMA_SIGNING_CERT_CHAIN,
        settings.UMA_ENCRYPTION_CERT_CHAIN,
        timezone.now() + PUBLISHED_FOR,
    ).to_dict()


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
