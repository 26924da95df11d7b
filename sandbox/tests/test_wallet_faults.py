"""Faults of wallets: pushes, published keys, and payments."""

import pytest
import requests


@pytest.fixture(scope="module")
def shop(running):
    return running.client()


def pay(sandbox, bolt11: str, **more) -> dict:
    return sandbox.post("/api/payments", {"bolt11": bolt11, **more}, expect=200)["payments"][0]


def test_push_faults(sandbox, seller):
    text = seller.uma_invoice(amount=5, buyer=f"$carol@{sandbox.domain}")
    sandbox.fault("push_refused", count=1, status=401, match="carol")
    assert sandbox.push(text).status_code == 401
    sandbox.fault("push_500", count=1)
    assert sandbox.push(text).status_code == 500
    sandbox.fault("push_redirect", count=1, location="http://127.0.0.1:9/")
    moved = sandbox.push(text)
    assert (moved.status_code, moved.headers["Location"]) == (302, "http://127.0.0.1:9/")
    sandbox.fault("push_hang", count=1, delay_s=1)
    with pytest.raises(requests.RequestException):
        sandbox.push(text)
    sandbox.fault("push_accepts_unknown", count=1)
    assert sandbox.push(seller.uma_invoice(amount=5, buyer=f"$nobody@{sandbox.domain}")).status_code == 200
    assert sandbox.push(text).status_code == 200


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("vasp_500", {}),
        ("vasp_bad_json", {}),
        ("vasp_wrong_types", {}),
        ("vasp_bad_tls", {}),
        ("vasp_slow_headers", {"delay_s": 1}),
        ("vasp_endless_headers", {"megabytes": 2}),
        ("vasp_huge", {"megabytes": 2}),
        ("vasp_gzip_bomb", {"megabytes": 2}),
        ("vasp_redirect", {"location": "http://127.0.0.1:9/"}),
        ("vasp_drip", {"delay_s": 0.5}),
        ("vasp_hang", {"delay_s": 0.2}),
    ],
)
def test_vasp_endpoints_misbehave_once(sandbox, kind, params):
    url = f"{sandbox.url}/.well-known/uma-configuration"
    good = requests.get(url, timeout=5).json()
    sandbox.fault(kind, count=1, match="configuration", **params)
    assert requests.get(f"{sandbox.url}/.well-known/lnurlpubkey", timeout=5).ok
    try:
        answer = requests.get(url, timeout=20, allow_redirects=False)
        bad = answer.status_code != 200 or answer.json() != good
    except (requests.RequestException, ValueError):
        bad = True
    assert bad
    assert requests.get(url, timeout=5).json() == good


def test_wrong_keys_are_published(sandbox):
    url = f"{sandbox.url}/.well-known/lnurlpubkey"
    right = requests.get(url, timeout=5).json()["signingPubKey"]
    sandbox.fault("vasp_wrong_key", count=1)
    assert requests.get(url, timeout=5).json()["signingPubKey"] != right
    assert requests.get(url, timeout=5).json()["signingPubKey"] == right


def approve(sandbox, seller, **more) -> requests.Response:
    sandbox.push(seller.uma_invoice(amount=5000, buyer=f"$alice@{sandbox.domain}", **more))
    row = sandbox.waiting("alice")
    answer = requests.post(f"{sandbox.url}/api/wallets/alice/requests/{row['id']}/approve", timeout=20)
    requests.post(f"{sandbox.url}/api/wallets/alice/requests/{row['id']}/decline", timeout=5)
    return answer


def test_wallet_that_asks_for_a_thousandth(sandbox, seller):
    sandbox.fault("wallet_thousandth", match="alice")
    assert approve(sandbox, seller).json()["amount_msats"] == 5000
    asked = seller.payreqs[0]
    assert (asked.amount, asked.sending_amount_currency_code) == (5000, None)


def test_wallet_that_pays_the_same_uma_invoice_twice(sandbox, seller):
    sandbox.fault("wallet_pays_twice", match="alice")
    had = sandbox.balance_sats("alice")
    assert approve(sandbox, seller).json()["status"] == "succeeded"
    assert (sandbox.balance_sats("alice"), len(seller.payreqs)) == (had - 10_000, 2)


def test_wallet_of_version_zero(sandbox, seller):
    sandbox.fault("wallet_v0", match="alice")
    paid = sandbox.post("/api/wallets/alice/pay", {"to": f"$shop@{seller.domain}"}, expect=200)
    assert paid["status"] == "succeeded"
    assert seller.lookups[0].uma_version == "0.3"
    assert seller.payreqs[0].uma_major_version == 0
    assert approve(sandbox, seller).json()["status"] == "succeeded"


def test_strict_wallet_pays_a_correct_seller_and_refuses_a_sloppy_one(sandbox, seller):
    sandbox.fault("wallet_strict", match="alice")
    assert approve(sandbox, seller).json()["status"] == "succeeded"
    for to in (f"$shop@{seller.domain}", f"shop@{seller.domain}"):
        assert sandbox.post("/api/wallets/alice/pay", {"to": to}, expect=200)["status"] == "succeeded"
    seller.node_key_shown = None
    refused = approve(sandbox, seller)
    assert (refused.status_code, "nodePubKey" in refused.json()["error"]) == (409, True)


def test_wallet_without_uma(sandbox, seller):
    sandbox.fault("wallet_lnurl_only", match="alice")
    sandbox.post("/api/wallets/alice/pay", {"to": f"$shop@{seller.domain}"}, expect=409)
    assert sandbox.post("/api/wallets/alice/pay", {"to": f"shop@{seller.domain}"}, expect=200)
    sandbox.post("/api/wallets/bob/pay", {"to": f"$alice@{sandbox.domain}", "amount_sats": 5}, expect=409)
