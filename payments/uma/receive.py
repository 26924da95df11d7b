"""Receiving side of UMA and LNURL-pay: lookups and pay requests of wallets.

UMAD-04 and UMAD-05 for UMA senders of version 1 and 0; LUD-06, LUD-12 and LUD-16 for every other
wallet. The price is the payment's, whatever a request says: UMA signatures do not cover amounts.
"""

import functools
import json
import re
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

from django.conf import settings
from uma import (
    ErrorCode,
    InvalidCurrencyException,
    InvalidRequestException,
    IUmaInvoiceCreator,
    KycStatus,
    LnurlpRequest,
    LnurlpResponse,
    PayRequest,
    UmaException,
    create_counterparty_data_options,
    create_pay_req_response,
    create_uma_lnurlp_response,
    parse_lnurlp_request,
    parse_pay_request,
    verify_pay_request_backing_signatures,
    verify_pay_request_signature,
    verify_uma_lnurlp_query_backing_signatures,
    verify_uma_lnurlp_query_signature,
)

from payments.invoices import lnurl_metadata, note_payer_data, open_invoice_for_payer
from payments.models import Invoice, Payment
from payments.node import lightspark
from ticketsuma.money import SAT

from .address import domain_of, normalize_uma_address
from .currencies import Offer, in_sats, offers
from .errors import UmaRefusal
from .keys import signing_key
from .payer_data import MAX_COMMENT, clean_comment, read_travel_rule, usable_callback
from .push import payreq_url
from .signatures import GuardedKeys, check_backing_count, reading, verify_once
from .validation import check_amount_text, check_pay_request_shape, read_json_object

_REFERENCE = re.compile(r"[a-z0-9_-]{1,40}")
P = ParamSpec("P")
T = TypeVar("T")


def refusing_in_umas_words(answer: Callable[P, T]) -> Callable[P, T]:
    """Turn the SDK's exceptions into UmaRefusal, which a view can say without the SDK."""

    @functools.wraps(answer)
    def answering(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return answer(*args, **kwargs)
        except UmaException as error:
            raise UmaRefusal(json.loads(error.to_json()), error.to_http_status_code()) from error

    return answering


def find_payment(name: str, missing: ErrorCode) -> Payment:
    """The payment that `name` (`reference` or `$reference`, any case) stands for, if it can be paid now."""
    reference = name.removeprefix("$").lower()
    payment = None
    if _REFERENCE.fullmatch(reference):
        payment = Payment.objects.filter(reference=reference).first()
    if payment is None:
        raise InvalidRequestException("Nothing to be paid has this name.", missing)
    if not payment.is_payable:
        over = ErrorCode.INVOICE_EXPIRED if missing == ErrorCode.REQUEST_NOT_FOUND else missing
        raise InvalidRequestException("This is paid, canceled or past its time.", over)
    return payment


# -- lookup -----------------------------------------------------------------------------------
@refusing_in_umas_words
def look_up(name: str, full_path: str) -> dict:
    """The answer to `/.well-known/lnurlp/<name>?…` (UMAD-04, or LUD-06 when no UMA field is there).

    What was signed is the name as received at our own domain, never the host of the socket.
    """
    url = f"{settings.SITE_URL}{full_path}"
    lookup = reading(lambda: parse_lnurlp_request(url), ErrorCode.PARSE_LNURLP_REQUEST_ERROR)
    payment = find_payment(name, ErrorCode.USER_NOT_FOUND)
    if not lookup.is_uma_request():
        return _plain_lookup_answer(payment)
    _verify_lookup(lookup)
    answer = create_uma_lnurlp_response(
        lookup,
        signing_key(),
        requires_travel_rule_info=False,
        callback=payreq_url(payment),
        encoded_metadata=lnurl_metadata(payment),
        min_sendable_sats=payment.amount_sats,
        max_sendable_sats=payment.amount_sats,
        payer_data_options=create_counterparty_data_options({"identifier": True, "compliance": True}),
        currency_options=[offer.for_lookup() for offer in _offers(payment, lookup.uma_version)],
        receiver_kyc_status=KycStatus.VERIFIED,
        comment_chars_allowed=MAX_COMMENT,
    )
    return answer.to_dict()


def _plain_lookup_answer(payment: Payment) -> dict:
    return LnurlpResponse(
        tag="payRequest",
        callback=payreq_url(payment),
        min_sendable=payment.amount_msats,
        max_sendable=payment.amount_msats,
        encoded_metadata=lnurl_metadata(payment),
        currencies=None,
        required_payer_data=None,
        compliance=None,
        uma_version=None,
        comment_chars_allowed=MAX_COMMENT,
    ).to_dict()


def _offers(payment: Payment, version: str | None) -> list[Offer]:
    """What we take of this sender: of one that speaks version 0 sats only."""
    return [in_sats(payment)] if (version or "").startswith("0") else list(offers(payment).values())


def _verify_lookup(lookup: LnurlpRequest) -> None:
    check_backing_count(lookup.backing_signatures)

    def verify(keys, nonce):
        verify_uma_lnurlp_query_signature(lookup, keys, nonce)
        verify_uma_lnurlp_query_backing_signatures(lookup, GuardedKeys())

    domain = cast(str, lookup.vasp_domain)
    verify_once(domain.lower(), verify, otherwise=ErrorCode.PARSE_LNURLP_REQUEST_ERROR)


# -- pay request ------------------------------------------------------------------------------
class _InvoiceOfPayment(IUmaInvoiceCreator):
    """Hands the SDK the one open invoice of `payment` for `payer`."""

    def __init__(self, payment: Payment, payer: str, **said: str):
        self._payment, self._payer, self._said = payment, payer, said

    def create_uma_invoice(self, amount_msats: int, metadata: str, receiver_identifier: str | None) -> str:
        def create() -> lightspark.NodeInvoice:
            return lightspark.create_uma_invoice(
                amount_msats=self._payment.amount_msats,
                metadata=metadata,
                expires_at=self._payment.due_at,
                receiver_identifier=self._payment.uma_pay_address,
            )

        invoice = open_invoice_for_payer(payment=self._payment, payer=self._payer, create=create)
        note_payer_data(invoice, **self._said)
        return invoice.bolt11


@refusing_in_umas_words
def answer_pay_request(reference: str, body: bytes) -> dict:
    """A BOLT11 over the full price and our signed compliance data, for a verified UMA payer (UMAD-05).

    The payer may be anybody, not only whom the request was pushed to. The same payer gets the same
    open invoice again. Raises UmaException, and DomainError when the node or the payment says no.
    """
    data = read_json_object(body)
    check_pay_request_shape(data)
    request = reading(lambda: parse_pay_request(json.dumps(data)), ErrorCode.PARSE_PAYREQ_REQUEST_ERROR)
    payment = find_payment(reference, ErrorCode.REQUEST_NOT_FOUND)
    offer = _agreed_offer(request, payment, is_uma=True)
    said = _payer_data(data)
    payer = _verify_payer(request)
    facts = lightspark.node_facts()
    # What `converted` tells is what the lookup told: the SDK would take a unit less of an amount in msats.
    request.amount = offer.amount
    request.sending_amount_currency_code = request.receiving_currency_code = offer.code
    answer = create_pay_req_response(
        request,
        _InvoiceOfPayment(payment, payer, **said),
        metadata=lnurl_metadata(payment),
        receiving_currency_code=offer.code,
        receiving_currency_decimals=offer.decimals,
        msats_per_currency_unit=offer.msats_per_unit,
        receiver_fees_msats=0,
        receiver_node_pubkey=facts.public_key,
        utxo_callback=f"{settings.SITE_URL}/api/uma/utxos/{payment.reference}",
        payee_identifier=payment.uma_pay_address,
        signing_private_key=signing_key(),
        receiver_utxos=list(facts.utxos),
        success_action=_success_action(),
    )
    return answer.to_dict()


def _payer_data(data: dict) -> dict[str, str]:
    """What an invoice notes of a pay request (UMAD-05). None of it is covered by the signature."""
    compliance = data["payerData"]["compliance"]
    travel_rule = read_travel_rule(compliance)
    said = {
        "comment": clean_comment(data.get("comment")),
        "utxo_callback": usable_callback(compliance.get("utxoCallback")),
    }
    if travel_rule and settings.UMA_KEEP_TRAVEL_RULE:
        said |= {"travel_rule": travel_rule, "travel_rule_format": compliance.get("travelRuleFormat") or ""}
    return said


def _agreed_offer(request: PayRequest, payment: Payment, *, is_uma: bool) -> Offer:
    """The currency that is received, once the sender asks for exactly what is due.

    A sender that locks its own side says the quote's msats, one that locks ours an amount of a currency
    that we offer. Some wallets pay a UMA invoice over 5000 sats, or cents, by asking for the bare amount
    5000, which means msats; they show the price of the invoice we answer with, so they are given the full
    one.
    """
    offered = offers(payment) if is_uma and request.uma_major_version != 0 else {SAT: in_sats(payment)}
    sent, received = request.sending_amount_currency_code, request.receiving_currency_code
    if {sent, received} - {None} - offered.keys():
        raise InvalidCurrencyException(f"The price is in {' or '.join(offered)}.")
    accepted = {payment.amount_msats}
    if sent:
        accepted = {offered[sent].amount}
    elif is_uma:
        accepted |= {offer.amount for offer in offered.values()}
    if type(request.amount) is not int or request.amount not in accepted:
        due = " or ".join(map(str, offered.values()))
        raise InvalidRequestException(
            f"The amount due is {due}, neither more nor less.", ErrorCode.AMOUNT_OUT_OF_RANGE
        )
    return offered[received or sent or SAT]


def _verify_payer(request: PayRequest) -> str:
    """The payer's UMA address in lower case, once its VASP's signature over it as received is verified."""
    data: Any = request.payer_data
    payer = normalize_uma_address(data["identifier"])
    check_backing_count(data["compliance"].get("backingSignatures"))

    def verify(keys, nonce):
        verify_pay_request_signature(request, keys, nonce)
        verify_pay_request_backing_signatures(request, GuardedKeys())

    verify_once(domain_of(payer), verify, otherwise=ErrorCode.PARSE_PAYREQ_REQUEST_ERROR)
    return payer


@refusing_in_umas_words
def answer_plain_pay_request(reference: str, params: dict[str, str]) -> dict:
    """The open plain invoice as it is, for any Lightning wallet that asks for the price (LUD-06)."""
    amount = params.get("amount", "")
    if amount:
        check_amount_text(amount)
    request = reading(
        lambda: PayRequest.from_request_params({"amount": amount}),
        ErrorCode.PARSE_PAYREQ_REQUEST_ERROR,
    )
    payment = find_payment(reference, ErrorCode.REQUEST_NOT_FOUND)
    _agreed_offer(request, payment, is_uma=False)

    def create() -> lightspark.NodeInvoice:
        return lightspark.create_invoice(
            amount_msats=payment.amount_msats, metadata=lnurl_metadata(payment), expires_at=payment.due_at
        )

    invoice = open_invoice_for_payer(payment=payment, payer="", create=create, kind=Invoice.Kind.LIGHTNING)
    note_payer_data(invoice, comment=clean_comment(params.get("comment")))
    return {
        "pr": invoice.bolt11,
        "routes": [],
        "disposable": True,
        "successAction": _success_action(),
        "verify": f"{settings.SITE_URL}/api/uma/verify/{invoice.payment_hash}",
    }


def _success_action() -> dict[str, str]:
    """What the wallet shows once it paid (LUD-09)."""
    return {"tag": "message", "message": f"Paid. Thank you! {settings.SITE_NAME}"[:144]}
