"""BOLT11 strings: encoded and signed, with the prefix of the node's network."""

from dataclasses import dataclass

import bolt11
from bolt11 import Bolt11, MilliSatoshi, Tag, TagChar, Tags
from bolt11.exceptions import Bolt11Exception
from bolt11.models.features import Feature, Features, FeatureState

from node.models import NETWORKS


class NotBolt11(ValueError):
    """The string is no BOLT11 invoice."""


@dataclass(frozen=True)
class Decoded:
    payment_hash: str
    amount_msats: int
    network: str
    payee: str
    description: str
    description_hash: str
    created_at: int
    expiry_s: int


def write_bolt11(
    *,
    secret_hex: str,
    network: str,
    payment_hash: str,
    payment_secret: str,
    amount_msats: int,
    memo: str,
    description_hash: str,
    created_at: int,
    expiry_s: int,
) -> str:
    """Sign a BOLT11 string. Amount 0 leaves the amount out, so that the payer chooses."""
    features = {Feature.var_onion_optin: FeatureState.required, Feature.payment_secret: FeatureState.required}
    described = (
        Tag(TagChar.description_hash, description_hash)
        if description_hash
        else Tag(TagChar.description, memo)
    )
    tags = Tags(
        [
            Tag(TagChar.payment_hash, payment_hash),
            Tag(TagChar.payment_secret, payment_secret),
            described,
            Tag(TagChar.expire_time, expiry_s),
            Tag(TagChar.min_final_cltv_expiry, 80),
            Tag(TagChar.features, Features.from_feature_list(features)),
        ]
    )
    amount = MilliSatoshi(amount_msats) if amount_msats else None
    invoice = Bolt11(currency=NETWORKS[network], date=created_at, tags=tags, amount_msat=amount)
    return bolt11.encode(invoice, secret_hex)


def read_bolt11(text: str) -> Decoded:
    """Decode and check the signature. Raises NotBolt11."""
    try:
        invoice = bolt11.decode(text.strip())
        network = next(name for name, prefix in NETWORKS.items() if prefix == invoice.currency)
        return Decoded(
            payment_hash=invoice.payment_hash,
            amount_msats=int(invoice.amount_msat or 0),
            network=network,
            payee=invoice.payee or "",
            description=invoice.description or "",
            description_hash=invoice.description_hash or "",
            created_at=invoice.date,
            expiry_s=invoice.expiry or 3600,
        )
    except (
        Bolt11Exception,
        ValueError,
        KeyError,
        IndexError,
        TypeError,
        StopIteration,
        AttributeError,
    ) as error:
        raise NotBolt11("this is no BOLT11 invoice") from error
