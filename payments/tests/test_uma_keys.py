"""Keys of ours and of others: how long they are kept, when they are fetched again (UMAD-02, UMAD-10)."""

import re
import time
from datetime import timedelta

import pytest
import uma
from django.conf import settings as conf
from django.core.management import call_command
from django.utils import timezone

from payments.models import VaspNonce
from payments.tests.wallet import CONFIGURATION, PUBKEYS, drip
from payments.uma.discovery import (
    InvalidKeys,
    NoUmaRequests,
    public_keys,
    refetched_public_keys,
    uma_request_endpoint,
)
from payments.uma.nonces import purge_nonces
from payments.uma.safe_http import VaspForbidden, VaspUnreachable
from tests.acts import together
from tests.environment import key_pair
from tests.factories import VaspNonceFactory
from ticketsuma.jobs.host_turns import AT_ONCE_PER_HOST


def published(**changes) -> dict:
    """Other keys than the wallet's usual ones."""
    keys = key_pair("SIGNING") | key_pair("ENCRYPTION")
    chains = [keys[f"UMA_{purpose}_CERT_CHAIN"].replace("\\n", "\n") for purpose in ("SIGNING", "ENCRYPTION")]
    return uma.create_pubkey_response(*chains).to_dict() | changes


# -- ours -------------------------------------------------------------------------------------
@pytest.mark.protocol("UMAD-02", "Our certificates and keys are published with an `expirationTimestamp`.")
def test_our_keys_are_published_with_an_end(client):
    answer = client.get("/.well-known/lnurlpubkey")
    assert answer["Access-Control-Allow-Origin"] == "*"
    keys = uma.PubkeyResponse.from_json(answer.content.decode())
    assert set(answer.json()) == {
        "signingCertChain", "encryptionCertChain", "signingPubKey", "encryptionPubKey", "expirationTimestamp",
    }  # fmt: skip
    assert timedelta(0) < keys.expiration_timestamp - timezone.now() <= timedelta(minutes=10)
    assert re.search(r"max-age=(\d+)", answer["Cache-Control"])[1] == "60"


@pytest.mark.protocol("UMAD-10", "We publish our name and the major versions 0 and 1.")
def test_our_configuration_names_both_versions(client):
    answer = client.get("/.well-known/uma-configuration")
    assert answer.json() == {"name": conf.SITE_NAME, "uma_major_versions": [0, 1]}
    assert answer["Access-Control-Allow-Origin"] == "*"


def test_the_command_makes_keys_that_sign_and_verify(capsys):
    call_command("uma_keys")
    lines = dict(line.split("=", 1) for line in capsys.readouterr().out.splitlines())
    values = {name: value.strip('"').replace("\\n", "\n") for name, value in lines.items()}
    assert len(values) == 4
    keys = uma.create_pubkey_response(values["UMA_SIGNING_CERT_CHAIN"], values["UMA_ENCRYPTION_CERT_CHAIN"])
    invoice = uma.create_uma_invoice(
        "$x@shop.example", 5, uma.InvoiceCurrency("SAT", "", "", 0), timezone.now(),
        "https://shop.example", False, bytes.fromhex(values["UMA_SIGNING_PRIVATE_KEY"]),
    )  # fmt: skip
    uma.verify_uma_invoice_signature(invoice, keys)


# -- theirs -----------------------------------------------------------------------------------
def test_keys_are_kept(wallet):
    wallet.routes[PUBKEYS] = published(expirationTimestamp=int(time.time()) + 3600)
    first, second = public_keys(wallet.domain), public_keys(wallet.domain)
    assert first.get_signing_pubkey() == second.get_signing_pubkey()
    assert wallet.asked == [PUBKEYS]


@pytest.mark.parametrize(
    ("expires_in", "kept_for"),
    [(None, 60), (30, 30), (300, 300), (10**9, 600), (0, 0), (-100, 0), (-(10**9), 0)],
)
@pytest.mark.protocol(
    "UMAD-02", "Others' keys are kept until their end, ten minutes at most; without one, a minute."
)
def test_keys_are_kept_until_their_end_and_at_most_ten_minutes(wallet, expires_in, kept_for, time_machine):
    now = timezone.now()
    time_machine.move_to(now, tick=False)
    end = {} if expires_in is None else {"expirationTimestamp": int(now.timestamp()) + expires_in}
    wallet.routes[PUBKEYS] = published(**end)
    public_keys(wallet.domain)
    for seconds, fetches in ((kept_for - 2, 1), (kept_for + 1, 2)):
        time_machine.move_to(now + timedelta(seconds=max(seconds, 0)), tick=False)
        if seconds >= 0:
            public_keys(wallet.domain)
            assert len(wallet.asked) == fetches


@pytest.mark.parametrize(
    "answer",
    [
        {}, [], "x", None, {"signingPubKey": "00"}, {"signingPubKey": "zz"}, {"signingPubKey": 5},
        {"signingPubKey": "04" + "00" * 64}, {"signingCertChain": []}, {"signingCertChain": ["3000"]},
        {"signingCertChain": "x"}, {"signingCertChain": {}}, {"signingPubKey": None},
        {"signingPubKey": "02" + "11" * 32, "expirationTimestamp": 10**30},
        {"signingPubKey": "02" + "11" * 32, "expirationTimestamp": "soon"},
    ],
)  # fmt: skip
def test_an_answer_without_a_usable_signing_key_is_none_and_not_kept(wallet, answer, time_machine):
    now = timezone.now()
    time_machine.move_to(now)
    wallet.routes[PUBKEYS] = answer
    with pytest.raises(InvalidKeys):
        public_keys(wallet.domain)
    wallet.routes[PUBKEYS] = wallet.published
    time_machine.move_to(now + timedelta(seconds=31))
    assert public_keys(wallet.domain).get_signing_pubkey()


@pytest.mark.protocol("UMAD-02", "Keys are secp256k1; others are refused.")
def test_keys_of_another_curve_are_none(wallet):
    from payments.tests.test_uma_safe_http import self_signed

    pem = self_signed("wallet.example")
    der = uma.cert_utils.get_x509_certs(pem[pem.index(b"-----BEGIN CERT") :].decode())[0]
    wallet.routes[PUBKEYS] = {"signingCertChain": [der.public_bytes(_der()).hex()]}
    with pytest.raises(InvalidKeys):
        public_keys(wallet.domain)


def _der():
    from cryptography.hazmat.primitives.serialization import Encoding

    return Encoding.DER


def test_a_server_that_failed_is_left_alone_for_half_a_minute(wallet, time_machine):
    now = timezone.now()
    time_machine.move_to(now)
    wallet.routes[PUBKEYS] = 500
    for _ in range(5):
        with pytest.raises(VaspUnreachable):
            public_keys(wallet.domain)
    assert len(wallet.asked) == 1
    wallet.routes[PUBKEYS] = wallet.published
    time_machine.move_to(now + timedelta(seconds=31))
    public_keys(wallet.domain)
    assert len(wallet.asked) == 2


def test_a_dripping_server_costs_one_caller_five_seconds_and_the_next_nothing(wallet):
    wallet.routes[PUBKEYS] = drip
    with pytest.raises(VaspUnreachable):
        public_keys(wallet.domain)
    started = time.monotonic()
    with pytest.raises(VaspUnreachable):
        public_keys(wallet.domain)
    assert time.monotonic() - started < 0.5


def test_fresh_keys_are_asked_for_at_most_twice_a_minute(wallet, time_machine):
    now = timezone.now()
    time_machine.move_to(now)
    public_keys(wallet.domain)
    assert refetched_public_keys(wallet.domain) is None
    time_machine.move_to(now + timedelta(seconds=31))
    assert refetched_public_keys(wallet.domain)
    assert [refetched_public_keys(wallet.domain) for _ in range(5)] == [None] * 5
    assert len(wallet.asked) == 2


@pytest.mark.protocol("UMAD-02", "A signature that kept keys refuse is tried once more with fresh ones.")
def test_a_sender_that_changed_its_keys_is_understood(payment, wallet, client, time_machine):
    now = timezone.now()
    time_machine.move_to(now)
    honest = wallet.published
    wallet.routes[PUBKEYS] = published(expirationTimestamp=int(time.time()) + 3600)
    assert client.get(_path(wallet.lookup_url(payment.uma_pay_address))).status_code == 401
    wallet.routes[PUBKEYS] = honest
    time_machine.move_to(now + timedelta(seconds=31))
    assert client.get(_path(wallet.lookup_url(payment.uma_pay_address))).status_code == 200
    assert VaspNonce.objects.count() == 1


def _path(url: str) -> str:
    return "/" + url.split("/", 3)[3]


@pytest.mark.parametrize(
    "domain", ["localhost", "127.0.0.1:80", "x.local", "wallet.example/x", "\0", "", "a b.de"]
)
def test_no_keys_are_asked_of_what_is_no_vasp(domain):
    with pytest.raises(VaspForbidden):
        public_keys(domain)


def test_old_nonces_are_forgotten(db):
    now = timezone.now()
    for number, age in enumerate([0, 5, 7, 60]):
        VaspNonceFactory(domain="w.example", nonce=number, seen_at=now - timedelta(minutes=age))
    assert purge_nonces() == 2
    assert VaspNonce.objects.count() == 2


# -- where requests are taken -----------------------------------------------------------------
@pytest.mark.protocol("UMAD-10", "The wallet's `uma_request_endpoint` is read from its configuration.")
def test_the_endpoint_is_read_from_the_configuration(wallet):
    wallet.takes_requests()
    assert uma_request_endpoint(wallet.domain) == f"http://{wallet.domain}/requests"


@pytest.mark.parametrize(
    "answer", [404, 401, 302, {}, [], {"uma_request_endpoint": 5}, {"uma_request_endpoint": ""}]
)
def test_a_wallet_may_take_no_requests(wallet, answer):
    wallet.routes[CONFIGURATION] = answer
    with pytest.raises(NoUmaRequests):
        uma_request_endpoint(wallet.domain)


@pytest.mark.protocol("UMAD-10", "A wallet whose configuration fails is left alone for a few seconds.")
@pytest.mark.parametrize(("answer", "failure"), [(503, VaspUnreachable), (404, NoUmaRequests)])
def test_a_configuration_that_fails_is_asked_for_again_after_five_seconds(
    wallet, answer, failure, time_machine
):
    now = timezone.now()
    time_machine.move_to(now)
    wallet.routes[CONFIGURATION] = answer
    for _ in range(5):
        with pytest.raises(failure):
            uma_request_endpoint(wallet.domain)
    assert wallet.asked == [CONFIGURATION]
    wallet.takes_requests()
    time_machine.move_to(now + timedelta(seconds=6))
    assert uma_request_endpoint(wallet.domain) == f"http://{wallet.domain}/requests"


@pytest.mark.parametrize(("route", "ask"), [(CONFIGURATION, uma_request_endpoint), (PUBKEYS, public_keys)])
def test_a_crowd_that_names_one_dead_wallet_makes_us_ask_as_often_as_may_ask_at_once(wallet, route, ask):
    wallet.routes[route] = 503

    def refused() -> None:
        with pytest.raises(VaspUnreachable):
            ask(wallet.domain)

    assert together(*[refused] * 20) == [None] * 20
    assert 1 <= len(wallet.asked) <= AT_ONCE_PER_HOST
