"""Strict sender: checks everything that a receiver could get wrong, and refuses in doubt."""

import hashlib
from datetime import UTC, datetime

import uma

from node import bolt11_codec
from wallet.balances import CannotPay

FRESH_S = 300


def _insist(condition: bool, sentence: str) -> None:
    if not condition:
        raise CannotPay(f"Strict wallet: {sentence}.")


def _is_fresh(timestamp: float | None) -> bool:
    return timestamp is not None and abs(datetime.now(UTC).timestamp() - timestamp) <= FRESH_S


def check_lnurlp_response(found: uma.LnurlpResponse, *, receiver: str) -> None:
    """UMAD-04: signed for this receiver, fresh, and complete."""
    compliance = found.compliance
    _insist(
        compliance.receiver_identifier.lower() == receiver.lower(), "the answer is about another receiver"
    )
    _insist(_is_fresh(compliance.signature_timestamp), "the signature is not fresh")
    _insist(bool(found.currencies), "no currencies are offered")
    _insist(0 < found.min_sendable <= found.max_sendable, "the limits make no sense")
    required = found.required_payer_data or {}
    _insist(
        "compliance" in required and "identifier" in required, "compliance and identifier must be asked for"
    )


def check_pay_req_response(answer: uma.PayReqResponse, *, receiver: str) -> None:
    """UMAD-06: node key and UTXO callback given, BOLT11 of that node, not expired, quoted as invoiced."""
    decoded, compliance, info = (
        bolt11_codec.read_bolt11(answer.encoded_invoice),
        answer.get_compliance(),
        answer.payment_info,
    )
    _insist(compliance is not None, "compliance data is missing")
    _insist(bool(compliance.node_pubkey), "compliance.nodePubKey is missing")
    _insist(compliance.node_pubkey == decoded.payee, "the BOLT11 belongs to another node")
    _insist(bool(compliance.utxo_callback), "compliance.utxoCallback is missing")
    if answer.uma_major_version == 1:
        _insist(_is_fresh(compliance.signature_timestamp), "the signature is not fresh")
        _insist(
            (answer.payee_data or {}).get("identifier", "").lower() == receiver.lower(),
            "payeeData.identifier is wrong",
        )
    _insist(info is not None and info.amount is not None, "converted.amount is missing")
    _insist(
        round(info.amount * info.multiplier) + info.exchange_fees_msats == decoded.amount_msats,
        "converted does not add up to the BOLT11",
    )
    _insist(
        decoded.created_at + decoded.expiry_s > datetime.now(UTC).timestamp() + 5, "the BOLT11 has expired"
    )
    _insist(bool(decoded.description_hash), "the BOLT11 commits to no metadata")
    _insist(answer.routes == [], "routes must be empty")


def check_description_hash(decoded: bolt11_codec.Decoded, *, metadata: str) -> None:
    """LUD-06: the BOLT11's h tag is the SHA-256 of the metadata string."""
    expected = hashlib.sha256(metadata.encode()).hexdigest()
    _insist(decoded.description_hash == expected, "the BOLT11 does not commit to the metadata")
