"""Creating the wallet's VASP and its users."""

import re
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.db import transaction
from django.db.models import F

from node import nodes
from wallet.models import User, Vasp

NAME = re.compile(r"[a-z0-9][a-z0-9._+-]{0,38}")


def make_key(common_name: str) -> tuple[str, str]:
    """A new secp256k1 key as hex and its self-signed certificate as PEM (UMAD-02)."""
    key, now = ec.generate_private_key(ec.SECP256K1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    private = key.private_numbers().private_value.to_bytes(32, "big").hex()
    return private, certificate.public_bytes(serialization.Encoding.PEM).decode()


@transaction.atomic
def ensure_vasp(*, network: str) -> Vasp:
    """The wallet company, made once."""
    vasp = Vasp.objects.select_related("node").first()
    if vasp is not None:
        return vasp
    signing, encryption = make_key("Sandbox wallet signing"), make_key("Sandbox wallet encryption")
    return Vasp.objects.create(
        node=nodes.create_node(name="wallet", network=network, manners={}),  # it pays for its users
        signing_private_key=signing[0],
        signing_cert_chain=signing[1],
        encryption_private_key=encryption[0],
        encryption_cert_chain=encryption[1],
    )


@transaction.atomic
def ensure_user(*, name: str, balance_sats: int) -> tuple[User, bool]:
    """The user of this name and whether it is new; a new one gets `balance_sats`. Raises ValueError."""
    if not NAME.fullmatch(name):
        raise ValueError("a name has 1 to 39 of a-z 0-9 . _ + - and starts with a letter or digit")
    user, is_new = User.objects.get_or_create(name=name)
    if is_new and balance_sats:
        add_sats(user=user, amount_sats=balance_sats)
        user.refresh_from_db()
    return user, is_new


@transaction.atomic
def add_sats(*, user: User, amount_sats: int) -> None:
    """Play money falls from the sky: into the node and into the user's books. Raises node.ledger.Refused."""
    vasp = Vasp.objects.select_related("node").get()
    nodes.fund(node=vasp.node, amount_msats=amount_sats * 1000)
    User.objects.filter(pk=user.pk).update(balance_msats=F("balance_msats") + amount_sats * 1000)
