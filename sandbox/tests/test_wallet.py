"""The wallet over HTTP, with the toy VASP as the shop: requests, addresses, and money on both sides."""

import json

import ecies
import pytest
import requests

from conftest import NODE_ID, until


def shop_msats(sandbox) -> int:
    return sandbox.get("/api/ledger")["balances_msats"][NODE_ID]


def test_pushed_request_is_approved_and_paid_once(sandbox, seller):
    text = seller.uma_invoice(amount=2100, buyer=f"$alice@{sandbox.domain}")
    assert sandbox.push(text).status_code == 200
    assert sandbox.push(text).status_code == 200
    row = sandbox.waiting("alice")
    assert (row["amount_sats"], row["receiver_uma"]) == (2100, f"$shop@{seller.domain}")
    had, shop_had = sandbox.balance_sats("alice"), shop_msats(sandbox)
    paid = sandbox.post(f"/api/wallets/alice/requests/{row['id']}/approve", expect=200)
    assert (paid["status"], paid["amount_sats"]) == ("succeeded", 2100)
    again = sandbox.post(f"/api/wallets/alice/requests/{row['id']}/approve", expect=409)
    assert "paid already" in again["error"]
    assert sandbox.balance_sats("alice") == had - 2100
    assert shop_msats(sandbox) == shop_had + 2_100_000
    until(lambda: seller.callbacks)


def test_declined_request_moves_nothing(sandbox, seller):
    sandbox.push(seller.uma_invoice(amount=77, buyer=f"$bob@{sandbox.domain}"))
    had = sandbox.balance_sats("bob")
    row = sandbox.waiting("bob")
    assert sandbox.post(f"/api/wallets/bob/requests/{row['id']}/decline", expect=200)["status"] == "declined"
    sandbox.post(f"/api/wallets/bob/requests/{row['id']}/approve", expect=409)
    assert (sandbox.balance_sats("bob"), seller.payreqs) == (had, [])


def test_push_for_a_stranger_or_with_a_wrong_signature_is_refused(sandbox, seller):
    stranger = sandbox.push(seller.uma_invoice(amount=5, buyer=f"$nobody@{sandbox.domain}"))
    assert (stranger.status_code, stranger.json()["code"]) == (404, "USER_NOT_FOUND")
    forged = sandbox.push(seller.uma_invoice(amount=5, buyer=f"$alice@{sandbox.domain}", key=b"\x11" * 32))
    assert (forged.status_code, forged.json()["code"]) == (401, "INVALID_SIGNATURE")
    late = sandbox.push(seller.uma_invoice(amount=5, buyer=f"$alice@{sandbox.domain}", minutes=-1))
    assert (late.status_code, late.json()["code"]) == (400, "INVOICE_EXPIRED")
    assert sandbox.push("uma1garbage").status_code == 400


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"invoice": 5}', b"\xff", b'{"invoice": {"a": 1}}'])
def test_hostile_push_gets_a_4xx(sandbox, body):
    answer = requests.post(f"{sandbox.url}/uma/request", data=body, timeout=5)
    assert 400 <= answer.status_code < 500


def test_uma_address_is_looked_up_signed_and_paid(sandbox, seller):
    paid = sandbox.post("/api/wallets/alice/pay", {"to": f"$shop@{seller.domain}"}, expect=200)
    assert (paid["status"], paid["amount_sats"]) == ("succeeded", 500)
    assert seller.lookups[0].vasp_domain == sandbox.domain
    assert seller.payreqs[0].payer_data["identifier"] == f"$alice@{sandbox.domain}"


def test_wallet_negotiates_the_version_on_412(sandbox, seller):
    sandbox.fault("wallet_future_version", match="alice")
    paid = sandbox.post("/api/wallets/alice/pay", {"to": f"$shop@{seller.domain}"}, expect=200)
    assert paid["status"] == "succeeded"
    assert [one.uma_version for one in seller.lookups] == ["1.3"]


def test_lightning_address_is_paid_and_asks_for_a_missing_amount(sandbox, seller):
    address = f"shop@{seller.domain}"
    fixed = sandbox.post("/api/wallets/alice/pay", {"to": address}, expect=200)
    assert fixed["amount_sats"] == 500
    seller.price_sats = None
    asked = sandbox.post("/api/wallets/alice/pay", {"to": address}, expect=422)
    assert (asked["min_sats"], asked["max_sats"]) == (10, 1000)
    paid = sandbox.post(
        "/api/wallets/alice/pay", {"to": f"shop@{seller.domain}", "amount_sats": 42}, expect=200
    )
    assert (paid["amount_sats"], paid["note"]) == (42, "A seat")


def test_users_receive_by_uma_and_by_lightning_address(sandbox):
    for address in (f"$bob@{sandbox.domain}", f"bob@{sandbox.domain}"):
        had, payer_had = sandbox.balance_sats("bob"), sandbox.balance_sats("alice")
        sandbox.post("/api/wallets/alice/pay", {"to": address, "amount_sats": 30}, expect=200)
        assert sandbox.balance_sats("bob") == had + 30
        assert sandbox.balance_sats("alice") == payer_had - 30
    newest = sandbox.get("/api/wallets/bob")["history"][0]
    assert (newest["direction"], newest["amount_sats"]) == ("in", 30)


def test_pasted_bolt11_and_uma_invoice_are_paid(sandbox, seller):
    made = seller.client.create_invoice(NODE_ID, 9000, memo="By hand")
    text = f"lightning:{made.data.encoded_payment_request.upper()}"
    paid = sandbox.post("/api/wallets/carol/pay", {"to": text}, expect=200)
    assert (paid["status"], paid["note"], paid["payment_hash"]) == (
        "succeeded",
        "By hand",
        made.data.payment_hash,
    )
    pasted = seller.uma_invoice(amount=12, buyer=None)
    assert sandbox.post("/api/wallets/carol/pay", {"to": pasted.upper()}, expect=200)["amount_sats"] == 12


def test_a_price_in_dollars_is_paid_in_sats(sandbox, seller):
    sandbox.push(seller.uma_invoice(amount=125, currency="USD", decimals=2, buyer=f"$alice@{sandbox.domain}"))
    paid = sandbox.post(f"/api/wallets/alice/requests/{sandbox.waiting('alice')['id']}/approve", expect=200)
    assert paid["amount_sats"] == 125 * 15


def test_wallet_refuses_to_pay_more_than_asked(sandbox, seller):
    seller.skew = lambda msats: msats + 5000
    sandbox.push(seller.uma_invoice(amount=33, buyer=f"$alice@{sandbox.domain}"))
    row = sandbox.waiting("alice")
    said = sandbox.post(f"/api/wallets/alice/requests/{row['id']}/approve", expect=409)
    assert "instead of" in said["error"]
    assert sandbox.waiting("alice")["error"] == said["error"]
    sandbox.post(f"/api/wallets/alice/requests/{row['id']}/decline", expect=200)


def test_too_poor_wallet_says_so(sandbox, seller):
    sandbox.post("/api/wallets", {"name": "dora", "balance_sats": 10})
    said = sandbox.post("/api/wallets/dora/pay", {"to": f"shop@{seller.domain}"}, expect=409)
    assert "Not enough sats" in said["error"]


def test_both_sides_report_their_utxos_signed(sandbox, seller):
    sandbox.post("/api/wallets/alice/pay", {"to": f"$shop@{seller.domain}"}, expect=200)
    assert until(lambda: seller.callbacks)[0]["vaspDomain"] == sandbox.domain
    before = len(sandbox.get("/api/callbacks")["callbacks"])
    sandbox.post("/api/wallets/alice/pay", {"to": f"$bob@{sandbox.domain}", "amount_sats": 3}, expect=200)
    reports = until(
        lambda: (found := sandbox.get("/api/callbacks")["callbacks"]) and len(found) >= before + 2 and found
    )
    assert [row["is_verified"] for row in reports[:2]] == [True, True]


def test_travel_rule_and_backing_signatures_are_sent(sandbox, seller):
    sandbox.fault("wallet_travel_rule", count=1)
    sandbox.fault("wallet_backed", count=1)
    sandbox.post("/api/wallets/alice/pay", {"to": f"$shop@{seller.domain}"}, expect=200)
    compliance = seller.payreqs[0].payer_data["compliance"]
    opened = ecies.decrypt(seller.encryption_key, bytes.fromhex(compliance["encryptedTravelRuleInfo"]))
    assert json.loads(opened) == {"originator": {"name": "Alice"}}
    assert [one["domain"] for one in compliance["backingSignatures"]] == [sandbox.domain]
