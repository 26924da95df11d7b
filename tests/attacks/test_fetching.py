"""S: SSRF by addresses of wallets, whose servers we ask."""

import time
from urllib.parse import quote

import pytest

from payments.uma.address import InvalidUmaAddress, normalize_uma_address
from payments.uma.public_addresses import is_public
from tests.attacks.attacker import assert_problem, cases
from tests.vasp import Vasp

BUY = "/api/tickets/purchase"
ADDRESSES = [
    ("S01", "nobody", "$a"),
    ("S01", "no name", "@wallet.example"),
    ("S01", "no name but a dollar", "$@wallet.example"),
    ("S01", "no domain", "$a@"),
    ("S01", "two @", "$a@b@wallet.example"),
    ("S01", "two @, the good one first", "$a@wallet.example@127.0.0.1"),
    ("S01", "no dollar", "a@wallet.example"),
    ("S01", "two dollars", "$$a@wallet.example"),
    ("S01", "a space", "$a b@wallet.example"),
    ("S01", "300 characters", "$" + "a" * 280 + "@wallet.example"),
    ("S01", "a name of 65", "$" + "a" * 65 + "@wallet.example"),
    ("S01", "CR and LF", "$a@wallet.example\r\nHost: evil"),
    ("S01", "CR and LF in escapes", "$a@wallet.example%0d%0a"),
    ("S01", "a tab", "$a@wallet\t.example"),
    ("S01", "an emoji domain", "$a@\U0001f4a9.example"),
    ("S01", "a homoglyph", "$a@wаllet.example"),
    ("S01", "punctuation in the name", "$a'\"<>@wallet.example"),
    ("S01", "a slash in the name", "$a/../b@wallet.example"),
    ("S02", "dots by the thousand", "$" + "a." * 100 + "@wallet.example"),
    ("S02", "100,000 dots", "$" + "a." * 50_000 + "@wallet.example"),
    ("S02", "dashes", "$a@" + "-" * 200),
    ("S02", "nested dots", "$a@" + "a." * 120 + "example"),
    ("S03", "localhost", "$a@localhost"),
    ("S03", "localhost and a port", "$a@localhost:8080"),
    ("S03", "127.0.0.1", "$a@127.0.0.1"),
    ("S03", "127.0.0.1 and a port", "$a@127.0.0.1:9200"),
    ("S03", "127.1", "$a@127.1"),
    ("S03", "one number", "$a@2130706433"),
    ("S03", "hexadecimal", "$a@0x7f.1"),
    ("S03", "octal", "$a@0177.0.0.1"),
    ("S03", "0", "$a@0"),
    ("S03", "IPv6", "$a@[::1]"),
    ("S03", "IPv4 in IPv6", "$a@[::ffff:127.0.0.1]"),
    ("S03", "a public address", "$a@8.8.8.8"),
    ("S03", "the cloud's", "$a@169.254.169.254"),
    ("S03", "a port", "$a@wallet.example:22"),
    ("S03", "port 443", "$a@wallet.example:443"),
    ("S03", "a path", "$a@wallet.example/x"),
    ("S03", "a path up", "$a@evil.com/../../x?y#"),
    ("S03", "a query", "$a@wallet.example?x"),
    ("S03", "a fragment", "$a@wallet.example#.local"),
    ("S03", "a backslash", "$a@wallet.example\\.evil.com"),
    ("S03", "a dot behind", "$a@wallet.example."),
    ("S03", "a dot before", "$a@.wallet.example"),
    ("S03", "an underscore", "$a@wal_let.example"),
    ("S03", "digits at the end", "$a@wallet.123"),
    ("S04", "metadata.google.internal", "$a@metadata.google.internal"),
    ("S04", ".local", "$a@printer.local"),
    ("S04", ".lan", "$a@router.lan"),
    ("S04", ".onion", "$a@abcdefghij.onion"),
    ("S04", ".localhost", "$a@x.localhost"),
    ("S04", ".home.arpa", "$a@x.home.arpa"),
    ("S04", "a single label", "$a@intranet"),
]
NOT_PUBLIC = [
    "10.0.0.1", "172.16.0.1", "172.31.255.254", "192.168.1.1", "100.64.0.1", "169.254.169.254", "0.0.0.0",
    "0.1.2.3", "127.0.0.1", "127.255.255.254", "198.18.0.1", "198.51.100.1", "203.0.113.1", "192.0.2.1",
    "192.0.0.192", "192.0.0.8", "192.88.99.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "fc00::1", "fd00:ec2::254", "fe80::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8",
    "64:ff9b::a00:1", "64:ff9b:1::a00:1", "2002:7f00:1::", "2002:a00:1::", "2001:0:a00:1::", "2001:db8::1",
    "100::1", "5f00::1", "::127.0.0.1", "fec0::1",
]  # fmt: skip


@cases("address", ADDRESSES)
def test_an_address_that_is_none(shop, someone, address):
    """Refused before anybody is asked anything, in the API, in milliseconds."""
    body = {"event_id": shop.event, "email": "s01@example.com", "uma_address": address}
    started = time.monotonic()
    answer = someone.post(BUY, body)
    assert time.monotonic() - started < 3
    long = len(address) > 255
    has_control = any(ord(sign) < 32 for sign in address)
    assert_problem(answer, 400, "invalid" if long or has_control else "invalid_uma_address")
    assert list(answer.fields) == ["uma_address"]
    assert shop.stack.django("Order.objects.filter(email='s01@example.com').count()") == 0


@cases("address", ADDRESSES)
def test_no_address_takes_long_to_refuse(address):
    started = time.process_time()
    with pytest.raises(InvalidUmaAddress):
        normalize_uma_address(address)
    assert time.process_time() - started < 0.005


@pytest.mark.parametrize("address", NOT_PUBLIC, ids=lambda address: f"S05 {address}")
def test_an_address_that_is_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "193.0.14.129", "2606:4700:4700::1111"])
def test_an_address_that_is_public(address):
    assert is_public(address)


@cases(
    "domain",
    [(case, what, address.rpartition("@")[2]) for case, what, address in ADDRESSES if case in ("S03", "S04")],
)
def test_a_lookup_that_names_its_sender_so(shop, someone, vasp, domain):
    """The lookup's vaspDomain is signed by nobody until its keys are fetched: from there, never."""
    bought = shop.buy()
    name = bought["payment"]["pay_address"].rpartition("@")[0]
    url = vasp.lookup_url(f"{name}@{shop.stack.domain}").partition(shop.stack.domain)[2]
    old = f"vaspDomain={quote(vasp.domain, safe='')}"
    assert old in url
    started = time.monotonic()
    answer = someone.get(url.replace(old, f"vaspDomain={quote(domain, safe='')}"))
    assert 400 <= answer.status < 500, answer.text
    assert answer.json()["status"] == "ERROR"
    assert time.monotonic() - started < 3


def test_open_and_closed_ports_look_the_same(shop, someone):
    """S09: a server of ours that the settings do not list is refused like one that is not there, unasked."""
    canary = Vasp()
    try:
        answers = []
        for port in (canary.server.server_port, 1, 5432):  # not the shop's own: that one it names
            body = {"event_id": shop.event, "email": "s09@example.com", "uma_address": f"$a@localhost:{port}"}
            answers.append(someone.post(BUY, body))
        for answer in answers:
            assert_problem(answer, 400, "invalid_uma_address")
        assert len({answer.anonymous for answer in answers}) == 1
        assert canary.asked == []
    finally:
        canary.close()
