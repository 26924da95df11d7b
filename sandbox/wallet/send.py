"""The sending side: pay a BOLT11, a UMA invoice, `$x@domain` (UMA) or `x@domain` (LNURL-pay)."""

import hashlib
import json
import logging
import re
import threading
from dataclasses import dataclass
from datetime import UTC, datetime

import uma
from django.conf import settings
from uma.version import select_highest_supported_version

from node import faults, paper
from wallet import peers, strict
from wallet.models import Entry, UmaRequest, User, Vasp
from wallet.peers import NonceCheck, PeerFailed
from wallet.purse import CannotPay, pay_bolt11

ADDRESS = re.compile(r"\$?[a-z0-9._+-]{1,64}@[a-z0-9.-]{1,253}(:\d{1,5})?")
BOLT11 = re.compile(r"ln(bcrt|tbs|tb|bc)[0-9a-z]+")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Quote:
    """What the receiver answered to a payreq, checked and ready to be paid."""

    bolt11: str
    counterparty: str
    note: str = ""
    is_uma: bool = False
    utxo_callback: str = ""


def pay(*, user: User, to: str, amount_sats: int | None = None) -> Entry:
    """Pay whatever was pasted. Raises CannotPay with a sentence for the user, and `needs` when only the
    amount is missing."""
    target = re.sub(r"^(lightning|uma|lnurlp):(//)?", "", to.strip(), flags=re.IGNORECASE).strip()
    lower = target.lower()
    if BOLT11.fullmatch(lower):
        amount_msats = amount_sats * 1000 if amount_sats else None
        return pay_bolt11(user=user, bolt11=lower, amount_msats=amount_msats)
    if lower.startswith("uma1"):
        return pay_uma_invoice(user=user, text=lower)
    if not ADDRESS.fullmatch(lower):
        raise CannotPay(
            "Paste a Lightning invoice, a UMA invoice or an address such as $name@wallet.example."
        )
    quote_for = uma_quote if lower.startswith("$") else lnurl_quote
    return _settle(user, _guarded(quote_for, user=user, address=lower, amount_sats=amount_sats))


def _guarded(function, **given) -> Quote:
    """Everything another server can do wrong becomes one sentence."""
    try:
        return function(**given)
    except PeerFailed as error:
        raise CannotPay(str(error)) from error
    except uma.UmaException as error:
        raise CannotPay(f"The receiver's answer is not to be trusted: {error.reason}") from error
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RuntimeError) as error:
        log.info("unreadable answer", exc_info=error)
        raise CannotPay("The receiver's answer makes no sense.") from error


def _settle(user: User, quote: Quote, *, request: UmaRequest | None = None) -> Entry:
    entry = pay_bolt11(
        user=user,
        bolt11=quote.bolt11,
        counterparty=quote.counterparty,
        note=quote.note,
        is_uma=quote.is_uma,
        request=request,
    )
    if quote.utxo_callback and entry.status == Entry.Status.SUCCEEDED:
        threading.Thread(
            target=_post_transaction, args=(quote.utxo_callback, entry.amount_msats), daemon=True
        ).start()
    return entry


def read_uma_invoice(text: str) -> uma.Invoice:
    """Decode; the SDK does not look at the prefix. Raises CannotPay."""
    try:
        if not text.lower().startswith("uma1"):
            raise ValueError("not a UMA invoice")
        invoice = uma.Invoice.from_bech32_string(text)
        if not (invoice.signature and invoice.callback and invoice.receiver_uma and invoice.amount > 0):
            raise ValueError("fields are missing")
    except Exception as error:  # the SDK's TLV parser raises whatever the bytes provoke
        raise CannotPay("This UMA invoice cannot be read.") from error
    return invoice


def check_uma_invoice(invoice: uma.Invoice) -> uma.PubkeyResponse:
    """The seller's keys, once they verified the invoice's signature. Raises PeerFailed or UmaException."""
    keys = peers.fetch_keys(uma.get_vasp_domain_from_uma_address(invoice.receiver_uma))
    uma.verify_uma_invoice_signature(invoice, keys)
    return keys


def pay_uma_invoice(*, user: User, text: str, request: UmaRequest | None = None) -> Entry:
    """The UMA Request flow (UMAD-08): verify the invoice, send a signed payreq to its callback, pay the answer.
    Raises CannotPay."""
    invoice = read_uma_invoice(text)
    if invoice.expiration <= datetime.now(UTC).timestamp() and not faults.is_on(
        "wallet_ignores_expiry", user.name
    ):
        raise CannotPay("This request has expired.")
    if faults.is_on("wallet_lnurl_only", user.name):
        raise CannotPay("This wallet knows no UMA.")
    entry = _settle(user, _guarded(_invoice_quote, user=user, invoice=invoice), request=request)
    if faults.is_on("wallet_pays_twice", user.name):
        _settle(user, _guarded(_invoice_quote, user=user, invoice=invoice), request=request)
    return entry


def _invoice_quote(*, user: User, invoice: uma.Invoice) -> Quote:
    keys = check_uma_invoice(invoice)
    currency = invoice.receving_currency.code
    thousandth = currency == "SAT" and faults.is_on("wallet_thousandth", user.name)
    return _payreq(
        user=user,
        receiver=invoice.receiver_uma,
        callback=invoice.callback,
        keys=keys,
        currency=currency,
        amount=invoice.amount,
        in_currency=not thousandth,
        travel_rule=bool(invoice.is_subject_to_travel_rule),
        major=0 if faults.is_on("wallet_v0", user.name) else 1,
        check_amount=not thousandth,
        invoice_uuid=invoice.invoice_uuid,
    )


def _payreq(
    *,
    user: User,
    receiver: str,
    callback: str,
    keys: uma.PubkeyResponse,
    currency: str,
    amount: int,
    in_currency: bool,
    travel_rule: bool,
    major: int,
    check_amount: bool = True,
    invoice_uuid: str | None = None,
    metadata: str = "",
) -> Quote:
    """Send a signed payreq (UMAD-05), verify the answer (UMAD-06) and its BOLT11."""
    vasp = Vasp.objects.select_related("node").get()
    compliance = uma.create_compliance_payer_data(
        receiver_encryption_pubkey=keys.get_encryption_pubkey(),
        signing_private_key=bytes.fromhex(vasp.signing_private_key),
        payer_identifier=user.uma_address,
        travel_rule_info=json.dumps({"originator": {"name": user.name.title()}}) if travel_rule else None,
        payer_kyc_status=uma.KycStatus.VERIFIED,
        payer_utxos=[f"{hashlib.sha256(vasp.node_id.encode()).hexdigest()}:0"],
        payer_node_pubkey=vasp.node.public_key,
        utxo_callback=f"{settings.SANDBOX_URL}/uma/utxo",
    )
    asked = uma.create_pay_request(
        receiving_currency_code=currency,
        amount=amount,
        is_amount_in_receiving_currency=in_currency or major == 0,
        payer_identifier=user.uma_address,
        uma_major_version=major,
        payer_name=user.name.title(),
        payer_email=None,
        payer_compliance=compliance,
        requested_payee_data=uma.create_counterparty_data_options({"identifier": True, "compliance": True}),
        invoice_uuid=invoice_uuid,
    )
    body = peers.call("POST", callback, json_body=asked.to_dict())
    answer = uma.parse_pay_req_response(json.dumps(body))
    is_strict = faults.is_on("wallet_strict", user.name)
    if answer.uma_major_version == 1:
        check = NonceCheck(uma.get_vasp_domain_from_uma_address(receiver))
        uma.verify_pay_req_response_signature(user.uma_address, receiver, answer, keys, check)
        check.keep()
    elif major == 1:
        raise CannotPay("The receiver's answer is not signed.")
    if check_amount:
        _check_amount(answer, currency=currency, amount=amount, in_currency=in_currency)
    if is_strict:
        strict.check_pay_req_response(answer, receiver=receiver, metadata=metadata)
    given = answer.get_compliance()
    return Quote(
        bolt11=answer.encoded_invoice,
        counterparty=receiver,
        is_uma=True,
        utxo_callback=(given.utxo_callback or "") if given else "",
    )


def _check_amount(answer: uma.PayReqResponse, *, currency: str, amount: int, in_currency: bool) -> None:
    """Never pay more than the user agreed to."""
    msats = paper.read_bolt11(answer.encoded_invoice).amount_msats
    info = answer.payment_info
    if not in_currency:
        expected = amount
    elif info is None or info.currency_code != currency or info.amount not in (None, amount):
        raise CannotPay("The receiver quotes another amount or currency than it asked for.")
    else:
        expected = round(amount * info.multiplier) + info.exchange_fees_msats
        if currency == "SAT" and expected != amount * 1000:
            raise CannotPay("The receiver wants more sats than it asked for.")
    if abs(msats - expected) >= 1000:
        raise CannotPay(f"The invoice is for {msats} msats instead of {expected}.")


def uma_quote(*, user: User, address: str, amount_sats: int | None) -> Quote:
    """`$x@domain`: signed lnurlp lookup (UMAD-03), version negotiation on 412, then payreq."""
    if faults.is_on("wallet_lnurl_only", user.name):
        raise CannotPay("This wallet knows no UMA; leave the $ away.")
    domain = uma.get_vasp_domain_from_uma_address(address)
    version = "0.3" if faults.is_on("wallet_v0", user.name) else None
    if faults.is_on("wallet_future_version", user.name):
        version = "9.0"
    try:
        body = _lookup(address, domain, version)
    except PeerFailed as error:
        if error.status != 412:
            raise
        supported = json.loads(error.body)["supportedMajorVersions"]
        version = select_highest_supported_version(supported)
        if version is None:
            raise CannotPay("The receiver speaks no UMA version that this wallet knows.") from error
        body = _lookup(address, domain, version)
    found = uma.parse_lnurlp_response(json.dumps(body))
    if not found.is_uma_response():
        raise CannotPay("The receiver knows no UMA; try the address without $.")
    keys = peers.fetch_keys(domain)
    check = NonceCheck(domain)
    uma.verify_uma_lnurlp_response_signature(found, keys, check)
    check.keep()
    if faults.is_on("wallet_strict", user.name):
        strict.check_lnurlp_response(found, receiver=address)
    amount = agreed_sats(found.min_sendable, found.max_sendable, amount_sats)
    major = int((found.uma_version or "1").split(".")[0])
    in_sats = any(currency.code == "SAT" for currency in found.currencies or [])
    if major == 0 and not in_sats:
        raise CannotPay("The receiver takes no sats.")
    code = "SAT" if in_sats else found.currencies[0].code
    return _payreq(
        user=user,
        receiver=address,
        callback=found.callback,
        keys=keys,
        currency=code,
        amount=amount if in_sats else amount * 1000,
        in_currency=in_sats,
        travel_rule=bool(found.compliance.is_subject_to_travel_rule),
        major=min(major, 1),
    )


def _lookup(address: str, domain: str, version: str | None) -> dict:
    vasp = Vasp.objects.get()
    url = uma.create_uma_lnurlp_request_url(
        bytes.fromhex(vasp.signing_private_key), address, settings.SANDBOX_DOMAIN, False, version
    )
    return peers.call("GET", f"{peers.scheme_for(domain)}://{url.partition('://')[2]}")


def agreed_sats(min_msats: int, max_msats: int, amount_sats: int | None) -> int:
    """The amount to send: what the receiver fixes, or what the user said within the limits. Raises CannotPay."""
    least, most = -(-int(min_msats) // 1000), int(max_msats) // 1000
    if least == most and amount_sats in (None, least):
        return least
    limits = {"min_sats": least, "max_sats": most}
    if amount_sats is None:
        raise CannotPay("How many sats?", needs=limits)
    if not least <= amount_sats <= most:
        raise CannotPay(f"The receiver takes {least:,} to {most:,} sats.", needs=limits)
    return amount_sats


def lnurl_quote(*, user: User, address: str, amount_sats: int | None) -> Quote:
    """`x@domain`: plain LNURL-pay (LUD-06, LUD-16)."""
    name, _, domain = address.partition("@")
    found = peers.call("GET", f"{peers.scheme_for(domain)}://{domain}/.well-known/lnurlp/{name}")
    if found.get("tag") != "payRequest":
        raise CannotPay("This address takes no payments.")
    amount = agreed_sats(found["minSendable"], found["maxSendable"], amount_sats)
    answer = peers.call("GET", found["callback"], params={"amount": str(amount * 1000)})
    decoded = paper.read_bolt11(str(answer["pr"]))
    if decoded.amount_msats != amount * 1000:
        raise CannotPay(f"The invoice is for {decoded.amount_msats} msats instead of {amount * 1000}.")
    if faults.is_on("wallet_strict", user.name):
        strict.check_description_hash(decoded, metadata=str(found["metadata"]))
    texts = [pair[1] for pair in json.loads(found["metadata"]) if pair[0] == "text/plain"]
    return Quote(
        bolt11=str(answer["pr"]).lower(), counterparty=address, note=str(texts[0])[:200] if texts else ""
    )


def _post_transaction(url: str, amount_msats: int) -> None:
    """Tell the receiver about the UTXOs (UMAD-07). Best effort: the money has moved already."""
    try:
        vasp = Vasp.objects.get()
        utxo = uma.UtxoWithAmount(f"{hashlib.sha256(vasp.node_id.encode()).hexdigest()}:0", amount_msats)
        message = uma.create_post_transaction_callback(
            [utxo],
            settings.SANDBOX_DOMAIN,
            bytes.fromhex(vasp.signing_private_key),
            uma.TransactionStatus.COMPLETED,
        )
        peers.call("POST", url, json_body=message.to_dict())
    except PeerFailed as error:
        log.info("the post-transaction callback was not taken: %s", error)
