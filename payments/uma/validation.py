"""Validation of pay requests before the SDK parses them (UMAD-05): the SDK trusts its input's types."""

import json
import re
from typing import NoReturn

from uma import ErrorCode, InvalidRequestException

_HEX = re.compile(r"(?:[0-9a-fA-F]{2}){8,80}")
_AMOUNT = re.compile(r"-?[0-9]{1,19}(?:\.[A-Za-z0-9]{1,10})?")
_ANY_HEX = re.compile(r"(?:[0-9a-fA-F]{2})*")
_FORMAT = re.compile(r"[\x21-\x7e]{0,60}")
_MAX_TIMESTAMP = 2**40


def _refuse(reason: str, code: ErrorCode = ErrorCode.PARSE_PAYREQ_REQUEST_ERROR) -> NoReturn:
    raise InvalidRequestException(reason, code)


def read_json_object(body: bytes) -> dict:
    """`body` as a JSON object, or a UMA error."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidRequestException("The body is not JSON.", ErrorCode.INVALID_REQUEST_FORMAT) from error
    if not isinstance(data, dict):
        _refuse("The body is not a JSON object.", ErrorCode.INVALID_REQUEST_FORMAT)
    return data


def check_amount_text(amount: object) -> None:
    """Digits, and perhaps the currency they are in: `2500.SAT` (the SDK would take ` +2_500` too)."""
    if not isinstance(amount, str) or not _AMOUNT.fullmatch(amount):
        _refuse("amount must be a whole number, or one with its currency as in 2500.SAT.")


def check_pay_request_shape(data: dict) -> None:
    """Refuse what no UMA sender of version 1 or 0 sends; raises InvalidRequestException."""
    if type(data.get("amount")) is not int:
        check_amount_text(data.get("amount"))
    for name in ("convert", "currency"):
        if not isinstance(data.get(name, ""), str):
            _refuse(f"{name} must be text.")
    for name in ("payeeData", "settlement"):
        if not isinstance(data.get(name, {}), dict):
            _refuse(f"{name} must be an object.")
    payer = data.get("payerData")
    if not isinstance(payer, dict):
        _refuse("payerData is missing.", ErrorCode.MISSING_REQUIRED_UMA_PARAMETERS)
    if not isinstance(payer.get("identifier"), str):
        _refuse("payerData.identifier is missing.", ErrorCode.MISSING_MANDATORY_PAYER_DATA)
    if not isinstance(payer.get("compliance"), dict):
        _refuse("payerData.compliance is missing.", ErrorCode.MISSING_MANDATORY_PAYER_DATA)
    _check_compliance(payer["compliance"])


def _check_compliance(compliance: dict) -> None:
    signature = compliance.get("signature")
    if not isinstance(signature, str) or not _HEX.fullmatch(signature):
        _refuse("compliance.signature must be hex.", ErrorCode.INVALID_SIGNATURE)
    if not isinstance(compliance.get("signatureNonce"), str):
        _refuse("compliance.signatureNonce must be text.", ErrorCode.INVALID_NONCE)
    timestamp = compliance.get("signatureTimestamp")
    if type(timestamp) is not int or not 0 < timestamp < _MAX_TIMESTAMP:
        _refuse("compliance.signatureTimestamp must be in seconds.", ErrorCode.INVALID_TIMESTAMP)
    utxos = compliance.get("utxos") or []
    if not isinstance(utxos, list) or not all(isinstance(utxo, str) for utxo in utxos):
        _refuse("compliance.utxos must be a list of text.")
    hidden = compliance.get("encryptedTravelRuleInfo") or ""
    if not isinstance(hidden, str) or not _ANY_HEX.fullmatch(hidden):
        _refuse("compliance.encryptedTravelRuleInfo must be hex.")
    form = compliance.get("travelRuleFormat") or ""
    if not isinstance(form, str) or not _FORMAT.fullmatch(form):
        _refuse("compliance.travelRuleFormat must be a name and version, as in ivms@101.2023.")
    backing = compliance.get("backingSignatures") or []
    if not isinstance(backing, list):
        _refuse("compliance.backingSignatures must be a list.")
