"""The wallet over HTTP, with the toy VASP as the shop: requests, addresses, and money on both sides."""

import pytest
import requests
from toy_vasp import ToyVasp

from conftest import NODE_ID, until


@pytest.fixture(scope="session")
def toy(running):
    made = ToyVasp(running)
    yield made
    made.server.shutdown()


@pytest.fixture(autouse=True)
def fresh(toy):
    toy.reset()


def push(sandbox, text: str, **more) -> requests.Response:
    endpoint = sandbox.get("/.well-known/uma-configuration")["uma_request_endpoint"]
    return requests.post(endpoint, json={"invoice": text}, timeout=10, allow_redirects=False, **more)


def waiting(sandbox, user: str) -> dict:
    return next(one for one in sandbox.get(f"/api/wallets/{user}")["requests"] if one["status"] == "waiting")


def shop_msats(sandbox) -> int:
    return sandbox.get("/api/ledger")["balances_msats"][NODE_ID]


def test_pushed_request_is_approved_and_paid_once(sandbox, toy):
    text = toy.uma_invoice(amount=2100, buyer=f"$alice@{sandbox.domain}")
    assert push(sandbox, text).status_code == 200
    assert push(sandbox, text).status_code == 200
    row = waiting(sandbox, "alice")
    assert (row["amount_sats"], row["receiver_uma"]) == (2100, f"$shop@{toy.domain}")
    had, shop_had = sandbox.balance_sats("alice"), shop_msats(sandbox)
    paid = sandbox.post(f"/api/wallets/alice/requests/{row['id']}/approve", expect=200)
    assert (paid["status"], paid["amount_sats"]) == ("succeeded", 2100)
    again = sandbox.post(f"/api/wallets/alice/requests/{row['id']}/approve", expect=409)
    assert "paid already" in again["error"]
    assert sandbox.balance_sats("alice") == had - 2100
    assert shop_msats(sandbox) == shop_had + 2_100_000
    until(lambda: toy.callbacks)


def test_declined_request_moves_nothing(sandbox, toy):
    push(sandbox, toy.uma_invoice(amount=77, buyer=f"$bob@{sandbox.domain}"))
    had = sandbox.balance_sats("bob")
    row = waiting(sandbox, "bob")
    assert sandbox.post(f"/api/wallets/bob/requests/{row['id']}/decline", expect=200)["status"] == "declined"
    sandbox.post(f"/api/wallets/bob/requests/{row['id']}/approve", expect=409)
    assert (sandbox.balance_sats("bob"), toy.payreqs) == (had, [])


def test_push_for_a_stranger_or_with_a_wrong_signature_is_refused(sandbox, toy):
    stranger = push(sandbox, toy.uma_invoice(amount=5, buyer=f"$nobody@{sandbox.domain}"))
    assert (stranger.status_code, stranger.json()["code"]) == (404, "USER_NOT_FOUND")
    forged = push(sandbox, toy.uma_invoice(amount=5, buyer=f"$alice@{sandbox.domain}", key=b"\x11" * 32))
    assert (forged.status_code, forged.json()["code"]) == (401, "INVALID_SIGNATURE")
    late = push(sandbox, toy.uma_invoice(amount=5, buyer=f"$alice@{sandbox.domain}", minutes=-1))
    assert (late.status_code, late.json()["code"]) == (400, "INVOICE_EXPIRED")
    assert push(sandbox, "uma1garbage").status_code == 400


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"invoice": 5}', b"\xff", b'{"invoice": {"a": 1}}'])
def test_hostile_push_gets_a_4xx(sandbox, body):
    answer = requests.post(f"{sandbox.url}/uma/request", data=body, timeout=5)
    assert 400 <= answer.status_code < 500


def test_uma_address_is_looked_up_signed_and_paid(sandbox, toy):
    paid = sandbox.post("/api/wallets/alice/pay", {"to": f"$shop@{toy.domain}"}, expect=200)
    assert (paid["status"], paid["amount_sats"]) == ("succeeded", 500)
    assert toy.lookups[0].vasp_domain == sandbox.domain
    assert toy.payreqs[0].payer_data["identifier"] == f"$alice@{sandbox.domain}"


def test_wallet_negotiates_the_version_on_412(sandbox, toy):
    sandbox.fault("wallet_future_version", match="alice")
    paid = sandbox.post("/api/wallets/alice/pay", {"to": f"$shop@{toy.domain}"}, expect=200)
    assert paid["status"] == "succeeded"
    assert [one.uma_version for one in toy.lookups] == ["1.3"]


def test_lightning_address_is_paid_and_asks_for_a_missing_amount(sandbox, toy):
    assert (
        sandbox.post("/api/wallets/alice/pay", {"to": f"shop@{toy.domain}"}, expect=200)["amount_sats"] == 500
    )
    toy.price_sats = None
    asked = sandbox.post("/api/wallets/alice/pay", {"to": f"shop@{toy.domain}"}, expect=422)
    assert (asked["min_sats"], asked["max_sats"]) == (10, 1000)
    paid = sandbox.post("/api/wallets/alice/pay", {"to": f"shop@{toy.domain}", "amount_sats": 42}, expect=200)
    assert (paid["amount_sats"], paid["note"]) == (42, "A seat")


def test_users_receive_by_uma_and_by_lightning_address(sandbox):
    for address in (f"$bob@{sandbox.domain}", f"bob@{sandbox.domain}"):
        had, payer_had = sandbox.balance_sats("bob"), sandbox.balance_sats("alice")
        sandbox.post("/api/wallets/alice/pay", {"to": address, "amount_sats": 30}, expect=200)
        assert sandbox.balance_sats("bob") == had + 30
        assert sandbox.balance_sats("alice") == payer_had - 30
    newest = sandbox.get("/api/wallets/bob")["history"][0]
    assert (newest["direction"], newest["amount_sats"]) == ("in", 30)


def test_pasted_bolt11_and_uma_invoice_are_paid(sandbox, toy):
    made = toy.client.create_invoice(NODE_ID, 9000, memo="By hand")
    text = f"lightning:{made.data.encoded_payment_request.upper()}"
    paid = sandbox.post("/api/wallets/carol/pay", {"to": text}, expect=200)
    assert (paid["status"], paid["note"], paid["payment_hash"]) == (
        "succeeded",
        "By hand",
        made.data.payment_hash,
    )
    pasted = toy.uma_invoice(amount=12, buyer=None)
    assert sandbox.post("/api/wallets/carol/pay", {"to": pasted.upper()}, expect=200)["amount_sats"] == 12


def test_a_price_in_dollars_is_paid_in_sats(sandbox, toy):
    push(sandbox, toy.uma_invoice(amount=125, currency="USD", decimals=2, buyer=f"$alice@{sandbox.domain}"))
    paid = sandbox.post(f"/api/wallets/alice/requests/{waiting(sandbox, 'alice')['id']}/approve", expect=200)
    assert paid["amount_sats"] == 125 * 15


def test_wallet_refuses_to_pay_more_than_asked(sandbox, toy):
    toy.skew = lambda msats: msats + 5000
    push(sandbox, toy.uma_invoice(amount=33, buyer=f"$alice@{sandbox.domain}"))
    row = waiting(sandbox, "alice")
    said = sandbox.post(f"/api/wallets/alice/requests/{row['id']}/approve", expect=409)
    assert "instead of" in said["error"]
    assert waiting(sandbox, "alice")["error"] == said["error"]
    sandbox.post(f"/api/wallets/alice/requests/{row['id']}/decline", expect=200)


def test_too_poor_wallet_says_so(sandbox, toy):
    sandbox.post("/api/wallets", {"name": "dora", "balance_sats": 10})
    said = sandbox.post("/api/wallets/dora/pay", {"to": f"shop@{toy.domain}"}, expect=409)
    assert "Not enough sats" in said["error"]
