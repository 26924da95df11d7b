"""Keys of a node: the Lightning identity that signs BOLT11, and Lightspark's operation signing key (OSK)."""

import base64
import hashlib
import json
import os
from dataclasses import dataclass

from coincurve import PrivateKey
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

ROUNDS = 500_000
CIPHER = json.dumps({"v": 4, "i": ROUNDS})


@dataclass(frozen=True)
class NodeKeys:
    secret_hex: str
    public_key: str
    signing_public_key: str
    encrypted_signing_key: str


def make_node_keys(*, password: str) -> NodeKeys:
    """New keys; the RSA key can only be recovered with `password`, as the SDK's recover_node_signing_key
    does: PBKDF2-SHA256 derives 32 bytes of AES-GCM key and 12 of IV, the blob is salt then cipher text."""
    identity = PrivateKey()
    osk = rsa.generate_private_key(65537, 2048)
    der = osk.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    salt = os.urandom(16)
    derived = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ROUNDS, 44)
    blob = salt + AESGCM(derived[:32]).encrypt(derived[32:], der, None)
    public = osk.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return NodeKeys(
        identity.secret.hex(),
        identity.public_key.format().hex(),
        public.decode(),
        base64.b64encode(blob).decode(),
    )


def signature_is_valid(*, signing_public_key: str, header: str, body: bytes) -> bool:
    """Whether `X-Lightspark-Signing` is the node's RSA-PSS/SHA-256 signature of the uncompressed body."""
    try:
        signature = base64.b64decode(json.loads(header)["signature"])
        key = serialization.load_pem_public_key(signing_public_key.encode())
        scheme = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
        key.verify(signature, body, scheme, hashes.SHA256())
    except (InvalidSignature, ValueError, KeyError, TypeError):
        return False
    return True
