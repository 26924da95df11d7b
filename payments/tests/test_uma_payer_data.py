"""Payer data: comments, travel rule information, callback addresses."""

import logging
import secrets

import ecies
import pytest
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from payments.invoices import lnurl_metadata
from payments.models import Invoice, VaspNonce
from payments.services import forget_payers
from payments.tests.test_uma_lookup import get, plain
from payments.tests.test_uma_payreq import ask, assert_refused, our_keys
from payments.uma.payer_data import clean_comment
from payments.uma.push import ensure_uma_invoice
from tests.environment import key_pair

SECRET = '{"originator": {"name": "Secret Name"}}'


def invoice_of(answer) -> Invoice:
    assert answer.status_code == 200, answer.content
    return Invoice.objects.get(bolt11=answer.json()["pr"])


def ask_plainly(payment, **more):
    return Client().get(f"/api/uma/payreq/{payment.reference}", {"amount": "2500000"} | more)


# -- comments ---------------------------------------------------------------------------------
@pytest.mark.protocol("LUD-12", "Comments of up to 140 characters are allowed, in every kind of request.")
def test_every_way_to_pay_says_that_a_comment_is_welcome(payment, wallet):
    import uma

    assert plain(payment).json()["commentAllowed"] == 140
    assert get(wallet.lookup_url(payment.uma_pay_address)).json()["commentAllowed"] == 140
    assert uma.Invoice.from_bech32_string(ensure_uma_invoice(payment)).comment_chars_allowed == 140


@pytest.mark.parametrize("major", [1, 0])
@pytest.mark.protocol("LUD-12", "A payer's comment is kept with the invoice, for staff to read.")
def test_a_comment_is_kept_with_the_invoice(payment, wallet, node, major):
    request = wallet.sign_pay_request(uma_major_version=major) | {"comment": "For Ann & Bea <3"}
    assert invoice_of(ask(payment, request)).comment == "For Ann & Bea <3"
    assert invoice_of(ask_plainly(payment, comment="¡Olé! 🎉")).comment == "¡Olé! 🎉"


def test_the_last_comment_counts_and_silence_changes_nothing(payment, node):
    for words in ("first", "second", ""):
        ask_plainly(payment, comment=words)
    assert invoice_of(ask_plainly(payment)).comment == "second"


@pytest.mark.protocol("LUD-12", "A comment that is too long is cut, and never a reason to refuse.")
@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("x" * 141, "x" * 140),
        ("x" * 30_000, "x" * 140),
        ("two\r\nlines\0\x1b[31m", "two lines [31m"),
        ("\u202egpj.exe \u2066x\u2069 a\u200bb", "gpj.exe x a b"),
        ("\ud800", ""),
        ("   ", ""),
        (None, ""),
        (5, ""),
    ],
)
def test_a_hostile_comment_is_cut_and_cleaned(payment, wallet, node, said, kept):
    assert invoice_of(ask(payment, wallet.sign_pay_request() | {"comment": said})).comment == kept


@given(st.text())
def test_what_is_kept_of_a_comment_is_short_and_printable(text):
    kept = clean_comment(text)
    assert len(kept) <= 140
    assert kept == kept.strip()
    assert kept.isprintable()
    assert clean_comment(kept) == kept


def test_the_bolt11_still_commits_to_what_was_looked_up(payment, node):
    """A comment changes no metadata, so the QR serves every wallet."""
    import hashlib

    import bolt11

    answer = ask_plainly(payment, comment="Hello")
    expected = hashlib.sha256(lnurl_metadata(payment).encode()).hexdigest()
    assert bolt11.decode(answer.json()["pr"]).description_hash == expected


# -- travel rule ------------------------------------------------------------------------------
def with_travel_rule(wallet, **options) -> dict:
    keys = our_keys().get_encryption_pubkey()
    usual = {"encryption_pubkey": keys, "travel_rule_info": SECRET, "travel_rule_format": "ivms@101.2023"}
    return wallet.sign_pay_request(**(usual | options))


@pytest.mark.protocol("UMAD-05", "Travel rule information that is sent is decrypted, and then dropped.")
def test_travel_rule_information_is_read_and_dropped(payment, wallet, node, caplog):
    caplog.set_level(logging.DEBUG)
    invoice = invoice_of(ask(payment, with_travel_rule(wallet)))
    assert (invoice.travel_rule, invoice.travel_rule_format) == ("", "")
    assert "Secret" not in caplog.text


@pytest.mark.protocol("UMAD-05", "With `UMA_KEEP_TRAVEL_RULE=1` it is kept with the invoice.")
def test_travel_rule_information_is_kept_where_the_law_wants_it(payment, wallet, node, settings, caplog):
    caplog.set_level(logging.DEBUG)
    settings.UMA_KEEP_TRAVEL_RULE = True
    invoice = invoice_of(ask(payment, with_travel_rule(wallet)))
    assert (invoice.travel_rule, invoice.travel_rule_format) == (SECRET, "ivms@101.2023")
    assert "Secret" not in caplog.text


@pytest.mark.protocol("UMAD-05", "Travel rule information that our key does not open is refused.")
def test_travel_rule_information_for_another_key_is_refused(payment, wallet, caplog):
    other = ecies.keys.PrivateKey("secp256k1").public_key.to_bytes()
    answer = ask(payment, with_travel_rule(wallet, encryption_pubkey=other))
    assert_refused(answer, "PARSE_PAYREQ_REQUEST_ERROR", 400)
    assert not VaspNonce.objects.exists()


BROKEN = ["00", "04" + "11" * 64, "ff" * 200, "zz", "0", 5, ["00"], {"x": 1}, True, "00" * 25_000]


@pytest.mark.parametrize("hidden", BROKEN, ids=lambda hidden: str(hidden)[:12])
@pytest.mark.parametrize("keep", [True, False])
def test_a_broken_ciphertext_is_refused_and_burns_no_nonce(payment, wallet, settings, hidden, keep):
    settings.UMA_KEEP_TRAVEL_RULE = keep
    request = wallet.sign_pay_request()
    request["payerData"]["compliance"]["encryptedTravelRuleInfo"] = hidden
    assert_refused(ask(payment, request), "PARSE_PAYREQ_REQUEST_ERROR", 400)
    assert not VaspNonce.objects.exists()


@pytest.mark.parametrize("form", ["x" * 61, "a b", "\0", 5, ["ivms"]])
def test_a_format_that_is_no_name_is_refused(payment, wallet, form):
    request = with_travel_rule(wallet)
    request["payerData"]["compliance"]["travelRuleFormat"] = form
    assert_refused(ask(payment, request), "PARSE_PAYREQ_REQUEST_ERROR", 400)


def test_one_changed_bit_makes_travel_rule_information_unreadable(payment, wallet):
    request = with_travel_rule(wallet)
    compliance = request["payerData"]["compliance"]
    last = int(compliance["encryptedTravelRuleInfo"][-1], 16) ^ 1
    compliance["encryptedTravelRuleInfo"] = compliance["encryptedTravelRuleInfo"][:-1] + f"{last:x}"
    assert_refused(ask(payment, request), "PARSE_PAYREQ_REQUEST_ERROR", 400)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a\0b", b"\xed\xa0\x80"])
def test_bytes_that_are_no_text_are_refused(payment, wallet, settings, content):
    settings.UMA_KEEP_TRAVEL_RULE = True
    request = wallet.sign_pay_request()
    hidden = ecies.encrypt(our_keys().get_encryption_pubkey(), content).hex()
    request["payerData"]["compliance"]["encryptedTravelRuleInfo"] = hidden
    assert_refused(ask(payment, request), "PARSE_PAYREQ_REQUEST_ERROR", 400)


@hypothesis_settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None
)
@given(st.binary(min_size=1, max_size=200))
def test_no_bytes_break_the_decryption(payment, wallet, blob):
    request = wallet.sign_pay_request()
    request["payerData"]["compliance"]["encryptedTravelRuleInfo"] = blob.hex()
    assert_refused(ask(payment, request), "PARSE_PAYREQ_REQUEST_ERROR", 400)


def test_a_shop_without_its_encryption_key_refuses_too(payment, wallet, settings):
    request = with_travel_rule(wallet)
    settings.UMA_ENCRYPTION_PRIVATE_KEY = key_pair("ENCRYPTION")["UMA_ENCRYPTION_PRIVATE_KEY"]
    assert_refused(ask(payment, request), "PARSE_PAYREQ_REQUEST_ERROR", 400)


# -- where to tell them -----------------------------------------------------------------------
@pytest.mark.protocol("UMAD-07", "Where the payer's VASP wants to be told is kept with its invoice.")
def test_the_callback_is_kept_with_the_invoice(payment, wallet, node):
    assert (
        invoice_of(ask(payment, wallet.sign_pay_request())).utxo_callback == f"http://{wallet.domain}/utxos"
    )


def test_of_two_requests_the_later_callback_counts(payment, wallet, node):
    urls = [f"http://{wallet.domain}/utxos?of={secrets.token_hex(4)}" for _ in range(2)]
    first, second = (invoice_of(ask(payment, wallet.sign_pay_request(utxo_callback=url))) for url in urls)
    assert first.pk == second.pk
    assert second.utxo_callback == urls[1]


@pytest.mark.protocol("UMAD-07", "A callback that we may not post to is dropped, and the sale goes on.")
@pytest.mark.parametrize(
    "url",
    [
        "http://wallet.example/utxos",
        "https://127.0.0.1/",
        "http://169.254.169.254/latest/meta-data",
        "https://metadata.google.internal/",
        "https://wallet.example:22/",
        "https://user@wallet.example/",
        "http://localhost:1/",
        "https://wallet.example/" + "x" * 500,
        "https://wallet.example/\r\nHost: localhost",
        "https://w\u00e4llet.example/",
        "file:///etc/passwd",
        "gopher://wallet.example/",
        "//wallet.example/",
        "\0",
        "\ud800",
        "x",
        "",
        None,
        5,
    ],
    ids=lambda url: str(url)[:40].encode("ascii", "replace").decode(),
)
def test_a_callback_that_we_may_not_post_to_is_dropped(payment, wallet, node, url):
    request = wallet.sign_pay_request()
    request["payerData"]["compliance"]["utxoCallback"] = url
    assert invoice_of(ask(payment, request)).utxo_callback == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [("comment", ["x"]), ("comment", {"x": 1}), ("utxoCallback", ["https://wallet.example/"])],
)
def test_what_no_sender_writes_is_refused(payment, wallet, name, value):
    request = wallet.sign_pay_request()
    (request if name == "comment" else request["payerData"]["compliance"])[name] = value
    assert_refused(ask(payment, request), "PARSE_PAYREQ_REQUEST_ERROR", 400)


def test_a_payer_without_a_callback_is_told_nothing(payment, wallet, node):
    request = wallet.sign_pay_request()
    del request["payerData"]["compliance"]["utxoCallback"]
    assert invoice_of(ask(payment, request)).utxo_callback == ""


def test_payers_who_are_forgotten_leave_no_words(payment, wallet, node):
    invoice = invoice_of(ask(payment, wallet.sign_pay_request() | {"comment": "It is me, Ann"}))
    forget_payers([payment.pk])
    invoice.refresh_from_db()
    assert (invoice.payer, invoice.comment, invoice.utxo_callback) == ("", "", "")
