"""Bytes that leave us, checked against the specification without the SDK that wrote them."""

import hashlib
import json
import re
from datetime import timedelta

import bech32
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from payments.models import Payment
from payments.tests.test_uma_lookup import get
from payments.tests.test_uma_payreq import ask
from payments.uma.post_transaction import _signed_note
from payments.uma.push import sign_uma_invoice
from ticketsuma.money import MAX_SATS

QUICK = hypothesis_settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None
)


def assert_signed(text: str | bytes, signature: str | bytes) -> None:
    """ECDSA over secp256k1 of the SHA-256 of `text`, DER, by the key that we publish."""
    published = Client().get("/.well-known/lnurlpubkey").json()
    certificate = x509.load_der_x509_certificate(bytes.fromhex(published["signingCertChain"][0]))
    key = certificate.public_key()
    numbers = key.public_numbers()
    assert published["signingPubKey"] == f"04{numbers.x:064x}{numbers.y:064x}"
    payload = text.encode() if isinstance(text, str) else text
    der = bytes.fromhex(signature) if isinstance(signature, str) else signature
    key.verify(der, payload, ec.ECDSA(hashes.SHA256()))


def signed_fields(compliance: dict) -> list[str]:
    return [compliance["signatureNonce"], str(compliance["signatureTimestamp"])]


# -- JSON -------------------------------------------------------------------------------------
@pytest.mark.protocol("UMAD-04", "Byte for byte: receiver|nonce|timestamp is what is signed.")
def test_the_lookup_answer_signs_receiver_nonce_and_time(payment, wallet):
    compliance = get(wallet.lookup_url(payment.uma_pay_address)).json()["compliance"]
    assert compliance["receiverIdentifier"] == payment.uma_pay_address
    said = [compliance["receiverIdentifier"], *signed_fields(compliance)]
    assert_signed("|".join(said), compliance["signature"])


@pytest.mark.protocol("UMAD-06", "Byte for byte: payer|payee|nonce|timestamp is what is signed.")
def test_the_payreq_answer_signs_payer_payee_nonce_and_time(payment, wallet, node):
    answer = ask(payment, wallet.sign_pay_request()).json()
    compliance = answer["payeeData"]["compliance"]
    said = [f"$bob@{wallet.domain}", payment.uma_pay_address, *signed_fields(compliance)]
    assert_signed("|".join(said), compliance["signature"])
    assert set(answer) >= {"pr", "routes", "converted", "payeeData", "disposable", "successAction"}
    assert answer["routes"] == []


@pytest.mark.protocol("UMAD-07", "Byte for byte: nonce|timestamp is what is signed of our note.")
def test_the_note_after_a_payment_signs_nonce_and_time(settings):
    note = json.loads(json.dumps(_signed_note([("ab" * 32 + ":1", 5000)])))
    assert note["utxos"] == [{"utxo": "ab" * 32 + ":1", "amountMsats": 5000}]
    assert (note["vaspDomain"], note["transactionStatus"]) == (settings.UMA_DOMAIN, "COMPLETED")
    assert_signed("|".join(signed_fields(note)), note["signature"])


# -- the UMA invoice --------------------------------------------------------------------------
RECEIVER, UUID, AMOUNT, CURRENCY, END, TRAVEL_RULE, PAYER_DATA, VERSIONS = range(8)
COMMENT, SENDER, LIMIT, KYC, CALLBACK, SIGNATURE = 8, 9, 10, 11, 12, 100


def read_tlv(data: bytes) -> dict[int, bytes]:
    """Type, length, value: one byte, one byte, that many bytes; each type once, in rising order."""
    found: dict[int, bytes] = {}
    while data:
        kind, length, rest = data[0], data[1], data[2:]
        assert not found or kind > max(found)
        assert len(rest) >= length
        found[kind], data = rest[:length], rest[length:]
    return found


def read_uma_invoice(text: str) -> tuple[dict[int, bytes], bytes]:
    """The fields of a bech32 `uma1…`, and the bytes that are signed: all before the signature."""
    prefix, words = _long(text)
    assert prefix == "uma"
    data = bytes(bech32.convertbits(words, 5, 8, False))
    fields = read_tlv(data)
    signed = data[: len(data) - len(fields[SIGNATURE]) - 2]
    return fields, signed


def _long(text: str) -> tuple[str, list[int]]:
    """bech32 without its limit of 90 characters, which UMA invoices pass."""
    prefix, _, rest = text.rpartition("1")
    words = [bech32.CHARSET.index(letter) for letter in rest]
    assert bech32.bech32_verify_checksum(prefix, words)
    return prefix, words[:-6]


@pytest.mark.protocol(
    "UMAD-09", "Byte for byte: bech32 of TLV, the fields in order, the signature over them."
)
def test_the_uma_invoice_is_the_tlv_of_the_specification(make_payment, settings):
    payment = make_payment(uma_address="$ann@wallet.example")
    fields, signed = read_uma_invoice(sign_uma_invoice(payment))
    assert_signed(signed, fields[SIGNATURE])
    number = lambda kind: int.from_bytes(fields[kind], "big")  # noqa: E731
    assert fields[RECEIVER].decode() == payment.uma_pay_address
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", fields[UUID].decode())
    assert (number(AMOUNT), number(END)) == (2500, int(payment.due_at.timestamp()))
    currency = read_tlv(fields[CURRENCY])
    assert (currency[0], currency[1], currency[3]) == (b"SAT", b"Satoshis", b"\0")
    assert (number(TRAVEL_RULE), number(COMMENT), number(LIMIT)) == (0, 140, 1)
    assert fields[PAYER_DATA] == b"compliance:1,identifier:1"
    assert "1.3" in fields[VERSIONS].decode().split(",")
    assert fields[SENDER].decode() == "$ann@wallet.example"
    assert fields[CALLBACK].decode() == f"{settings.SITE_URL}/api/uma/payreq/{payment.reference}"
    assert set(fields) == {*range(13), SIGNATURE}


@QUICK
@given(
    amount_sats=st.integers(1, MAX_SATS),
    reference=st.from_regex(r"[a-z0-9_-]{1,40}", fullmatch=True),
    sender=st.just("") | st.from_regex(r"\$[a-z0-9._+-]{1,63}@[a-z0-9]{1,60}\.[a-z]{2,60}", fullmatch=True),
    seconds=st.integers(1, 10**9),
)
@example(amount_sats=MAX_SATS, reference="z" * 40, sender="$" + "a" * 63 + "@" + "b" * 60 + ".de", seconds=1)
@pytest.mark.protocol("UMAD-09", "Any amount, name and end survive the encoding.")
def test_whatever_is_due_survives_the_encoding(amount_sats, reference, sender, seconds):
    payment = Payment(
        amount_sats=amount_sats, reference=reference, uma_address=sender, memo="x",
        due_at=timezone.now() + timedelta(seconds=seconds),
    )  # fmt: skip
    fields, _ = read_uma_invoice(sign_uma_invoice(payment))
    assert int.from_bytes(fields[AMOUNT], "big") == amount_sats
    assert int.from_bytes(fields[END], "big") == int(payment.due_at.timestamp())
    assert fields[RECEIVER].decode() == payment.uma_pay_address
    assert fields.get(SENDER, b"").decode() == sender


# -- amounts ----------------------------------------------------------------------------------
ODD = st.one_of(
    st.integers(), st.floats(), st.text(max_size=30), st.booleans(), st.none(), st.lists(st.integers()),
    st.from_regex(r"-?[0-9]{1,30}(\.[A-Z]{0,4}){0,2}", fullmatch=True),
)  # fmt: skip
PRICE = {"2500.SAT", "2500000", "2500"}


@QUICK
@given(amount=ODD)
@example(amount="2500.0")
@example(amount=" 2500.SAT")
@example(amount="+2500.SAT")
@example(amount="٢٥٠٠.SAT")
@example(amount=2500.0)
@example(amount=1e999)
def test_no_amount_but_the_price_is_let_in_and_none_is_a_server_error(payment, wallet, amount):
    """The node is away here, so the price itself gets a 503: it was let in and is our trouble."""
    request = wallet.sign_pay_request() | {"amount": amount}
    answer = ask(payment, json.dumps(request).encode())
    let_in = (type(amount) is int and amount in (2500, 2_500_000)) or (
        type(amount) is str and amount in PRICE
    )
    assert (answer.status_code == 503) == let_in, (amount, answer.content)
    assert answer.json()["status"] == "ERROR"
    if not let_in:
        assert 400 <= answer.status_code < 500


@QUICK
@given(amount=st.text(max_size=20) | st.from_regex(r"-?[0-9]{1,30}(\.[A-Z]{0,4})?", fullmatch=True))
def test_no_amount_of_a_plain_wallet_but_the_price_is_let_in(payment, amount):
    answer = Client().get(f"/api/uma/payreq/{payment.reference}", {"amount": amount})
    if amount not in {"2500000", "2500.SAT"}:
        assert 400 <= answer.status_code < 500, (amount, answer.content)
    assert answer.json()["status"] == "ERROR"


# -- metadata ---------------------------------------------------------------------------------
@pytest.mark.protocol("LUD-06", "Byte for byte: the BOLT11's h tag is the SHA-256 of the metadata we showed.")
def test_the_bolt11_commits_to_the_metadata_as_it_was_sent(payment, node):
    import bolt11

    lookup = Client().get(f"/.well-known/lnurlp/{payment.reference}")
    metadata = re.search(rb'"metadata": ("(?:[^"\\]|\\.)*")', lookup.content)[1]
    shown = json.loads(metadata)
    pr = Client().get(f"/api/uma/payreq/{payment.reference}", {"amount": "2500000"}).json()["pr"]
    assert bolt11.decode(pr).description_hash == hashlib.sha256(shown.encode()).hexdigest()
