"""Hostile requests to the wallet endpoints: refused as UMA says, never a server error."""

import json
import time

import pytest
import requests

from tests.buyer import Buyer, assert_sold_once, make_event
from tests.environment import key_pair
from tests.processes import wait_until
from tests.vasp import Vasp

TIMEOUT = 30
FOREIGN_KEY = bytes.fromhex(key_pair("SIGNING")["UMA_SIGNING_PRIVATE_KEY"])


@pytest.fixture
def buyer(stack) -> Buyer:
    return Buyer(stack).buy(make_event(stack))


@pytest.fixture
def callback(buyer, vasp) -> str:
    """The payreq URL of the buyer's order, as an honest lookup learns it."""
    return vasp.lookup(f"${buyer.pay_address()}")["callback"]


def assert_refused(answer: requests.Response) -> None:
    assert 400 <= answer.status_code < 500, f"{answer.status_code}: {answer.text[:500]}"
    body = answer.json()
    assert body["status"] == "ERROR"
    assert body["reason"]


# -- lookups (UMAD-04, LUD-06, LUD-16) ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("signature=", "signature=00"),
        ("signature=30", "signature=zz"),
        ("nonce=", "nonce=1"),
        ("nonce=", "nonce=%00"),
        ("timestamp=", "timestamp=-"),
        ("timestamp=", "timestamp=99999999999999999999"),
        ("timestamp=", "timestamp=abc"),
        ("umaVersion=1.3", "umaVersion=abc"),
        ("umaVersion=1.3", "umaVersion=9.0"),
        ("umaVersion=1.3", "umaVersion="),
        ("vaspDomain=localhost", "vaspDomain=metadata.google.internal"),
        ("vaspDomain=localhost", "vaspDomain=169.254.169.254"),
        ("vaspDomain=localhost", "vaspDomain=evil.com%2Fx.local%23"),
        ("vaspDomain=localhost", "vaspDomain=%5B%3A%3A1%5D"),
        ("vaspDomain=", "vaspDomain=&x="),
        ("isSubjectToTravelRule=false", "isSubjectToTravelRule=%00"),
    ],
)
def test_a_hostile_lookup_is_refused(buyer, vasp, old, new):
    url = vasp.lookup_url(f"${buyer.pay_address()}")
    assert old in url
    answer = requests.get(url.replace(old, new, 1), timeout=TIMEOUT)
    if "isSubject" in old:  # not signed and not required: any answer but a crash
        assert answer.status_code < 500
    else:
        assert_refused(answer)


def test_a_lookup_signed_with_another_domains_key_is_refused(buyer, vasp):
    assert_refused(requests.get(vasp.lookup_url(f"${buyer.pay_address()}", key=FOREIGN_KEY), timeout=TIMEOUT))


def test_a_replayed_lookup_is_refused(buyer, vasp):
    url = vasp.lookup_url(f"${buyer.pay_address()}")
    assert requests.get(url, timeout=TIMEOUT).status_code == 200
    assert_refused(requests.get(url, timeout=TIMEOUT))


@pytest.mark.parametrize(
    "name", ["nobody", "$nobody", "%00", "..%2f..%2fetc", "a" * 5000, "%F0%9F%92%A9", "' OR 1=1 --", "$"]
)
def test_a_lookup_of_nobody_is_refused(stack, name):
    answer = requests.get(f"{stack.shop_url}/.well-known/lnurlp/{name}", timeout=TIMEOUT)
    assert 400 <= answer.status_code < 500


# -- pay requests (UMAD-05) --------------------------------------------------------------------------------


def set_in(path: str, value):
    """An edit of a pay request: the dotted `path` becomes `value`."""

    def edit(request: dict) -> dict:
        *parents, last = path.split(".")
        inner = request
        for name in parents:
            inner = inner[name]
        inner[last] = value
        return request

    return edit


def drop(path: str):
    def edit(request: dict) -> dict:
        *parents, last = path.split(".")
        inner = request
        for name in parents:
            inner = inner[name]
        del inner[last]
        return request

    return edit


HOSTILE = {
    "a list": lambda request: [request],
    "a string": lambda request: "pay",
    "null": lambda request: None,
    "nothing": lambda request: {},
    "no payer data": drop("payerData"),
    "payer data is a list": set_in("payerData", []),
    "no identifier": drop("payerData.identifier"),
    "identifier is a number": set_in("payerData.identifier", 5),
    "identifier without a domain": set_in("payerData.identifier", "$bob"),
    "identifier of the metadata server": set_in("payerData.identifier", "$bob@169.254.169.254"),
    "identifier with a path": set_in("payerData.identifier", "$bob@evil.com/x.local"),
    "identifier with line ends": set_in("payerData.identifier", "$bob@localhost\r\nHost: evil"),
    "identifier with NUL": set_in("payerData.identifier", "$bob\x00@localhost"),
    "identifier of another user": set_in("payerData.identifier", "$mallory@localhost:1"),
    "no compliance": drop("payerData.compliance"),
    "compliance is a string": set_in("payerData.compliance", "yes"),
    "no signature": drop("payerData.compliance.signature"),
    "signature is null": set_in("payerData.compliance.signature", None),
    "signature is a number": set_in("payerData.compliance.signature", 7),
    "signature is not hex": set_in("payerData.compliance.signature", "zz"),
    "signature is empty": set_in("payerData.compliance.signature", ""),
    "nonce is a list": set_in("payerData.compliance.signatureNonce", []),
    "nonce is huge": set_in("payerData.compliance.signatureNonce", "9" * 100_000),
    "nonce with NUL": set_in("payerData.compliance.signatureNonce", "1\x00"),
    "timestamp is huge": set_in("payerData.compliance.signatureTimestamp", 10**30),
    "timestamp is negative": set_in("payerData.compliance.signatureTimestamp", -(10**12)),
    "timestamp is text": set_in("payerData.compliance.signatureTimestamp", "now"),
    "timestamp is old": set_in("payerData.compliance.signatureTimestamp", 1_500_000_000),
    "timestamp is in ten years": set_in("payerData.compliance.signatureTimestamp", 2_100_000_000),
    "unknown kyc status": set_in("payerData.compliance.kycStatus", "NOPE"),
    "utxos is a number": set_in("payerData.compliance.utxos", 3),
    "amount is negative": set_in("amount", "-2500.SAT"),
    "amount is a fraction": set_in("amount", "1.5.SAT"),
    "amount is empty": set_in("amount", ""),
    "amount is null": set_in("amount", None),
    "amount is a list": set_in("amount", [2500]),
    "amount is an object": set_in("amount", {}),
    "amount is huge": set_in("amount", "9" * 400 + ".SAT"),
    "amount is too little": set_in("amount", "2499.SAT"),
    "amount is too much": set_in("amount", "2501.SAT"),
    "amount is zero": set_in("amount", "0.SAT"),
    "another currency": set_in("amount", "2500.XXX"),
    "convert is a list": set_in("convert", []),
    "convert is unknown": set_in("convert", "XXX"),
}


@pytest.mark.parametrize("edit", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_pay_request_is_refused(callback, vasp, edit):
    request = edit(vasp.pay_request(amount=2500))
    assert_refused(requests.post(callback, json=request, timeout=TIMEOUT))


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"NaN", b'{"amount": 1e999}'])
def test_a_pay_request_that_is_no_json_is_refused(callback, body):
    headers = {"Content-Type": "application/json"}
    assert_refused(requests.post(callback, data=body, headers=headers, timeout=TIMEOUT))


def test_a_pay_request_signed_with_another_domains_key_is_refused(callback, vasp):
    request = vasp.pay_request(amount=2500, key=FOREIGN_KEY)
    assert_refused(requests.post(callback, json=request, timeout=TIMEOUT))


def test_a_replayed_pay_request_is_refused(callback, vasp):
    request = vasp.pay_request(amount=2500)
    assert requests.post(callback, json=request, timeout=TIMEOUT).status_code == 200
    assert_refused(requests.post(callback, json=request, timeout=TIMEOUT))


def test_a_stranger_burns_nobodys_nonce(callback, vasp):
    """The nonce counts only once the signature has been verified."""
    honest = vasp.pay_request(amount=2500)
    forged = json.loads(json.dumps(honest))
    another = vasp.pay_request(amount=2500, key=FOREIGN_KEY)
    forged["payerData"]["compliance"]["signature"] = another["payerData"]["compliance"]["signature"]
    assert_refused(requests.post(callback, json=forged, timeout=TIMEOUT))
    answer = requests.post(callback, json=honest, timeout=TIMEOUT)
    assert answer.status_code == 200, answer.text
    assert answer.json()["pr"]


def test_the_pay_request_of_an_order_unknown_is_refused(callback, vasp):
    url, _, reference = callback.rpartition("/")
    unknown = f"{url}/{'z' * len(reference)}"
    assert_refused(requests.post(unknown, json=vasp.pay_request(amount=2500), timeout=TIMEOUT))


def test_keys_are_asked_only_of_vasps_we_may_reach(callback, stack, vasp):
    """A canary on this machine that is not in UMA_LOCAL_VASPS is never called."""
    canary = Vasp()
    try:
        for url in (canary.lookup_url(f"$x@{stack.domain}"), canary.lookup_url(f"$y@{stack.domain}")):
            assert_refused(requests.get(url, timeout=TIMEOUT))
        assert_refused(requests.post(callback, json=canary.pay_request(amount=2500), timeout=TIMEOUT))
        time.sleep(0.5)
        assert canary.asked == []
    finally:
        canary.close()


def test_after_all_that_the_honest_wallet_pays(buyer, callback, sandbox, vasp):
    answer = requests.post(callback, json=vasp.pay_request(amount=2500), timeout=TIMEOUT).json()
    sandbox.pay_from_outside(answer["pr"])
    assert_sold_once(buyer)


# -- who asks for somebody else's order (UMAD-05) ----------------------------------------------------------


def test_a_stranger_who_asks_first_gets_neither_the_pages_qr_nor_the_refund(stack, sandbox, vasp):
    """`$bob` asks for alice's order; she pays the page's QR; her refund goes to the address she typed."""
    alice = sandbox.wallet("alice")
    buyer = Buyer(stack).buy(make_event(stack, price_sats=2533), uma_address=alice.address)
    shown = buyer.bolt11()
    callback = vasp.lookup(f"${buyer.pay_address()}")["callback"]
    of_bob = vasp.post(callback, vasp.pay_request(amount=2533, payer="$bob"))["pr"]
    for name in ("$carol", "$dave", "$eve", "$mallory"):
        answer = requests.post(callback, json=vasp.pay_request(amount=2533, payer=name), timeout=TIMEOUT)
        assert (answer.status_code, answer.json()["code"]) == (429, "VELOCITY_LIMIT_EXCEEDED")
    page = requests.get(buyer.bought["pay_url"], timeout=TIMEOUT).text
    assert of_bob not in page
    assert shown in page or shown.upper() in page
    assert buyer.bolt11() == shown
    had = alice.look()["balance_sats"]
    sandbox.pay_from_outside(shown)
    assert_sold_once(buyer)
    assert stack.django("Order.objects.get(pk=id).payment.payer_uma", id=buyer.order_id) == ""
    left = "Invoice.objects.get(payment__order__id=id, bolt11=bolt11).status"
    wait_until(
        lambda: stack.django(left, id=buyer.order_id, bolt11=of_bob) == "canceled",
        20,
        "bob's invoice is canceled",
    )
    refund = (
        "from tickets.services.refunds import refund_order\n"
        "answer = refund_order(Order.objects.get(pk=id)).to"
    )
    assert stack.django(refund, id=buyer.order_id) == alice.address
    wait_until(lambda: alice.look()["balance_sats"] == had + 2533, 30, "the refund is in alice's wallet")
    stack.audit()
