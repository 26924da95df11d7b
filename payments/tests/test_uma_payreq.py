"""Pay requests: a valid signature and the right amount get a BOLT11 over the price (UMAD-05)."""

import copy
import json
import logging
import secrets
from datetime import timedelta

import bolt11
import pytest
import uma
from django.test import Client
from django.utils import timezone

from payments.models import Invoice, Payment, VaspNonce
from tests.factories import VaspNonceFactory

FOREIGN_KEY = secrets.token_bytes(32)


def ask(payment: Payment | str, body: dict | bytes):
    """POST a pay request as another VASP would."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    reference = payment if isinstance(payment, str) else payment.reference
    return Client().post(f"/api/uma/payreq/{reference}", data=data, content_type="application/json")


def assert_refused(answer, code: str, status: int) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.content
    assert answer.json()["status"] == "ERROR"
    assert answer.json()["reason"]


def our_keys() -> uma.PubkeyResponse:
    return uma.PubkeyResponse.from_json(Client().get("/.well-known/lnurlpubkey").content.decode())


# -- the way it should go ---------------------------------------------------------------------
@pytest.mark.protocol("UMAD-06", "A BOLT11 over the price, `converted`, our node's key.")
def test_a_signed_pay_request_gets_a_bolt11_over_the_price(payment, wallet, node):
    answer = ask(payment, wallet.sign_pay_request())
    assert answer.status_code == 200, answer.content
    body = answer.json()
    decoded = bolt11.decode(body["pr"])
    assert (decoded.amount_msat, decoded.currency) == (2_500_000, "bcrt")
    assert body["converted"] == {
        "amount": 2500, "currencyCode": "SAT", "decimals": 0, "multiplier": 1000, "fee": 0,
        "exchangeFeesMillisatoshi": 0,
    }  # fmt: skip
    assert body["disposable"] is True
    assert body["payeeData"]["identifier"] == payment.uma_pay_address
    assert body["payeeData"]["compliance"]["nodePubKey"] == decoded.payee
    assert len(body["payeeData"]["compliance"]["utxoCallback"]) < 255
    invoice = Invoice.objects.get(bolt11=body["pr"])
    assert (invoice.status, invoice.kind, invoice.payer) == ("open", "uma", f"$bob@{wallet.domain}")


@pytest.mark.protocol("UMAD-06", "The answer is signed for this payer and this payee.")
def test_our_answer_is_signed_for_this_payer(payment, wallet, node):
    answer = ask(payment, wallet.sign_pay_request())
    response = uma.parse_pay_req_response(answer.content.decode())

    def verify(payer: str) -> None:
        recent = uma.InMemoryNonceCache(timezone.now() - timedelta(minutes=1))
        us = payment.uma_pay_address
        uma.verify_pay_req_response_signature(payer, us, response, our_keys(), recent)

    verify(f"$bob@{wallet.domain}")
    with pytest.raises(uma.InvalidSignatureException):
        verify(f"$eve@{wallet.domain}")


@pytest.mark.protocol("UMAD-08", "A pay request of version 0 is answered in version 0.")
def test_a_version_0_sender_is_answered_in_version_0(payment, wallet, node):
    answer = ask(payment, wallet.sign_pay_request(uma_major_version=0))
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert body["paymentInfo"]["currencyCode"] == "SAT"
    assert body["compliance"]["nodePubKey"]
    assert bolt11.decode(body["pr"]).amount_msat == 2_500_000


@pytest.mark.protocol("UMAD-06", "The same payer gets the same open invoice again.")
def test_the_same_payer_gets_the_same_invoice_again(payment, wallet, node):
    first, second = (ask(payment, wallet.sign_pay_request()).json()["pr"] for _ in range(2))
    assert first == second


# -- amounts ----------------------------------------------------------------------------------
@pytest.mark.parametrize("amount", ["2500.SAT", "2500000", "2500", 2_500_000])
@pytest.mark.protocol("UMAD-05", "The price is accepted in SAT and in msats.")
def test_the_price_in_sats_or_msats_is_accepted(payment, wallet, node, amount):
    """The bare 2500 means msats, but some wallets write it for 2500 sats; they get the full price."""
    answer = ask(payment, wallet.sign_pay_request() | {"amount": amount})
    assert answer.status_code == 200, answer.content
    assert bolt11.decode(answer.json()["pr"]).amount_msat == 2_500_000


@pytest.mark.parametrize(
    "amount",
    [
        "2499.SAT",
        "2501.SAT",
        "0.SAT",
        "-2500.SAT",
        "2500000.SAT",
        "2499999",
        "2500001",
        "0",
        "1",
        "-2500",
        2501,
    ],
)
@pytest.mark.protocol("UMAD-05", "Any other amount is refused: amounts are not signed.")
def test_any_other_amount_is_refused(payment, wallet, amount):
    answer = ask(payment, wallet.sign_pay_request() | {"amount": amount})
    assert_refused(answer, "AMOUNT_OUT_OF_RANGE", 400)
    assert not VaspNonce.objects.exists()


@pytest.mark.parametrize("change", [{"amount": "2500.USD"}, {"convert": "USD"}, {"convert": "sat"}])
def test_another_currency_is_refused(payment, wallet, change):
    assert_refused(ask(payment, wallet.sign_pay_request() | change), "INVALID_CURRENCY", 400)


# -- who signed -------------------------------------------------------------------------------
@pytest.mark.protocol("UMAD-05", "A pay request needs the signature of the payer's VASP.")
def test_a_request_signed_with_another_key_is_refused(payment, wallet):
    answer = ask(payment, wallet.sign_pay_request(key=FOREIGN_KEY))
    assert_refused(answer, "INVALID_SIGNATURE", 401)


@pytest.mark.protocol("UMAD-05", "A nonce counts once; a forged request burns none.")
def test_a_replayed_request_is_refused(payment, wallet, node):
    request = wallet.sign_pay_request()
    assert ask(payment, request).status_code == 200
    assert_refused(ask(payment, request), "INVALID_NONCE", 400)


def test_a_forged_request_burns_no_honest_nonce(payment, wallet, node):
    honest = wallet.sign_pay_request()
    forged = copy.deepcopy(honest)
    another = wallet.sign_pay_request(key=FOREIGN_KEY)["payerData"]["compliance"]["signature"]
    forged["payerData"]["compliance"]["signature"] = another
    assert_refused(ask(payment, forged), "INVALID_SIGNATURE", 401)
    assert ask(payment, honest).status_code == 200


def test_the_same_nonce_of_another_vasp_is_another_nonce(payment, wallet, node):
    request = wallet.sign_pay_request()
    nonce = request["payerData"]["compliance"]["signatureNonce"]
    VaspNonceFactory(domain="other.example", nonce=nonce)
    assert ask(payment, request).status_code == 200
    assert VaspNonce.objects.filter(nonce=nonce, domain=wallet.domain).exists()


@pytest.mark.parametrize("minutes", [-11, -6, 2, 11])
def test_an_old_or_future_signature_is_refused(payment, wallet, minutes, time_machine):
    now = timezone.now()
    time_machine.move_to(now + timedelta(minutes=minutes))
    request = wallet.sign_pay_request()
    time_machine.move_to(now)
    assert_refused(ask(payment, request), "INVALID_TIMESTAMP", 400)


@pytest.mark.protocol("UMAD-05", "Backing signatures, three at most, are checked.")
def test_a_backing_signature_must_verify_too(payment, wallet, node):
    request = uma.parse_pay_request(json.dumps(wallet.sign_pay_request()))
    request.append_backing_signature(wallet.signing_key, wallet.domain)
    assert ask(payment, request.to_dict()).status_code == 200
    request = uma.parse_pay_request(json.dumps(wallet.sign_pay_request()))
    request.append_backing_signature(FOREIGN_KEY, wallet.domain)
    assert_refused(ask(payment, request.to_dict()), "INVALID_SIGNATURE", 401)


# -- what can be paid -------------------------------------------------------------------------
def test_an_unknown_reference_is_not_found(payment, wallet):
    for reference in ("nobody", "x" * 300, "%00", "ref'--"):
        assert ask(reference, wallet.sign_pay_request()).status_code == 404


def test_what_is_over_cannot_be_paid(make_payment, wallet):
    overdue = make_payment(due_at=timezone.now() - timedelta(seconds=1))
    settled = make_payment()
    settled.advance("settled", paid_at=timezone.now())
    closed = make_payment()
    closed.advance("closed")
    for payment in (overdue, settled, closed):
        assert_refused(ask(payment, wallet.sign_pay_request()), "INVOICE_EXPIRED", 400)
    assert wallet.asked == []


def test_a_node_that_is_away_is_our_trouble(payment, wallet):
    answer = ask(payment, wallet.sign_pay_request())
    assert_refused(answer, "INTERNAL_ERROR", 503)
    assert answer["Retry-After"] == "5"


# -- hostile input ----------------------------------------------------------------------------
def _set(path: str, value):
    def edit(request: dict) -> dict:
        *parents, last = path.split(".")
        inner = request
        for name in parents:
            inner = inner[name]
        inner[last] = value
        return request

    return edit


_COMPLIANCE = "payerData.compliance"
HOSTILE = {
    "payer data is text": _set("payerData", "compliance"),
    "identifier without $": _set("payerData.identifier", "bob@wallet.example"),
    "identifier with a port": _set("payerData.identifier", "$bob@wallet.example:22"),
    "identifier with userinfo": _set("payerData.identifier", "$bob@good.example@evil.example"),
    "identifier of this machine": _set("payerData.identifier", "$bob@localhost"),
    "identifier of 1 MB": _set("payerData.identifier", "$" + "a" * 60_000 + "@wallet.example"),
    "compliance is a list": _set(_COMPLIANCE, []),
    "signature is not DER": _set(f"{_COMPLIANCE}.signature", "ff" * 70),
    "signature is short": _set(f"{_COMPLIANCE}.signature", "30"),
    "signature with spaces": _set(f"{_COMPLIANCE}.signature", "30 45 02"),
    "nonce is a number": _set(f"{_COMPLIANCE}.signatureNonce", 5),
    "nonce is empty": _set(f"{_COMPLIANCE}.signatureNonce", ""),
    "nonce is a surrogate": _set(f"{_COMPLIANCE}.signatureNonce", "\ud800"),
    "timestamp is true": _set(f"{_COMPLIANCE}.signatureTimestamp", True),
    "timestamp is a float": _set(f"{_COMPLIANCE}.signatureTimestamp", 1e300),
    "kyc status is a list": _set(f"{_COMPLIANCE}.kycStatus", []),
    "utxos of lists": _set(f"{_COMPLIANCE}.utxos", [[]]),
    "many backing signatures": _set(
        f"{_COMPLIANCE}.backingSignatures", [{"domain": "a.example", "signature": "00"}] * 4
    ),
    "backing signature of text": _set(f"{_COMPLIANCE}.backingSignatures", ["x"]),
    "backing signature of the metadata server": _set(
        f"{_COMPLIANCE}.backingSignatures", [{"domain": "169.254.169.254", "signature": "00"}]
    ),
    "settlement is text": _set("settlement", "x"),
    "payee data is text": _set("payeeData", "x"),
    "amount with two dots": _set("amount", "2500.SAT.SAT"),
    "amount is true": _set("amount", True),
}


@pytest.mark.parametrize("edit", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_input_is_refused_and_burns_no_nonce(payment, wallet, edit):
    answer = ask(payment, edit(wallet.sign_pay_request()))
    assert 400 <= answer.status_code < 500, answer.content
    assert answer.json()["status"] == "ERROR"
    assert not VaspNonce.objects.exists()


def test_a_request_of_more_than_64_kb_is_refused(payment, wallet):
    request = wallet.sign_pay_request() | {"comment": "x" * 70_000}
    assert_refused(ask(payment, request), "INVALID_REQUEST_FORMAT", 413)


def test_what_a_payer_tells_about_itself_is_not_logged(payment, wallet, node, caplog):
    caplog.set_level(logging.DEBUG)
    request = wallet.sign_pay_request(payer_name="Secret Name", payer_email="secret@example.com")
    assert ask(payment, request).status_code == 200
    assert_refused(ask(payment, request), "INVALID_NONCE", 400)
    assert "ecret" not in caplog.text
