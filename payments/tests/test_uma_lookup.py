"""Lookups of our payments: UMA senders by a signed query, all others unsigned (UMAD-04, LUD-16)."""

import hashlib
import json
import secrets
from datetime import timedelta
from urllib.parse import quote, urlsplit

import bolt11
import pytest
import uma
from django.conf import settings
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from payments.invoices import lnurl_metadata, request_invoice
from payments.models import Invoice, Payment, VaspNonce
from payments.tests.test_uma_payreq import ask, assert_refused, our_keys

FOREIGN_KEY = secrets.token_bytes(32)


def get(url: str, **headers):
    """GET of a URL at our domain as it is written, as another VASP would send it."""
    parts = urlsplit(url)
    return Client().get(f"{parts.path}?{parts.query}" if parts.query else parts.path, headers=headers)


def plain(payment: Payment, name: str = "", **headers):
    return get(f"/.well-known/lnurlp/{name or payment.reference}", **headers)


# -- UMA --------------------------------------------------------------------------------------
@pytest.mark.protocol("UMAD-04", "The answer is signed and offers exactly the price, in SAT.")
def test_a_signed_lookup_is_answered_with_the_price_and_our_signature(payment, wallet):
    answer = get(wallet.lookup_url(payment.uma_pay_address))
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert body["tag"] == "payRequest"
    assert body["minSendable"] == body["maxSendable"] == 2_500_000
    assert [(c["code"], c["decimals"], c["multiplier"]) for c in body["currencies"]] == [("SAT", 0, 1000)]
    assert body["payerData"] == {"identifier": {"mandatory": True}, "compliance": {"mandatory": True}}
    assert body["callback"] == f"{settings.SITE_URL}/api/uma/payreq/{payment.reference}"
    assert answer["Access-Control-Allow-Origin"] == "*"
    recent = uma.InMemoryNonceCache(timezone.now() - timedelta(minutes=1))
    response = uma.parse_lnurlp_response(answer.content.decode())
    uma.verify_uma_lnurlp_response_signature(response, our_keys(), recent)
    assert response.compliance.receiver_identifier == payment.uma_pay_address


@pytest.mark.protocol("UMAD-04", "The name counts in any case; we sign it as received.")
def test_the_name_counts_in_any_case_and_the_signature_in_the_received_one(payment, wallet):
    name, _, domain = payment.uma_pay_address.partition("@")
    answer = get(wallet.lookup_url(f"{name.upper()}@{domain}"))
    assert answer.status_code == 200, answer.content
    assert answer.json()["compliance"]["receiverIdentifier"] == f"{name.upper()}@{domain}"


def test_the_socket_host_plays_no_part_in_the_signature(payment, wallet):
    answer = get(wallet.lookup_url(payment.uma_pay_address), host="127.0.0.1:8000")
    assert answer.status_code == 200, answer.content


def test_a_percent_encoded_dollar_is_a_dollar(payment, wallet):
    url = wallet.lookup_url(payment.uma_pay_address)
    assert get(url.replace("$", "%24")).status_code == 200


@pytest.mark.protocol("UMAD-08", "Senders of version 0 are answered in their own words.")
def test_a_version_0_sender_gets_version_0_currencies(payment, wallet):
    url = uma.create_uma_lnurlp_request_url(
        wallet.signing_key, payment.uma_pay_address, wallet.domain, False, uma_version_override="0.3"
    )
    body = get(url).json()
    assert body["umaVersion"] == "0.3"
    assert body["currencies"][0]["maxSendable"] == 2500


@pytest.mark.protocol("UMAD-08", "412 tells which versions we speak.")
def test_an_unknown_version_is_told_which_ones_we_speak(payment, wallet):
    url = wallet.lookup_url(payment.uma_pay_address).replace("umaVersion=1", "umaVersion=9")
    answer = get(url)
    assert_refused(answer, "UNSUPPORTED_UMA_VERSION", 412)
    assert sorted(answer.json()["supportedMajorVersions"]) == [0, 1]


@pytest.mark.protocol("UMAD-03", "A lookup needs its VASP's signature.")
def test_a_lookup_signed_with_another_key_is_refused(payment, wallet):
    url = wallet.lookup_url(payment.uma_pay_address, key=FOREIGN_KEY)
    assert_refused(get(url), "INVALID_SIGNATURE", 401)
    assert not VaspNonce.objects.exists()


@pytest.mark.protocol("UMAD-03", "A nonce counts once for each VASP.")
def test_a_replayed_lookup_is_refused(payment, wallet):
    url = wallet.lookup_url(payment.uma_pay_address)
    assert get(url).status_code == 200
    assert_refused(get(url), "INVALID_NONCE", 400)


def test_a_lookup_of_nobody_asks_no_server(payment, wallet):
    answer = get(wallet.lookup_url(f"$nobody@{settings.UMA_DOMAIN}"))
    assert_refused(answer, "USER_NOT_FOUND", 404)
    assert wallet.asked == []


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("nonce=", "x=", "MISSING_REQUIRED_UMA_PARAMETERS"),
        ("timestamp=", "timestamp=9999999", "PARSE_LNURLP_REQUEST_ERROR"),
        ("timestamp=", "timestamp=9", "INVALID_TIMESTAMP"),
        ("timestamp=", "timestamp=x", "PARSE_LNURLP_REQUEST_ERROR"),
        ("umaVersion=1.3", "umaVersion=1", "PARSE_LNURLP_REQUEST_ERROR"),
        ("nonce=", "nonce=%0d%0a", "INVALID_NONCE"),
        ("nonce=", "nonce=%00", "INVALID_NONCE"),
        ("signature=30", "signature=31", "INVALID_SIGNATURE"),
        ("vaspDomain=", "vaspDomain=10.0.0.1%23", "COUNTERPARTY_PUBKEY_FETCH_ERROR"),
        ("vaspDomain=", "vaspDomain=%00", "COUNTERPARTY_PUBKEY_FETCH_ERROR"),
    ],
)
@pytest.mark.protocol(
    "UMAD-03", "What cannot be read or is too old gets an error code of the protocol's list."
)
def test_a_hostile_lookup_is_refused_in_umas_words(payment, wallet, old, new, code):
    answer = get(wallet.lookup_url(payment.uma_pay_address).replace(old, new, 1))
    assert 400 <= answer.status_code < 500
    assert answer.json()["code"] == code, answer.content
    assert not VaspNonce.objects.exists()


# -- plain LNURL ------------------------------------------------------------------------------
@pytest.mark.parametrize("mark", ["", "$", "%24"])
@pytest.mark.protocol("LUD-16", "Every order is a Lightning address of its own.")
def test_any_lightning_wallet_finds_the_payment(payment, mark):
    answer = plain(payment, mark + payment.reference.upper())
    assert answer.status_code == 200
    body = answer.json()
    assert (body["tag"], body["minSendable"], body["maxSendable"]) == ("payRequest", 2_500_000, 2_500_000)
    assert ["text/plain", "A seat"] in json.loads(body["metadata"])
    assert ["text/identifier", payment.pay_address] in json.loads(body["metadata"])
    assert answer["Access-Control-Allow-Origin"] == "*"


@pytest.mark.protocol("LUD-16", "Only what can be paid now is found.")
def test_what_cannot_be_paid_is_not_there(make_payment):
    overdue = make_payment(due_at=timezone.now() - timedelta(seconds=1))
    assert_refused(plain(overdue), "USER_NOT_FOUND", 404)
    assert_refused(plain(overdue, "nobody"), "USER_NOT_FOUND", 404)


@pytest.mark.protocol("LUD-06", "The BOLT11 is over the price, with the hash of the metadata.")
@pytest.mark.protocol("LUD-21", "`verify` says whether the invoice is settled, without a preimage.")
def test_a_plain_payer_gets_the_open_invoice_as_it_is(payment, node):
    row = payment.invoices.get()
    request_invoice(row)
    for _ in range(2):
        body = get(f"/api/uma/payreq/{payment.reference}?amount=2500000").json()
        assert body["pr"] == row.bolt11
    decoded = bolt11.decode(body["pr"])
    assert decoded.amount_msat == 2_500_000
    assert decoded.description_hash == hash_of(lnurl_metadata(payment))
    status = get(body["verify"]).json()
    assert status == {"status": "OK", "settled": False, "preimage": None, "pr": row.bolt11}
    row.advance("paid")
    assert get(body["verify"]).json()["settled"] is True


def hash_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_plain_payer_after_a_uma_payer_gets_a_plain_invoice(payment, wallet, node):
    of_bob = ask(payment, wallet.sign_pay_request()).json()["pr"]
    body = get(f"/api/uma/payreq/{payment.reference}?amount=2500000").json()
    assert bolt11.decode(body["pr"]).description_hash == hash_of(lnurl_metadata(payment))
    assert Invoice.objects.get(bolt11=of_bob).status == "open"
    assert payment.invoices.get(bolt11=body["pr"]).slot == "plain"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("amount=2500", "AMOUNT_OUT_OF_RANGE"),
        ("amount=2499999", "AMOUNT_OUT_OF_RANGE"),
        ("amount=-2500000", "AMOUNT_OUT_OF_RANGE"),
        ("amount=", "MISSING_REQUIRED_UMA_PARAMETERS"),
        ("", "MISSING_REQUIRED_UMA_PARAMETERS"),
        ("amount=2500000.0", "INVALID_CURRENCY"),
        ("amount=NaN", "PARSE_PAYREQ_REQUEST_ERROR"),
        ("amount=%00", "PARSE_PAYREQ_REQUEST_ERROR"),
        ("amount=" + "9" * 6000, "PARSE_PAYREQ_REQUEST_ERROR"),
    ],
)
@pytest.mark.protocol("LUD-06", "Any other amount is refused.")
def test_a_plain_payer_must_ask_for_the_price(payment, query, code):
    assert_refused(get(f"/api/uma/payreq/{payment.reference}?{query}"), code, 400)


def test_an_invoice_nobody_made_has_no_status(db):
    assert get(f"/api/uma/verify/{'0' * 64}").status_code == 404


# -- whatever comes ---------------------------------------------------------------------------
_words = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=40)
_names = st.sampled_from(
    ["signature", "vaspDomain", "nonce", "timestamp", "umaVersion", "isSubjectToTravelRule", "amount",
     "backingSignatures", "convert", "payerData", "comment"]
)  # fmt: skip
_values = st.one_of(
    _words, st.integers().map(str), st.sampled_from(["1.3", "0.3", "9.9", "localhost:1", "00"])
)


@hypothesis_settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@example(query={"signature": "00", "vaspDomain": "[", "nonce": "1", "timestamp": "1", "umaVersion": "1.3"})
@example(query={"signature": "0", "vaspDomain": "::", "nonce": "1", "timestamp": "-1e9", "umaVersion": "1.3"})
@given(query=st.dictionaries(_names, _values, max_size=8))
def test_no_query_is_a_server_error(payment, query):
    text = "&".join(f"{name}={quote(value)}" for name, value in query.items())
    for path in ("/.well-known/lnurlp/$", "/api/uma/payreq/"):
        assert get(f"{path}{payment.reference}?{text}").status_code in (200, 400, 401, 404, 412, 424, 503)


@hypothesis_settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(name=_words.filter(lambda word: word not in ("", ".", "..")))
def test_no_name_is_a_server_error(db, name):
    assert get(f"/.well-known/lnurlp/{quote(name, safe='')}").status_code in (400, 404)


# -- from a browser ---------------------------------------------------------------------------
@pytest.mark.protocol("LUD-06", "A wallet in a browser may ask too, from any origin.")
def test_a_wallet_in_a_browser_may_ask(payment, wallet, node):
    address, origin = f"/api/uma/payreq/{payment.reference}", {"Origin": "https://wallet.example"}
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    may = Client().options(address, headers=origin | asked)
    assert (may.status_code, may["Access-Control-Allow-Origin"]) == (200, "https://wallet.example")
    assert "POST" in may["Access-Control-Allow-Methods"]
    assert "content-type" in may["Access-Control-Allow-Headers"]
    body = wallet.sign_pay_request()
    answer = Client().post(address, body, content_type="application/json", headers=origin)
    assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (200, "https://wallet.example")
    assert "Access-Control-Allow-Credentials" not in answer.headers
