"""Callbacks after a payment: the payer VASP's UTXOs (UMAD-07), and whether an invoice is paid (LUD-21)."""

import json

from uma import (
    ErrorCode,
    InvalidRequestException,
    parse_post_transaction_callback,
    verify_post_transaction_callback_signature,
)

from payments.models import Invoice, Payment

from .address import REFUNDS
from .receive import refusing_in_umas_words
from .signatures import reading, verify_once
from .validation import read_json_object


@refusing_in_umas_words
def take_utxo_callback(reference: str, body: bytes) -> None:
    """A payer's VASP tells its UTXOs after paying (UMAD-07). Verified and let go: it proves no payment."""
    data = read_json_object(body)
    callback = reading(
        lambda: parse_post_transaction_callback(json.dumps(data)), ErrorCode.PARSE_UTXO_CALLBACK_ERROR
    )
    if reference != REFUNDS and not Payment.objects.filter(reference=reference.lower()[:40]).exists():
        raise InvalidRequestException("Nothing to be paid has this name.", ErrorCode.REQUEST_NOT_FOUND)
    if not isinstance(callback.vasp_domain, str):
        raise InvalidRequestException("vaspDomain is missing.", ErrorCode.MISSING_REQUIRED_UMA_PARAMETERS)
    verify_once(
        callback.vasp_domain.lower(),
        lambda keys, nonce: verify_post_transaction_callback_signature(callback, keys, nonce),
        otherwise=ErrorCode.PARSE_UTXO_CALLBACK_ERROR,
    )


@refusing_in_umas_words
def invoice_status(payment_hash: str) -> dict:
    """Whether the invoice with this hash is paid (LUD-21). Our node tells us no preimage."""
    invoice = Invoice.objects.filter(payment_hash=payment_hash.lower()).first()
    if invoice is None:
        raise InvalidRequestException("Not found", ErrorCode.REQUEST_NOT_FOUND)
    settled = invoice.status == Invoice.Status.PAID
    return {"status": "OK", "settled": settled, "preimage": None, "pr": invoice.bolt11}
