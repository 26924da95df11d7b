"""Error answers to other VASPs and wallets: UMA's error codes, LNURL's error JSON (LUD-06)."""

from ticketsuma.errors import DomainError

# Ours → UMA's. What is not here is a passing trouble of our own.
_UMA_CODES = {
    "invalid_uma_address": "INVALID_INPUT",
    "invalid_nonce": "INVALID_NONCE",
    "invalid_timestamp": "INVALID_TIMESTAMP",
    "invalid_pubkey_format": "INVALID_PUBKEY_FORMAT",
    "vasp_forbidden": "COUNTERPARTY_PUBKEY_FETCH_ERROR",
    "vasp_unreachable": "COUNTERPARTY_PUBKEY_FETCH_ERROR",
    "vasp_unknown": "COUNTERPARTY_PUBKEY_FETCH_ERROR",
    "not_payable": "INVOICE_EXPIRED",
    "too_many_invoices": "VELOCITY_LIMIT_EXCEEDED",
    "another_payer": "VELOCITY_LIMIT_EXCEEDED",
    "throttled": "VELOCITY_LIMIT_EXCEEDED",
    "request_too_large": "INVALID_REQUEST_FORMAT",
}


class RequestTooLarge(DomainError):
    code = "request_too_large"
    message = "The request is too large."
    status = 413


class UmaRefusal(DomainError):
    """A refusal that is in UMA's words already; `body` is its JSON."""

    code = "uma_refusal"

    def __init__(self, body: dict, status: int):
        super().__init__(body.get("reason"))
        self.body, self.status = body, status


def error_body(refusal: DomainError) -> dict:
    if isinstance(refusal, UmaRefusal):
        return refusal.body
    code = _UMA_CODES.get(refusal.code, "INTERNAL_ERROR")
    return {"status": "ERROR", "reason": str(refusal.message), "code": code}
