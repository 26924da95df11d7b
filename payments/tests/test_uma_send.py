"""Refunds by UMA: a wallet's answer is believed only as far as it matches what was asked for."""

import json
import secrets
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler

import bolt11
import pytest
import uma
from bolt11 import Bolt11, MilliSatoshi, Tag, TagChar, Tags

from payments.tests.test_uma_payreq import our_keys
from payments.tests.wallet import send as reply
from payments.uma.safe_http import VaspUnreachable
from payments.uma.send import BadAnswer, CannotReceive, request_invoice_from

NODE_KEY = secrets.token_hex(32)
AMOUNT = 1_234_000


def new_bolt11(
    *, amount_msats: int | None = AMOUNT, currency: str = "bcrt", age: int = 0, expiry: int = 600
) -> str:
    """A really signed BOLT11; the options spoil it."""
    tags = Tags(
        [
            Tag(TagChar.payment_hash, secrets.token_hex(32)),
            Tag(TagChar.payment_secret, secrets.token_hex(32)),
            Tag(TagChar.description, "refund"),
            Tag(TagChar.expire_time, expiry),
        ]
    )
    amount = None if amount_msats is None else MilliSatoshi(amount_msats)
    return bolt11.encode(Bolt11(currency, int(time.time()) - age, tags, amount), NODE_KEY)


class Receiver:
    """Makes `wallet` answer lookups of `alice` and pay requests; attributes say how."""

    def __init__(self, wallet):
        self.wallet = wallet
        self.pr = new_bolt11()
        self.key = wallet.signing_key
        self.majors = (1, 0)
        self.lookup_changes: dict = {}
        self.queries: list[str] = []
        self.utxo_callback = ""
        self.currency = uma.Currency("SAT", "Satoshis", "", 1000, 1, 10**6, 0)
        self.fee_msats = 0
        self.answer_changes: dict = {}
        wallet.routes["/.well-known/lnurlp/$alice"] = self._lookup
        wallet.routes["/.well-known/lnurlp/alice"] = self._plain_lookup
        wallet.routes["/payreq"] = self._pay_request
        wallet.routes["/plain"] = self._plain_pay_request

    def _plain_lookup(self, handler: BaseHTTPRequestHandler) -> None:
        body = {"tag": "payRequest", "callback": f"http://{self.wallet.domain}/plain?id=7", "metadata": "[]"}
        body |= {"minSendable": 1000, "maxSendable": 10**9} | self.lookup_changes
        reply(handler, 200, json.dumps(body).encode())

    def _plain_pay_request(self, handler: BaseHTTPRequestHandler) -> None:
        self.queries.append(handler.path)
        reply(handler, 200, json.dumps({"pr": self.pr, "routes": []}).encode())

    def _lookup(self, handler: BaseHTTPRequestHandler) -> None:
        try:
            lookup = uma.parse_lnurlp_request(f"http://{self.wallet.domain}{handler.path}")
            if uma.ParsedVersion.load(lookup.uma_version).major not in self.majors:
                raise uma.UnsupportedVersionException(lookup.uma_version, list(self.majors))
        except uma.UmaException as error:
            reply(handler, error.to_http_status_code(), error.to_json().encode())
            return
        answer = uma.create_uma_lnurlp_response(
            lookup, self.key, False, f"http://{self.wallet.domain}/payreq", "[]", 1, 10**6, {},
            [replace(self.currency)], uma.KycStatus.VERIFIED,
        )  # fmt: skip
        reply(handler, 200, json.dumps(answer.to_dict() | self.lookup_changes).encode())

    def _pay_request(self, handler: BaseHTTPRequestHandler) -> None:
        request = uma.parse_pay_request(json.dumps(self.wallet.posted[-1]))
        receiver = self

        class Creator(uma.IUmaInvoiceCreator):
            def create_uma_invoice(self, amount_msats, metadata, receiver_identifier):
                return receiver.pr

        answer = uma.create_pay_req_response(
            request, Creator(), "[]", self.currency.code, self.currency.decimals,
            self.currency.millisatoshi_per_unit, self.fee_msats, "02" + "11" * 32, self.utxo_callback,
            f"$alice@{self.wallet.domain}", self.key,
        )  # fmt: skip
        reply(handler, 200, json.dumps(answer.to_dict() | self.answer_changes).encode())


@pytest.fixture
def receiver(wallet, node, transactional_db) -> Receiver:
    return Receiver(wallet)


def ask(receiver: Receiver, mark: str = "$"):
    return request_invoice_from(f"{mark}alice@{receiver.wallet.domain}", AMOUNT)


# -- the way it should go ---------------------------------------------------------------------
@pytest.mark.parametrize("mark", ["$", ""])
def test_the_receivers_invoice_is_handed_on(receiver, mark):
    asked = ask(receiver, mark)
    decoded = bolt11.decode(receiver.pr)
    assert (asked.bolt11, asked.payment_hash) == (receiver.pr, decoded.payment_hash)
    assert asked.expires_at.timestamp() == decoded.expiry_time


@pytest.mark.protocol("LUD-06", "Refunds go to Lightning addresses too.")
def test_a_lightning_address_is_asked_for_the_amount(receiver):
    ask(receiver, "")
    assert receiver.queries == [f"/plain?id=7&amount={AMOUNT}"]


@pytest.mark.protocol("UMAD-05", "Refunds are asked for with our own signed pay request.")
def test_we_sign_as_the_shops_refunds(receiver):
    ask(receiver)
    body = receiver.wallet.posted[0]
    assert (body["amount"], body["convert"]) == (str(AMOUNT), "SAT")
    assert set(body["payerData"]) == {"identifier", "compliance"}
    assert body["payerData"]["compliance"]["nodePubKey"]
    request = uma.parse_pay_request(json.dumps(body))
    cache = uma.InMemoryNonceCache(uma.uma.datetime.fromtimestamp(0, uma.uma.timezone.utc))
    uma.verify_pay_request_signature(request, our_keys(), cache)


@pytest.mark.protocol("UMAD-08", "Refunds go to receivers of version 0 too.")
def test_a_receiver_of_version_0_is_asked_in_its_own(receiver):
    receiver.majors = (0,)
    assert ask(receiver).bolt11 == receiver.pr
    assert (receiver.wallet.posted[0]["amount"], receiver.wallet.posted[0]["currency"]) == (1234, "SAT")


def test_a_name_with_a_dollar_may_answer_plainly(receiver):
    receiver.wallet.routes["/.well-known/lnurlp/$alice"] = receiver._plain_lookup
    assert ask(receiver).bolt11 == receiver.pr


@pytest.mark.parametrize("mark", ["$", ""])
def test_an_invoice_that_lives_for_a_minute_is_taken(receiver, mark):
    """Some wallets issue no longer ones; the node is told to pay it at once."""
    receiver.pr = new_bolt11(expiry=60, age=20)
    assert ask(receiver, mark).bolt11 == receiver.pr


# -- definite noes ----------------------------------------------------------------------------
@pytest.mark.parametrize(
    "address",
    ["", "alice", "$alice", "alice@", "@wallet.example", "alice@localhost", "$alice@127.0.0.1",
     "a b@wallet.example", "alice@wallet.example/x", "$alice@localhost:1"],
)  # fmt: skip
def test_what_is_no_address_cannot_receive(address):
    with pytest.raises(CannotReceive):
        request_invoice_from(address, AMOUNT)


@pytest.mark.parametrize("mark", ["$", ""])
@pytest.mark.parametrize(
    "changes",
    [{"maxSendable": AMOUNT - 1}, {"minSendable": AMOUNT + 1}, {"tag": "withdrawRequest"},
     {"callback": "http://127.0.0.1:22/"}, {"callback": "https://169.254.169.254/"}, {"callback": "x"}],
)  # fmt: skip
def test_a_receiver_that_takes_no_such_payment_cannot_receive(receiver, mark, changes):
    receiver.lookup_changes = changes
    with pytest.raises(CannotReceive):
        ask(receiver, mark)


@pytest.mark.parametrize("mark", ["$", ""])
@pytest.mark.parametrize("status", [302, 400, 403, 404])
def test_a_receiver_that_is_not_there_cannot_receive(receiver, mark, status):
    receiver.wallet.routes[f"/.well-known/lnurlp/{mark}alice"] = status
    with pytest.raises(CannotReceive):
        ask(receiver, mark)


@pytest.mark.parametrize("mark", ["$", ""])
def test_an_error_in_lnurls_words_is_a_no(receiver, mark):
    receiver.wallet.routes[f"/.well-known/lnurlp/{mark}alice"] = {"status": "ERROR", "reason": "gone"}
    with pytest.raises(CannotReceive):
        ask(receiver, mark)


@pytest.mark.protocol("BOLT11", "An invoice of another network is not paid.")
def test_an_invoice_of_another_network_cannot_be_paid(receiver):
    receiver.pr = new_bolt11(currency="bc")
    with pytest.raises(CannotReceive):
        ask(receiver, "")


# -- what asking again may mend ---------------------------------------------------------------
@pytest.mark.parametrize("mark", ["$", ""])
@pytest.mark.parametrize("status", [401, 424, 429, 500, 503])
def test_trouble_of_the_other_side_is_no_answer(receiver, mark, status):
    receiver.wallet.routes[f"/.well-known/lnurlp/{mark}alice"] = status
    with pytest.raises(VaspUnreachable):
        ask(receiver, mark)


@pytest.mark.parametrize("mark", ["$", ""])
@pytest.mark.parametrize(
    "spoiled",
    [{"amount_msats": AMOUNT + 1}, {"amount_msats": AMOUNT - 1}, {"amount_msats": AMOUNT * 1000},
     {"amount_msats": None}, {"age": 700}, {"expiry": 30}, {"expiry": 2**60}],
)  # fmt: skip
@pytest.mark.protocol("BOLT11", "An invoice over another amount, or about to expire, is not paid.")
def test_an_invoice_over_something_else_is_not_paid(receiver, mark, spoiled):
    receiver.pr = new_bolt11(**spoiled)
    with pytest.raises(BadAnswer):
        ask(receiver, mark)


@pytest.mark.parametrize("text", ["", "lnbc1", "lnbcrt1qqqq", "uma1qqqq", "ln" + "q" * 5000, "\0", "ünvoice"])
def test_what_is_no_invoice_is_not_paid(receiver, text):
    receiver.pr = text
    with pytest.raises(BadAnswer):
        ask(receiver, "")


@pytest.mark.protocol("BOLT11", "The checksum and the signature must hold.")
def test_an_invoice_with_a_changed_letter_is_not_paid(receiver):
    spoiled = receiver.pr[:-20] + ("q" if receiver.pr[-20] != "q" else "p") + receiver.pr[-19:]
    receiver.pr = spoiled
    with pytest.raises(BadAnswer):
        ask(receiver, "")


@pytest.mark.protocol("UMAD-04", "A refund's receiver must sign its lookup answer.")
def test_a_lookup_answer_signed_with_another_key_is_not_believed(receiver):
    receiver.key = secrets.token_bytes(32)
    with pytest.raises(BadAnswer):
        ask(receiver)
    assert receiver.wallet.posted == []


def test_a_lookup_answer_for_somebody_else_is_not_believed(receiver):
    honest = receiver._lookup

    def for_bob(handler) -> None:
        handler.path = handler.path.replace("$alice", "$bob")
        honest(handler)

    receiver.wallet.routes["/.well-known/lnurlp/$alice"] = for_bob
    with pytest.raises(BadAnswer):
        ask(receiver)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'{"tag": "payRequest", "callback": 5}', b'{"tag": "payRequest"}'],
)  # fmt: skip
@pytest.mark.parametrize("mark", ["$", ""])
def test_a_lookup_answer_nobody_can_read_is_refused(receiver, mark, body):
    receiver.wallet.routes[f"/.well-known/lnurlp/{mark}alice"] = lambda handler: reply(handler, 200, body)
    with pytest.raises((BadAnswer, CannotReceive)):
        ask(receiver, mark)


@pytest.mark.parametrize("body", [{}, {"pr": 5}, {"pr": None}, {"pr": "x", "payeeData": []}])
def test_a_payreq_answer_nobody_can_read_is_refused(receiver, body):
    receiver.wallet.routes["/payreq"] = body
    with pytest.raises(BadAnswer):
        ask(receiver)
