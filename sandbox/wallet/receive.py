"""Receiving side of a user's address: lnurlp lookup and payreq, UMA v1 and v0, and plain LNURL-pay."""

import hashlib
import json
from dataclasses import dataclass

import uma
from django.conf import settings
from uma.generated.errors import ErrorCode

from node import faults
from node.models import Invoice
from wallet import http_client
from wallet.balances import make_receivable
from wallet.http_client import NonceCheck, PeerFailed
from wallet.models import User, Vasp

MIN_SATS, MAX_SATS = 1, 10_000_000
COMMENT_CHARS = 140
EXPIRY_S = 600


class WalletInvoices(uma.IUmaInvoiceCreator):
    """Hands the SDK BOLT11 strings whose sats will be credited to `user`."""

    def __init__(self, user: User, **about: str | int):
        self.user, self.about = user, about

    def create_uma_invoice(self, amount_msats: int, metadata: str, receiver_identifier: str | None) -> str:
        receivable = make_receivable(
            user=self.user,
            amount_msats=int(amount_msats),
            expiry_s=EXPIRY_S,
            description_hash=hashlib.sha256(metadata.encode()).hexdigest(),
            **self.about,
        )
        return receivable.invoice.bolt11


@dataclass(frozen=True)
class Kept:
    """What the wallet keeps a user's money in, and its fee for each payment."""

    code: str = "SAT"
    decimals: int = 0
    msats_per_unit: float = 1000.0
    fee_msats: int = 0

    def as_currency(self) -> uma.Currency:
        """A new object each time: the SDK changes it for v0 senders."""
        most = int(MAX_SATS * 1000 / self.msats_per_unit)
        name = "Satoshi" if self.code == "SAT" else self.code
        return uma.Currency(self.code, name, "", self.msats_per_unit, 1, most, self.decimals)


def kept_by(user: User) -> Kept:
    foreign = faults.strike("wallet_in_dollars", user.name)
    if foreign is None:
        return Kept()
    params = foreign.params
    rate = float(params["msats_per_unit"])
    return Kept(str(params["currency"]), int(params["decimals"]), rate, int(params["fee_msats"]))


PAYER_DATA = ("name", "email")


def wanted_payer_data(user: User) -> dict[str, bool]:
    wanted = faults.is_on("wallet_wants_payer_data", user.name)
    return dict.fromkeys(PAYER_DATA, True) if wanted else {}


def check_payer_data(user: User, payer_data: dict | None) -> None:
    missing = [key for key in wanted_payer_data(user) if not (payer_data or {}).get(key)]
    if missing:
        raise uma.UmaException(
            f"Tell who pays: {', '.join(missing)}.", ErrorCode.MISSING_MANDATORY_PAYER_DATA
        )


def metadata_for(user: User, address: str) -> str:
    return json.dumps([["text/plain", f"To {user.name.title()}"], ["text/identifier", address]])


def sender_keys(domain: str) -> uma.PubkeyResponse:
    try:
        return http_client.fetch_keys(domain)
    except PeerFailed as error:
        raise uma.UmaException(str(error), ErrorCode.COUNTERPARTY_PUBKEY_FETCH_ERROR) from error


def our_url(endpoint: str) -> str:
    """Where `endpoint` says that we are; with `vasp_bad_tls` an address whose TLS handshake fails."""
    if faults.is_on("vasp_bad_tls", endpoint):
        return f"https://{settings.SANDBOX_DOMAIN}"
    return settings.SANDBOX_URL


def answer_lookup(*, user: User, name: str, url: str) -> dict:
    """The lnurlp response (UMAD-04, LUD-06) to a lookup of `name`, `$` meaning UMA. Raises UmaException."""
    callback = f"{our_url('lnurlp')}/uma/payreq/{user.name}"
    wanted = wanted_payer_data(user)
    if not name.startswith("$") or "signature" not in url:
        return uma.LnurlpResponse(
            tag="payRequest",
            callback=callback,
            min_sendable=MIN_SATS * 1000,
            max_sendable=MAX_SATS * 1000,
            encoded_metadata=metadata_for(user, user.lightning_address),
            currencies=None,
            required_payer_data=uma.create_counterparty_data_options(wanted) if wanted else None,
            compliance=None,
            uma_version=None,
            comment_chars_allowed=COMMENT_CHARS,
        ).to_dict()
    lookup = uma.parse_lnurlp_request(url)
    check = NonceCheck(lookup.vasp_domain)
    uma.verify_uma_lnurlp_query_signature(lookup, sender_keys(lookup.vasp_domain), check)
    check.keep()
    return uma.create_uma_lnurlp_response(
        request=lookup,
        signing_private_key=bytes.fromhex(Vasp.objects.get().signing_private_key),
        requires_travel_rule_info=False,
        callback=callback,
        encoded_metadata=metadata_for(user, user.uma_address),
        min_sendable_sats=MIN_SATS,
        max_sendable_sats=MAX_SATS,
        payer_data_options=uma.create_counterparty_data_options(
            {"compliance": True, "identifier": True} | wanted
        ),
        currency_options=[kept_by(user).as_currency()],
        receiver_kyc_status=uma.KycStatus.VERIFIED,
        comment_chars_allowed=COMMENT_CHARS,
    ).to_dict()


def answer_payreq(*, user: User, request: uma.PayRequest) -> dict:
    """A BOLT11 for the user (UMAD-06, LUD-06). Raises UmaException."""
    is_uma, vasp = request.is_uma_request(), Vasp.objects.select_related("node").get()
    payer, utxo_callback = str((request.payer_data or {}).get("identifier") or ""), ""
    if is_uma:
        domain = uma.get_vasp_domain_from_uma_address(payer)
        check = NonceCheck(domain)
        uma.verify_pay_request_signature(request, sender_keys(domain), check)
        check.keep()
        utxo_callback = uma.compliance_from_payer_data(request.payer_data).utxo_callback or ""
    check_payer_data(user, request.payer_data)
    kept = kept_by(user)
    if request.receiving_currency_code not in (None, kept.code):
        raise uma.UmaException(f"This wallet keeps {kept.code} only.", ErrorCode.INVALID_CURRENCY)
    in_units = request.sending_amount_currency_code is not None
    msats = round(request.amount * kept.msats_per_unit) if in_units else request.amount
    if not MIN_SATS * 1000 <= msats <= MAX_SATS * 1000:
        raise uma.UmaException(f"{MIN_SATS} to {MAX_SATS} sats are possible.", ErrorCode.AMOUNT_OUT_OF_RANGE)
    converted = is_uma or request.receiving_currency_code is not None
    creator = WalletInvoices(
        user,
        kind=Invoice.Kind.UMA if is_uma else Invoice.Kind.LNURL,
        payer=payer,
        note=str(request.comment or "")[:COMMENT_CHARS],
        utxo_callback=utxo_callback,
        fee_msats=kept.fee_msats,
    )
    return uma.create_pay_req_response(
        request=request,
        invoice_creator=creator,
        metadata=metadata_for(user, user.uma_address if is_uma else user.lightning_address),
        receiving_currency_code=kept.code if converted else None,
        receiving_currency_decimals=kept.decimals if converted else None,
        msats_per_currency_unit=kept.msats_per_unit if converted else None,
        receiver_fees_msats=kept.fee_msats if converted else None,
        receiver_node_pubkey=vasp.node.public_key if is_uma else None,
        utxo_callback=f"{settings.SANDBOX_URL}/uma/utxo" if is_uma else None,
        payee_identifier=user.uma_address if is_uma else None,
        signing_private_key=bytes.fromhex(vasp.signing_private_key) if is_uma else None,
    ).to_dict()
