"""Relays and wallets are strangers: what they send is bounded, and believed only when it is the wallet's."""

import time

import pytest
from nostr_sdk import Keys

from payments.nwc import relays
from payments.nwc.link import BadLink, NoRelay, read_link
from payments.nwc.protocol import RelayAway, SaidNo, Silent
from payments.tests.toy_relay import ToyRelay
from ticketsuma.conf.logging_config import scrub

SECONDS = 1.5


@pytest.fixture(params=[True, False], ids=["nip44", "nip04"])
def relay(request, settings):
    toy = ToyRelay(nip44=request.param)
    settings.UMA_LOCAL_VASPS = settings.UMA_LOCAL_VASPS | {toy.domain}
    yield toy
    toy.close()


def ask(relay: ToyRelay, method: str = "pay_invoice", link: str = "") -> dict:
    talk = relays.ask(
        read_link(link or relay.link), method, {"invoice": "lnbcrt1"}, nip44=relay.nip44, seconds=SECONDS
    )
    return relays.in_background(talk).result()


def test_a_wallet_is_asked_and_answers(relay):
    relay.results["pay_invoice"] = {"preimage": "00" * 32}
    assert ask(relay) == {"preimage": "00" * 32}
    assert relay.asked == [{"method": "pay_invoice", "params": {"invoice": "lnbcrt1"}}]
    info = relays.in_background(relays.info_of(read_link(relay.link), seconds=SECONDS)).result()
    assert (info.has_nip44, "pay_invoice" in info.methods) == (relay.nip44, True)


def test_a_request_ends_with_its_time(relay):
    """A wallet that wakes up later is to ignore it (NIP-47)."""
    ask(relay)
    ends = [int(tag.to_vec()[1]) for tag in relay.events[0].tags() if tag.to_vec()[0] == "expiration"]
    assert 0 < min(ends, default=0) <= time.time() + SECONDS


def test_an_error_is_the_wallets_code(relay):
    relay.say = lambda event, asked: [
        relay.message(relay.answer(event, relay.error(asked, "QUOTA_EXCEEDED")))
    ]
    with pytest.raises(SaidNo) as no:
        ask(relay)
    assert no.value.code == "QUOTA_EXCEEDED"


def forged(relay, event, asked):
    return relay.message(relay.answer(event, relay.error(asked, "OTHER"), signer=Keys.generate()))


def named_for_the_wallet(relay, event, asked):
    said = relay.answer(event, relay.error(asked, "OTHER"), signer=(other := Keys.generate())).as_json()
    return f'["EVENT","answer",{said}]'.replace(
        other.public_key().to_hex(), relay.wallet.public_key().to_hex()
    )


def replayed(relay, event, asked):
    return relay.message(relay.answer(event, relay.error(asked, "OTHER"), about="ab" * 32))


def for_another_method(relay, event, asked):
    return relay.message(relay.answer(event, {"result_type": "get_balance", "result": {"balance": 1}}))


def no_event(relay, event, asked):
    return '["EVENT","answer",{"id":17}]'


def nested(relay, event, asked):
    return '["EVENT","answer",' + "[" * 3000 + "]" * 3000 + "]"


STRANGE = [forged, named_for_the_wallet, replayed, for_another_method, no_event]


def test_what_a_wallet_can_do_nobody_else_says(relay):
    relay.info_signer = Keys.generate()
    with pytest.raises(Silent):
        relays.in_background(relays.info_of(read_link(relay.link), seconds=SECONDS)).result()


@pytest.mark.parametrize("strange", STRANGE)
def test_what_the_wallet_did_not_sign_for_this_request_is_no_answer(relay, strange):
    relay.results["pay_invoice"] = {"preimage": "11" * 32}
    relay.say = lambda event, asked: [
        strange(relay, event, asked), relay.message(relay.answer(event, relay.body(asked))),
    ]  # fmt: skip
    assert ask(relay) == {"preimage": "11" * 32}


@pytest.mark.parametrize(
    "flood",
    [
        lambda: ['["NOTICE","' + "x" * 70_000 + '"]'],
        lambda: ['["NOTICE","x"]'] * 60,
        lambda: ["no json"],
        lambda: [nested(0, 0, 0)],
    ],
    ids=["oversized", "endless", "no json", "deep"],
)
def test_a_relay_that_floods_is_left(relay, flood):
    relay.results["pay_invoice"] = {"preimage": "11" * 32}
    relay.say = lambda event, asked: [*flood(), relay.message(relay.answer(event, relay.body(asked)))]
    with pytest.raises(Silent):
        ask(relay)


def test_silence_ends(relay):
    relay.say = lambda event, asked: []
    began = time.monotonic()
    with pytest.raises(Silent):
        ask(relay)
    assert time.monotonic() - began < 10 * SECONDS


def test_no_relay_is_there(relay):
    relay.close()
    with pytest.raises(RelayAway):
        ask(relay)


def test_one_of_several_relays_is_enough(relay, settings):
    settings.UMA_LOCAL_VASPS = settings.UMA_LOCAL_VASPS | {"localhost:1"}
    relay.results["pay_invoice"] = {"preimage": "22" * 32}
    link = relay.link.replace("?relay=", "?relay=ws%3A%2F%2Flocalhost%3A1&relay=")
    assert len(read_link(link).relays) == 2
    assert ask(relay, link=link) == {"preimage": "22" * 32}


@pytest.mark.django_db
def test_a_wallet_is_never_asked_in_a_transaction(relay):
    with pytest.raises(RuntimeError):
        ask(relay)


# -- links ------------------------------------------------------------------------------------
WALLET, SECRET = "ab" * 32, "cd" * 32


def link_to(relay: str) -> str:
    key = Keys.parse(SECRET).public_key().to_hex()
    return f"nostr+walletconnect://{key}?relay={relay}&secret={SECRET}"


@pytest.mark.parametrize(
    "relay",
    [
        "ws%3A%2F%2Fexample.com", "wss%3A%2F%2F127.0.0.1", "wss%3A%2F%2F10.0.0.1",
        "wss%3A%2F%2F%5B%3A%3A1%5D",
        "wss%3A%2F%2Flocalhost", "wss%3A%2F%2Frelay.example.com%3A8443", "wss%3A%2F%2Fmetadata.internal",
        "ws%3A%2F%2F169.254.169.254", "wss%3A%2F%2Fuser%40relay.example.com",
    ],
)  # fmt: skip
def test_a_relay_without_a_public_address_is_none(relay):
    with pytest.raises(BadLink):
        read_link(link_to(relay))


def test_a_name_that_leads_to_a_private_address_is_not_talked_to(monkeypatch):
    inside = [(2, 1, 6, "", ("10.0.0.1", 443))]
    monkeypatch.setattr("socket.getaddrinfo", lambda *args, **kwargs: inside)
    talk = relays.info_of(read_link(link_to("wss%3A%2F%2Frelay.example.com")), seconds=SECONDS)
    with pytest.raises(RelayAway):
        relays.in_background(talk).result()


@pytest.mark.parametrize(
    "text",
    ["", "hello", "https://example.com", "nostr+walletconnect://", "nostr+walletconnect://zz?relay=x&secret=y",
     "lnbc1" + "x" * 5000, "nostr+walletconnect://" + "é" * 64],
)  # fmt: skip
def test_what_is_no_link(text):
    with pytest.raises(BadLink):
        read_link(text)


def test_a_link_as_people_paste_it():
    text = link_to("wss%3A%2F%2Frelay.example.com").replace("://", ":", 1)
    link = read_link(f"  {text}\n")
    assert (link.host, link.secret, link.relays) == (
        "relay.example.com",
        SECRET,
        ("wss://relay.example.com",),
    )
    assert SECRET not in repr(link)
    assert issubclass(NoRelay, BadLink)


def test_no_line_of_a_log_holds_a_link():
    assert SECRET not in scrub(f"failed: {link_to('wss%3A%2F%2Frelay.example.com')} (400)")
