"""E05, E07 to E12: forged and malformed messages of wallets."""

import copy
import json
import secrets
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.attacks.attacker import Answer, cases
from tests.environment import key_pair
from tests.processes import wait_until
from tests.vasp import Vasp

STRANGERS_KEY = bytes.fromhex(key_pair("SIGNING")["UMA_SIGNING_PRIVATE_KEY"])
PRICE = 2500


@pytest.fixture
def bought(shop) -> dict:
    return shop.buy()


@pytest.fixture
def callback(shop, bought) -> str:
    return f"/api/uma/payreq/{reference(bought)}"


def reference(bought: dict) -> str:
    return bought["order"]["code"].lower()


def refused(answer: Answer, status: int) -> None:
    """In UMA's words (UMAD-12) and LNURL's (LUD-06): wallets do not read problem+json."""
    assert answer.status == status, answer.text
    said = answer.json()
    assert (said["status"], bool(said["reason"]), bool(said["code"])) == ("ERROR", True, True)
    assert ("WWW-Authenticate" in answer.headers) is (status == 401)
    assert ("Retry-After" in answer.headers) is (status in (429, 503))


def invoices(shop, bought: dict) -> list:
    return shop.stack.django(
        "list(Invoice.objects.filter(payment__order=pk, kind='uma').values_list('status', flat=True))",
        pk=bought["order"]["id"],
    )


def change(path: str, value):
    """An edit of a pay request: the dotted `path` becomes `value`, or goes away when it is `...`."""

    def edit(request: dict) -> dict:
        *parents, last = path.split(".")
        inner = request
        for name in parents:
            inner = inner[name]
        if value is ...:
            del inner[last]
        else:
            inner[last] = value() if callable(value) else value
        return request

    return edit


def seconds_ago(seconds: int):
    """A timestamp made when it is sent."""
    return lambda: int(time.time()) - seconds


SIGNATURE, NONCE, TIMESTAMP = (f"payerData.compliance.signature{end}" for end in ("", "Nonce", "Timestamp"))


@cases(
    "edit status",
    [
        ("E07", "one sat less", change("amount", f"{PRICE - 1}.SAT"), 400),
        ("E07", "one sat more", change("amount", f"{PRICE + 1}.SAT"), 400),
        ("E07", "twice", change("amount", f"{PRICE * 2}.SAT"), 400),
        ("E07", "one msat more", change("amount", str(PRICE * 1000 + 1)), 400),
        ("E07", "one msat less", change("amount", str(PRICE * 1000 - 1)), 400),
        ("E07", "nothing", change("amount", "0.SAT"), 400),
        ("E07", "less than nothing", change("amount", f"-{PRICE}.SAT"), 400),
        ("E07", "half a sat more", change("amount", f"{PRICE}.5.SAT"), 400),
        ("E07", "another currency", change("amount", f"{PRICE}.USD"), 400),
        ("E07", "converted to another", change("convert", "USD"), 400),
        ("E07", "10^400", change("amount", "9" * 400 + ".SAT"), 400),
        ("E07", "true", change("amount", True), 400),
        ("E09", "no signature", change(SIGNATURE, ...), 401),
        ("E09", "an empty signature", change(SIGNATURE, ""), 401),
        ("E09", "bad DER", change(SIGNATURE, "30" * 35), 401),
        ("E09", "a signature that is no hex", change(SIGNATURE, "zz"), 401),
        ("E09", "a signature of another time", change(TIMESTAMP, seconds_ago(30)), 401),
        ("E09", "a signature under another nonce", change(NONCE, "12345"), 401),
        ("E09", "11 minutes old", change(TIMESTAMP, seconds_ago(660)), 400),
        ("E09", "11 minutes too early", change(TIMESTAMP, seconds_ago(-660)), 400),
        ("E09", "a timestamp of 2^63", change(TIMESTAMP, 2**63), 400),
        ("E09", "a timestamp of 10^30", change(TIMESTAMP, 10**30), 400),
        ("E09", "a timestamp that is a float", change(TIMESTAMP, 1.5), 400),
        ("E09", "somebody else's name", change("payerData.identifier", "$mallory@localhost:1"), 400),
        ("E09", "a name of its own invention", change("payerData.identifier", "$mallory"), 400),
        ("E11", "no payer data", change("payerData", ...), 400),
        ("E11", "payer data of 1 MB", change("payerData.name", "x" * 1_000_000), 413),
        ("E11", "payer data nested 5,000 deep", lambda request: b"[" * 5_000, 400),
        ("E11", "a list for a request", lambda request: [request], 400),
    ],
)  # fmt: skip
def test_a_pay_request_nobody_should_send(shop, someone, bought, callback, vasp, edit, status):
    """Refused, no invoice made, and the honest request is answered afterwards."""
    refused(someone.post(callback, edit(vasp.pay_request(amount=PRICE))), status)
    assert invoices(shop, bought) == []
    answer = someone.post(callback, vasp.pay_request(amount=PRICE))
    assert (answer.status, answer.json()["pr"][:6]) == (200, "lnbcrt")


def test_a_pay_request_of_another_domains_key(shop, someone, bought, callback, vasp):
    """E09"""
    refused(someone.post(callback, vasp.pay_request(amount=PRICE, key=STRANGERS_KEY)), 401)
    assert invoices(shop, bought) == []


def test_a_pay_request_replayed(shop, someone, callback, vasp):
    """E09: the second time no, also at the same moment; the same nonce of another domain is another."""
    request = vasp.pay_request(amount=PRICE)
    with ThreadPoolExecutor(5) as pool:
        said = list(pool.map(lambda _: shop.attacker().post(callback, request).status, range(5)))
    assert sorted(said) == [200] + [400] * 4
    refused(someone.post(callback, request), 400)


def test_a_thousand_unsigned_requests_leave_nothing(shop, someone, callback, vasp):
    """E10, in small: a nonce counts once its signature is verified, so strangers cannot fill the table."""
    before = shop.stack.django("VaspNonce.objects.count()")
    for number in range(40):
        request = vasp.pay_request(amount=PRICE)
        request["payerData"]["compliance"]["signatureNonce"] = str(number)
        refused(someone.post(callback, request), 401)
    assert shop.stack.django("VaspNonce.objects.count()") == before


_ASKED_BEFORE = """
from accounts.rate_limits import digest
Usage.objects.create(key=digest("WALLET_PER_IP", ip), uses=uses, until=int(timezone.now().timestamp()) + 60)
answer = None
"""


@cases(
    "path body",
    [
        ("E10", "a lookup", "/.well-known/lnurlp/{}", None),
        ("E10", "a pay request", "/api/uma/payreq/{}", {}),
        ("E10", "a plain pay request", "/api/uma/payreq/{}?amount=1", None),
        ("E10", "a callback", "/api/uma/utxos/{}", {}),
        ("E10", "whether an invoice is paid", f"/api/uma/verify/{'0' * 64}", None),
    ],
)
def test_the_6001st_request_of_a_minute(shop, someone, bought, path, body):
    """However many customers a wallet has; then 429 in UMA's words, for that address alone."""
    shop.stack.django(_ASKED_BEFORE, ip=someone.address, uses=5999)
    ask = path.format(reference(bought)), body
    method = "GET" if body is None else "POST"
    assert someone.send(method, *ask).status != 429
    refused(someone.send(method, *ask), 429)
    assert shop.attacker().send(method, *ask).status != 429
    assert someone.get("/.well-known/uma-configuration").status == 200


def test_what_a_payer_tells_of_itself_is_not_kept(shop, someone, bought, callback, vasp):
    """E11: only who paid is, for the refund."""
    request = vasp.pay_request(amount=PRICE)
    request["payerData"] |= {"name": "<b>Mallory</b> canary-name", "email": "canary@example.com"}
    assert someone.post(callback, request).status == 200
    kept = shop.stack.django(
        "[list(Model.objects.filter(**{of: pk}).values()) for Model, of in"
        " ((Invoice, 'payment__order'), (Payment, 'order'))]",
        pk=bought["order"]["id"],
    )
    assert "canary" not in json.dumps(kept)


@cases(
    "state status",
    [
        ("E08", "expired", "expired", 400),
        ("E08", "canceled", "canceled", 400),
        ("E08", "paid", "paid", 400),
        ("E08", "unknown", "unknown", 404),
    ],
)
def test_a_pay_request_for_what_is_over(shop, someone, bought, callback, vasp, state, status):
    """INVOICE_EXPIRED is 400 among UMA's error codes (UMAD-12)."""
    if state == "paid":
        shop.pay(bought)
    elif state == "canceled":
        order = bought["order"]
        someone.post(f"/api/orders/{order['id']}/cancel", order_token=order["token"])
    elif state == "expired":
        late = "Payment.objects.filter(order=pk).update(due_at=timezone.now() - timedelta(seconds=5))"
        shop.stack.django(f"{late}; answer = None", pk=bought["order"]["id"])
    else:
        callback = f"/api/uma/payreq/{'z' * 8}"
    refused(someone.post(callback, vasp.pay_request(amount=PRICE)), status)
    refused(someone.get(f"{callback}?amount={PRICE * 1000}"), status)


def test_anybody_may_pay_for_somebody(shop, someone, bought, callback, vasp):
    """E05: a payer other than the one asked is served; what comes is the owner's ticket."""
    pr = someone.post(callback, vasp.pay_request(amount=PRICE, payer="$stranger")).json()["pr"]
    shop.sandbox.pay_from_outside(pr)
    wait_until(lambda: shop.order(bought).json()["order"]["status"] == "paid", 20, "paid")
    assert shop.stack.django("Payment.objects.get(order=pk).payer_uma", pk=bought["order"]["id"]) == (
        f"$stranger@{vasp.domain}"
    )


@cases(
    "body status",
    [
        ("E12", "nothing", {}, 400),
        ("E12", "no signature", {"signature": ""}, 400),
        ("E12", "a made-up signature", {"signature": "30" * 35}, 401),
        ("E12", "another domain's", {"vaspDomain": "localhost:1", "signature": "30" * 35}, 424),
        ("E12", "the cloud's", {"vaspDomain": "169.254.169.254", "signature": "30" * 35}, 424),
        ("E12", "a list", [], 400),
    ],
)
def test_a_forged_callback(shop, someone, bought, vasp, body, status):
    """Refused, and without effect: it proves no payment."""
    if isinstance(body, dict) and "signature" in body:
        usual = {
            "utxos": [{"utxo": "ab", "amountMsats": PRICE * 1000}], "vaspDomain": vasp.domain,
            "signatureNonce": secrets.token_hex(8), "signatureTimestamp": int(time.time()),
        }  # fmt: skip
        body = usual | body
    answer = someone.post(f"/api/uma/utxos/{reference(bought)}", body)
    assert answer.status == status, answer.text
    assert shop.order(bought).json()["order"]["status"] == "pending"


def test_a_wallet_in_another_land_has_the_same_nonces(shop, someone, callback):
    """E09: a nonce is its domain's; one that is not on our list is not even asked for its keys."""
    canary = Vasp()
    try:
        request = copy.deepcopy(canary.pay_request(amount=PRICE))
        refused(someone.post(callback, request), 400)
        assert canary.asked == []
    finally:
        canary.close()
