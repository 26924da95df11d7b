"""Sending side of UMA and LNURL-pay: fetching an invoice that we pay, for refunds.

`$name@domain` by a signed lookup and pay request (UMAD-03 to UMAD-06, version 0 when the other side
answers 412), `name@domain` as any Lightning address (LUD-06, LUD-16). Every request is a guarded
fetch, and the BOLT11 that comes back is believed only as far as it says what we asked for.
"""

import json
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import bolt11
from bolt11.exceptions import Bolt11Exception, Bolt11FeatureException
from django.conf import settings
from django.utils import timezone
from uma import (
    ErrorCode,
    KycStatus,
    LnurlpResponse,
    PayReqResponse,
    UmaException,
    create_compliance_payer_data,
    create_pay_request,
    create_uma_lnurlp_request_url,
    parse_lnurlp_response,
    parse_pay_req_response,
    select_highest_supported_version,
    verify_pay_req_response_signature,
    verify_uma_lnurlp_response_signature,
)

from payments.node import lightspark
from payments.node.lightspark import NodeFacts

from .address import REFUNDS, domain_of, is_allowed_domain
from .arrival import Arrival, BadAnswer, CannotReceive, read_arrival
from .keys import signing_key
from .payer_data import usable_callback
from .safe_http import TRY_AGAIN, Answer, VaspForbidden, VaspUnreachable, base_url, fetch
from .signatures import MALFORMED, reading, verify_once

MIN_TIME_TO_PAY = timedelta(seconds=30)
# While a BOLT11 can be paid its refund may stay in doubt, so that must end.
MAX_TIME_TO_PAY = timedelta(days=31)
_NETWORKS = {"bc": "MAINNET", "tb": "TESTNET", "tbs": "SIGNET", "bcrt": "REGTEST"}
_NAME = re.compile(r"\$?[a-z0-9._+-]{1,64}")


@dataclass(frozen=True)
class AskedInvoice:
    """`arrival` is what the receiver gets of it, when their server says so."""

    bolt11: str
    payment_hash: str
    expires_at: datetime
    utxo_callback: str = ""
    arrival: Arrival | None = None


@dataclass(frozen=True)
class _Offer:
    """A pay request's answer, and the currency that was asked for in it ("" for none)."""

    response: PayReqResponse
    currency: str = ""


def request_invoice_from(address: str, amount_msats: int) -> AskedInvoice:
    """A BOLT11 of `address` over exactly `amount_msats`, on our network, with half a minute left to pay it.

    Raises CannotReceive when the address takes no such payment; BadAnswer, VaspUnreachable or
    NodeUnknown when asking again later may help. Nothing is paid here.
    """
    name, _, domain = address.strip().lower().rpartition("@")
    if not _NAME.fullmatch(name) or not is_allowed_domain(domain):
        raise CannotReceive
    ask = _ask_uma if name.startswith("$") else _ask_plain
    try:
        answer = ask(f"{name}@{domain}", amount_msats)
        arrival = read_arrival(answer.response, sent_msats=amount_msats, currency=answer.currency)
        asked = check_bolt11(answer.response.encoded_invoice, amount_msats)
    except VaspForbidden as error:
        raise CannotReceive from error
    return replace(asked, utxo_callback=_callback_of(answer.response), arrival=arrival)


# -- UMA --------------------------------------------------------------------------------------
def _ask_uma(address: str, amount_msats: int) -> _Offer:
    facts = lightspark.node_facts()
    lookup = _look_up(address)
    if not lookup.is_uma_response():
        return _pay_plainly(lookup, amount_msats)
    domain = domain_of(address)
    _believe(
        domain,
        lambda keys, nonce: verify_uma_lnurlp_response_signature(lookup, keys, nonce),
        ErrorCode.PARSE_LNURLP_RESPONSE_ERROR,
    )
    compliance: Any = lookup.compliance  # every UMA response has it
    if compliance.receiver_identifier.lower() != address:
        raise BadAnswer
    _check_range(lookup, amount_msats)
    if lookup.settlement_options and not any(o.settlement_layer == "ln" for o in lookup.settlement_options):
        raise CannotReceive
    return _pay_as_vasp(address, lookup, amount_msats, facts)


def _look_up(address: str) -> LnurlpResponse:
    """The signed lookup, in the newest version both sides speak (412 tells the other side's)."""
    answer = fetch(_lookup_url(address))
    if answer.status == 412:
        theirs = _parse(answer).get("supportedMajorVersions")
        if not isinstance(theirs, list) or not all(type(major) is int for major in theirs):
            raise BadAnswer
        version = select_highest_supported_version(theirs)
        if version is None:
            raise CannotReceive
        answer = fetch(_lookup_url(address, version))
    return _read_lookup(answer)


def _lookup_url(address: str, version: str | None = None) -> str:
    """The SDK's URL; but whether it is http is for our own settings to say, not for its `is_domain_local`."""
    signed = create_uma_lnurlp_request_url(
        signing_private_key=signing_key(),
        receiver_address=address,
        sender_vasp_domain=settings.UMA_DOMAIN,
        is_subject_to_travel_rule=False,
        uma_version_override=version,
    )
    parts = urlsplit(signed)
    return f"{base_url(domain_of(address))}{parts.path}?{parts.query}"


def _pay_as_vasp(address: str, lookup: LnurlpResponse, amount_msats: int, facts: NodeFacts) -> _Offer:
    domain, us = domain_of(address), f"${REFUNDS}@{settings.UMA_DOMAIN}"
    major = 0 if (lookup.uma_version or "").startswith("0.") else 1
    amount, currency, in_currency = _in_what(lookup, amount_msats, major)
    compliance = create_compliance_payer_data(
        receiver_encryption_pubkey=b"",  # nothing is encrypted: we send no travel rule information
        signing_private_key=signing_key(),
        payer_identifier=us,
        travel_rule_info=None,
        payer_kyc_status=KycStatus.VERIFIED,
        payer_utxos=list(facts.utxos),
        payer_node_pubkey=facts.public_key,
        utxo_callback=f"{settings.SITE_URL}/api/uma/utxos/{REFUNDS}",
    )
    request = create_pay_request(
        receiving_currency_code=currency,
        amount=amount,
        is_amount_in_receiving_currency=in_currency,
        payer_identifier=us,
        uma_major_version=major,
        payer_name=None,
        payer_email=None,
        payer_compliance=compliance,
    )
    response = _read_pay_answer(fetch(lookup.callback, payload=request.to_dict()))
    if major == 1:
        _believe(
            domain,
            lambda keys, nonce: verify_pay_req_response_signature(us, address, response, keys, nonce),
            ErrorCode.PARSE_PAYREQ_RESPONSE_ERROR,
        )
    if response.payment_info is None:
        raise BadAnswer  # required of UMA: else nobody knows what arrives
    return _Offer(response, currency)


def _in_what(lookup: LnurlpResponse, amount_msats: int, major: int) -> tuple[int, str, bool]:
    """Amount, currency, and whether the amount is in it. The receiver's own first currency if not sats.

    Version 1 can fix the msats that we send, whatever the receiver gets; version 0 only sats.
    """
    codes = [currency.code for currency in lookup.currencies or []]
    if major == 1 and codes:
        return amount_msats, "SAT" if "SAT" in codes else codes[0], False
    if "SAT" not in codes or amount_msats % 1000:
        raise CannotReceive
    return amount_msats // 1000, "SAT", True


def _believe(domain: str, verify, otherwise: ErrorCode) -> None:
    try:
        verify_once(domain, verify, otherwise=otherwise)
    except UmaException as error:
        raise BadAnswer from error


# -- LNURL ------------------------------------------------------------------------------------
def _ask_plain(address: str, amount_msats: int) -> _Offer:
    name, _, domain = address.rpartition("@")
    lookup = _read_lookup(fetch(f"{base_url(domain)}/.well-known/lnurlp/{name}"))
    return _pay_plainly(lookup, amount_msats)


def _pay_plainly(lookup: LnurlpResponse, amount_msats: int) -> _Offer:
    _check_range(lookup, amount_msats)
    parts = urlsplit(lookup.callback)
    query = f"{parts.query}&amount={amount_msats}" if parts.query else f"amount={amount_msats}"
    return _Offer(_read_pay_answer(fetch(urlunsplit(parts._replace(query=query)))))


# -- reading what came back -------------------------------------------------------------------
def _parse(answer: Answer) -> dict:
    """The JSON object of an answer; an error in LNURL's or UMA's words is CannotReceive."""
    if answer.status >= 500 or answer.status in TRY_AGAIN:
        raise VaspUnreachable
    try:
        body = answer.json()
    except ValueError as error:
        raise BadAnswer if answer.is_success else CannotReceive from error
    if answer.status == 412:
        return body
    if not answer.is_success or body.get("status") == "ERROR":
        raise CannotReceive
    return body


def _read(read, text: str, otherwise: ErrorCode):
    try:
        return reading(lambda: read(text), otherwise)
    except UmaException as error:
        raise BadAnswer from error


def _read_lookup(answer: Answer) -> LnurlpResponse:
    body = _parse(answer)
    lookup = _read(parse_lnurlp_response, json.dumps(body), ErrorCode.PARSE_LNURLP_RESPONSE_ERROR)
    limits = (lookup.min_sendable, lookup.max_sendable)
    if lookup.tag != "payRequest" or not isinstance(lookup.callback, str):
        raise CannotReceive
    if not all(type(limit) is int for limit in limits) or not isinstance(lookup.currencies, list | None):
        raise BadAnswer
    return lookup


def _check_range(lookup: LnurlpResponse, amount_msats: int) -> None:
    if not lookup.min_sendable <= amount_msats <= lookup.max_sendable:
        raise CannotReceive


def _read_pay_answer(answer: Answer) -> PayReqResponse:
    body = _parse(answer)
    if not isinstance(body.get("pr"), str):
        raise BadAnswer
    return _read(parse_pay_req_response, json.dumps(body), ErrorCode.PARSE_PAYREQ_RESPONSE_ERROR)


def _callback_of(answer: PayReqResponse) -> str:
    """Where the receiver's VASP wants to be told our UTXOs (UMAD-07); "" when nowhere we may post to."""
    compliance = (answer.payee_data or {}).get("compliance")
    return usable_callback(compliance.get("utxoCallback")) if isinstance(compliance, dict) else ""


def check_bolt11(text: str, amount_msats: int) -> AskedInvoice:
    """`text` as an invoice we may pay: signed, of our network, over the amount, not about to expire."""
    try:
        invoice = bolt11.decode(text)
        expires_at = datetime.fromtimestamp(invoice.date + invoice.expiry, UTC)
    except (*MALFORMED, Bolt11Exception, Bolt11FeatureException) as error:
        raise BadAnswer from error
    if invoice.amount_msat != amount_msats:
        raise BadAnswer
    if _NETWORKS.get(invoice.currency) != settings.LIGHTSPARK_NETWORK:
        raise CannotReceive
    if expires_at > timezone.now() + MAX_TIME_TO_PAY:
        raise CannotReceive
    if expires_at < timezone.now() + MIN_TIME_TO_PAY:
        raise BadAnswer
    return AskedInvoice(text.lower(), invoice.payment_hash, expires_at)
