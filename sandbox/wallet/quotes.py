"""Quotes: a receiver's BOLT11, by UMA invoice, by UMA address, by Lightning address.

Answers are verified with the real SDK before anything is paid. Functions raise PeerFailed, UmaException,
CannotPay, or whatever a malformed answer provokes in the SDK's parsers.
"""

import json
from dataclasses import dataclass
from urllib.parse import urlsplit

import uma
from django.conf import settings
from uma.version import select_highest_supported_version

from node import bolt11_codec, faults
from wallet import http_client, strict
from wallet.balances import CannotPay
from wallet.http_client import NonceCheck, PeerFailed
from wallet.models import User, Vasp
from wallet.post_transaction import utxo

THANKS = 200


@dataclass(frozen=True)
class Quote:
    """What the receiver answered, checked and ready to be paid. `thanks` is the success action (LUD-09)."""

    bolt11: str
    counterparty: str
    note: str = ""
    is_uma: bool = False
    utxo_callback: str = ""
    thanks: str = ""
    thanks_url: str = ""


@dataclass(frozen=True)
class Ask:
    """A payreq to be sent. `amount` is in the currency's smallest unit, or in msats unless `in_currency`."""

    receiver: str
    callback: str
    keys: uma.PubkeyResponse
    currency: str
    amount: int
    in_currency: bool = True
    major: int = 1
    travel_rule: bool = False
    careful: bool = True
    invoice_uuid: str | None = None
    comment: str | None = None
    receives: int | None = None  # what the lookup said that the receiver gets, in the currency


def read_uma_invoice(text: str) -> uma.Invoice:
    """Decode; the SDK does not look at the prefix. Raises CannotPay."""
    try:
        if not text.lower().startswith("uma1"):
            raise ValueError("not a UMA invoice")
        invoice = uma.Invoice.from_bech32_string(text)
        if not (
            invoice.signature and invoice.callback and invoice.receiver_uma and 0 < invoice.amount < 2**60
        ):
            raise ValueError("fields are missing")
        if not 0 <= invoice.receving_currency.decimals <= 8:
            raise ValueError("no such currency")
    except Exception as error:
        raise CannotPay("This UMA invoice cannot be read.") from error
    return invoice


def check_uma_invoice(invoice: uma.Invoice) -> uma.PubkeyResponse:
    """The seller's keys, once they verified the invoice's signature. Raises PeerFailed or UmaException."""
    keys = http_client.fetch_keys(uma.get_vasp_domain_from_uma_address(invoice.receiver_uma))
    uma.verify_uma_invoice_signature(invoice, keys)
    return keys


def by_uma_invoice(*, user: User, invoice: uma.Invoice) -> Quote:
    """The callback of a verified UMA invoice gets a payreq for exactly its amount."""
    currency = invoice.receving_currency.code
    # The known mistake: a bare number in a payreq means msats, so these wallets ask for 1/1000.
    thousandth = faults.is_on("wallet_thousandth", user.name)
    ask = Ask(
        receiver=invoice.receiver_uma,
        callback=invoice.callback,
        keys=check_uma_invoice(invoice),
        currency=currency,
        amount=invoice.amount,
        in_currency=not thousandth,
        major=0 if faults.is_on("wallet_v0", user.name) else 1,
        travel_rule=bool(invoice.is_subject_to_travel_rule),
        careful=not thousandth,
        invoice_uuid=invoice.invoice_uuid,
    )
    return _payreq(user, ask)


def by_uma_address(*, user: User, address: str, amount_sats: int | None, comment: str = "") -> Quote:
    """`$x@domain`: signed lookup (UMAD-03), version negotiation on 412, then payreq."""
    if faults.is_on("wallet_lnurl_only", user.name):
        raise CannotPay("This wallet knows no UMA; leave the $ away.")
    found = _negotiate(user, address)
    if not found.is_uma_response():
        raise CannotPay("The receiver knows no UMA; try the address without $.")
    domain = uma.get_vasp_domain_from_uma_address(address)
    keys, check = http_client.fetch_keys(domain), NonceCheck(domain)
    uma.verify_uma_lnurlp_response_signature(found, keys, check)
    check.keep()
    if faults.is_on("wallet_strict", user.name):
        strict.check_lnurlp_response(found, receiver=address)
    major = min(int(found.uma_version.partition(".")[0]), 1)
    in_sats = any(currency.code == "SAT" for currency in found.currencies or [])
    if major == 0 and not in_sats:
        raise CannotPay("The receiver takes no sats.")
    sats = agreed_sats(found.min_sendable, found.max_sendable, amount_sats)
    amounts = {
        "currency": "SAT" if in_sats else found.currencies[0].code,
        "amount": sats if in_sats else sats * 1000,
        "in_currency": in_sats,
    }
    if major == 1 and (converts := faults.strike("wallet_converts", user.name)):
        amounts = _converted(found.currencies[0], by_sender=converts.params["lock"] == "sender")
    ask = Ask(
        receiver=address,
        callback=found.callback,
        keys=keys,
        **amounts,
        major=major,
        travel_rule=bool(found.compliance.is_subject_to_travel_rule),
        comment=comment[: found.comment_chars_allowed or 0] or None,
    )
    return _payreq(user, ask)


def _converted(offer: uma.Currency, *, by_sender: bool) -> dict:
    """The least that `offer` takes: as an amount of it, or as the msats that it comes to."""
    msats = round(offer.min_sendable * offer.millisatoshi_per_unit)
    return {
        "currency": offer.code, "receives": offer.min_sendable, "in_currency": not by_sender,
        "amount": msats if by_sender else offer.min_sendable,
    }  # fmt: skip


def _negotiate(user: User, address: str) -> uma.LnurlpResponse:
    version = "0.3" if faults.is_on("wallet_v0", user.name) else None
    if faults.is_on("wallet_future_version", user.name):
        version = "9.0"
    try:
        body = _lookup(address, version)
    except PeerFailed as error:
        if error.status != 412:
            raise
        version = select_highest_supported_version(json.loads(error.body)["supportedMajorVersions"])
        if version is None:
            raise CannotPay("The receiver speaks no UMA version that this wallet knows.") from error
        body = _lookup(address, version)
    return uma.parse_lnurlp_response(json.dumps(body))


def _lookup(address: str, version: str | None) -> dict:
    domain, key = uma.get_vasp_domain_from_uma_address(address), Vasp.objects.get().signing_private_key
    url = uma.create_uma_lnurlp_request_url(
        bytes.fromhex(key), address, settings.SANDBOX_DOMAIN, False, version
    )
    return http_client.call("GET", f"{http_client.scheme_for(domain)}://{url.partition('://')[2]}")


def _payreq(user: User, ask: Ask) -> Quote:
    """Send a signed payreq (UMAD-05), verify the answer (UMAD-06) and its BOLT11."""
    request = uma.create_pay_request(
        receiving_currency_code=ask.currency,
        amount=ask.amount,
        is_amount_in_receiving_currency=ask.in_currency or ask.major == 0,
        payer_identifier=user.uma_address,
        uma_major_version=ask.major,
        payer_name=user.name.title(),
        payer_email=None,
        payer_compliance=_compliance(user, ask),
        requested_payee_data=uma.create_counterparty_data_options({"identifier": True, "compliance": True}),
        comment=ask.comment,
        invoice_uuid=ask.invoice_uuid,
    )
    if backed := faults.strike("wallet_backed", user.name):
        key = Vasp.objects.get().signing_private_key if backed.params["signature"] == "valid" else "11" * 32
        request.append_backing_signature(bytes.fromhex(key), settings.SANDBOX_DOMAIN)
    body = http_client.call("POST", ask.callback, json_body=request.to_dict())
    answer = uma.parse_pay_req_response(json.dumps(body))
    if answer.uma_major_version == 1:
        check = NonceCheck(uma.get_vasp_domain_from_uma_address(ask.receiver))
        uma.verify_pay_req_response_signature(user.uma_address, ask.receiver, answer, ask.keys, check)
        check.keep()
    elif ask.major == 1:
        raise CannotPay("The receiver's answer is not signed.")
    if ask.careful:
        _check_amount(answer, ask)
    if faults.is_on("wallet_strict", user.name):
        strict.check_pay_req_response(answer, receiver=ask.receiver)
    compliance = answer.get_compliance()
    thanks, thanks_url = _success_action(answer.success_action, ask.callback)
    return Quote(
        bolt11=answer.encoded_invoice.lower(),
        counterparty=ask.receiver,
        is_uma=True,
        utxo_callback=(compliance.utxo_callback or "") if compliance else "",
        thanks=thanks,
        thanks_url=thanks_url,
    )


def _compliance(user: User, ask: Ask) -> uma.CompliancePayerData:
    vasp = Vasp.objects.select_related("node").get()
    wanted = ask.travel_rule or faults.is_on("wallet_travel_rule", user.name)
    travel_rule = json.dumps({"originator": {"name": user.name.title()}}) if wanted else None
    return uma.create_compliance_payer_data(
        receiver_encryption_pubkey=ask.keys.get_encryption_pubkey(),
        signing_private_key=bytes.fromhex(vasp.signing_private_key),
        payer_identifier=user.uma_address,
        travel_rule_info=travel_rule,
        payer_kyc_status=uma.KycStatus.VERIFIED,
        payer_utxos=[utxo(vasp)],
        payer_node_pubkey=vasp.node.public_key,
        utxo_callback=f"{settings.SANDBOX_URL}/uma/utxo",
    )


def _check_amount(answer: uma.PayReqResponse, ask: Ask) -> None:
    """Never pay more than the user agreed to."""
    msats, info = bolt11_codec.read_bolt11(answer.encoded_invoice).amount_msats, answer.payment_info
    expected = ask.amount
    if ask.receives is not None and (info.currency_code, info.amount) != (ask.currency, ask.receives):
        raise CannotPay("The receiver converts to another amount than it said.")
    if ask.in_currency:
        if info is None or info.currency_code != ask.currency or info.amount not in (None, ask.amount):
            raise CannotPay("The receiver quotes another amount or currency than it asked for.")
        expected = round(ask.amount * info.multiplier) + info.exchange_fees_msats
    if ask.in_currency and ask.currency == "SAT" and expected != ask.amount * 1000:
        raise CannotPay("The receiver wants more sats than it asked for.")
    if abs(msats - expected) >= 1000:
        raise CannotPay(f"The invoice is for {msats} msats instead of {expected}.")


def _success_action(action: object, callback: str) -> tuple[str, str]:
    """Text and link to show after paying (LUD-09); a link must lead to the callback's own domain."""
    if not isinstance(action, dict):
        return "", ""
    url = str(action.get("url") or "")
    if action.get("tag") == "url" and urlsplit(url).netloc == urlsplit(callback).netloc:
        return str(action.get("description") or "")[:THANKS], url[:500]
    return (str(action.get("message") or "")[:THANKS], "") if action.get("tag") == "message" else ("", "")


def agreed_sats(min_msats: int, max_msats: int, amount_sats: int | None) -> int:
    """The amount to send: what the receiver fixes, or what the user said. Raises CannotPay."""
    least, most = -(-int(min_msats) // 1000), int(max_msats) // 1000
    if least == most and amount_sats in (None, least):
        return least
    limits = {"min_sats": least, "max_sats": most}
    if amount_sats is None:
        raise CannotPay("How many sats?", needs=limits)
    if not least <= amount_sats <= most:
        raise CannotPay(f"The receiver takes {least:,} to {most:,} sats.", needs=limits)
    return amount_sats


def by_lightning_address(*, user: User, address: str, amount_sats: int | None, comment: str = "") -> Quote:
    """`x@domain`: plain LNURL-pay (LUD-06, LUD-16), with a comment where one is allowed (LUD-12)."""
    name, _, domain = address.partition("@")
    found = http_client.call("GET", f"{http_client.scheme_for(domain)}://{domain}/.well-known/lnurlp/{name}")
    if found.get("tag") != "payRequest":
        raise CannotPay("This address takes no payments.")
    sats = agreed_sats(found["minSendable"], found["maxSendable"], amount_sats)
    params = {"amount": str(sats * 1000)}
    if said := comment[: int(found.get("commentAllowed") or 0)]:
        params["comment"] = said
    answer = http_client.call("GET", found["callback"], params=params)
    decoded = bolt11_codec.read_bolt11(str(answer["pr"]))
    if decoded.amount_msats != sats * 1000:
        raise CannotPay(f"The invoice is for {decoded.amount_msats} msats instead of {sats * 1000}.")
    if faults.is_on("wallet_strict", user.name):
        strict.check_description_hash(decoded, metadata=str(found["metadata"]))
    texts = [str(pair[1]) for pair in json.loads(found["metadata"]) if pair[0] == "text/plain"]
    thanks, thanks_url = _success_action(answer.get("successAction"), found["callback"])
    return Quote(
        bolt11=str(answer["pr"]).lower(),
        counterparty=address,
        note=texts[0][:THANKS] if texts else "",
        thanks=thanks,
        thanks_url=thanks_url,
    )
