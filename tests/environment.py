"""Of a test run: fresh secrets and UMA keys, none of them in the repository, its files, and its part."""

import os
import re
import secrets
import uuid
from datetime import UTC, date, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

# Thousands of flushes, and a hundred copies of the tree, wait for no disk there.
IN_MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None


def due(whole: list, variable: str) -> list:
    """With `variable` 1/3 in the environment a third of `whole`, another one each day of three in turn.

    1/3@5 is that of day 5; without it, all.
    """
    asked = re.fullmatch(r"1/(\d+)(?:@(\d+))?", os.environ.get(variable, "1/1"))
    assert asked, f"{variable} is 1/<parts>, or 1/<parts>@<day>"
    parts, day = int(asked[1]), int(asked[2] or date.today().toordinal())
    return whole[day % parts :: parts]


def key_pair(purpose: str) -> dict[str, str]:
    """A secp256k1 key (hex) and its self-signed certificate (PEM on one line), under the settings' names."""
    key = ec.generate_private_key(ec.SECP256K1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"test {purpose.lower()}")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
    return {
        f"UMA_{purpose}_PRIVATE_KEY": f"{key.private_numbers().private_value:064x}",
        f"UMA_{purpose}_CERT_CHAIN": pem.replace("\n", "\\n"),
    }


def fresh_secrets() -> dict[str, str]:
    """Everything secret that the shop and the sandbox need, as environment variables."""
    return {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "JWT_SECRET": secrets.token_urlsafe(48),
        "SECOND_FACTOR_KEYS": secrets.token_urlsafe(48),
        "LIGHTSPARK_API_TOKEN_CLIENT_ID": secrets.token_hex(16),
        "LIGHTSPARK_API_TOKEN_CLIENT_SECRET": secrets.token_urlsafe(32),
        "LIGHTSPARK_NODE_ID": f"LightsparkNodeWithOSKLND:{uuid.uuid4()}",
        "LIGHTSPARK_NODE_PASSWORD": secrets.token_urlsafe(16),
        "LIGHTSPARK_WEBHOOK_SIGNING_KEY": secrets.token_hex(32),
        **key_pair("SIGNING"),
        **key_pair("ENCRYPTION"),
    }
