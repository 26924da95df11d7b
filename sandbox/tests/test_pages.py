"""Pages of the sandbox: forms work without script, errors are sentences, no cookie is set."""

import re

import pytest
import requests

from conftest import NODE_ID


def page(sandbox, path: str, **form) -> requests.Response:
    url = sandbox.url + path
    return requests.post(url, data=form, timeout=20) if form else requests.get(url, timeout=10)


def test_a_new_wallet_starts_with_play_money(sandbox):
    shown = page(sandbox, "/wallets", name="$Frida@x")
    assert "100,000" in shown.text
    assert f"$frida@{sandbox.domain}" in shown.text
    assert page(sandbox, "/wallets", name="no spaces").status_code == 400


def test_request_is_shown_approved_and_gone(sandbox, seller):
    sandbox.push(seller.uma_invoice(amount=4321, buyer=f"$alice@{sandbox.domain}"))
    row = sandbox.waiting("alice")
    assert "4,321 sats" in page(sandbox, "/wallet/alice/live").text
    shown = page(sandbox, f"/wallet/alice/requests/{row['id']}/approve", go="1")
    assert "Paid 4,321 sats" in shown.text
    assert f"requests/{row['id']}" not in shown.text


def test_declined_request_is_listed_as_declined(sandbox, seller):
    sandbox.push(seller.uma_invoice(amount=1234, buyer=f"$carol@{sandbox.domain}"))
    row = sandbox.waiting("carol")
    assert "request declined" in page(sandbox, f"/wallet/carol/requests/{row['id']}/decline", go="1").text


def test_pay_box_asks_for_the_amount_only_when_needed(sandbox, seller):
    seller.price_sats = None
    asked = page(sandbox, "/wallet/alice/pay", to=f"shop@{seller.domain}")
    assert (asked.status_code, "How many sats?" in asked.text, "10 to 1,000" in asked.text) == (
        422,
        True,
        True,
    )
    paid = page(sandbox, "/wallet/alice/pay", to=f"shop@{seller.domain}", amount_sats="42")
    assert "Paid 42 sats" in paid.text


@pytest.mark.parametrize("to", ["", "hello", "lnbc1nonsense", "uma1nonsense", "<script>alert(1)</script>"])
def test_what_cannot_be_paid_gets_a_sentence(sandbox, to):
    shown = page(sandbox, "/wallet/alice/pay", to=to, amount_sats="")
    assert (shown.status_code, 'role="alert"' in shown.text) == (422, True)
    assert "<script>alert" not in shown.text


def test_failed_payment_says_that_the_sats_are_still_there(sandbox):
    shop = sandbox.client()
    made = shop.create_invoice(NODE_ID, 1000)
    shop.cancel_invoice(made.id)
    shown = page(sandbox, "/wallet/alice/pay", to=made.data.encoded_payment_request)
    assert "Your sats are still here" in shown.text


def test_faults_are_switched_on_and_off_on_the_page(sandbox):
    page(sandbox, "/faults/on", kind="webhook_duplicate", count="2", times="3")
    (fault,) = sandbox.get("/api/faults")["faults"]
    assert (fault["kind"], fault["count"], fault["times"]) == ("webhook_duplicate", 2, 3)
    assert "2 to go" in page(sandbox, "/faults").text
    assert page(sandbox, "/faults/on", kind="webhook_duplicate", times="many").status_code == 400
    page(sandbox, "/faults/off", kind="webhook_duplicate")
    assert sandbox.get("/api/faults")["faults"] == []


@pytest.mark.parametrize(
    "path", ["/", "/wallet/alice", "/wallet/alice?to=x&paid=nonsense", "/faults", "/ledger"]
)
def test_pages_set_no_cookie_and_load_nothing_from_elsewhere(sandbox, path):
    shown = page(sandbox, path)
    assert (shown.status_code, dict(shown.cookies)) == (200, {})
    linked = re.findall(r'(?:src|href|action)="([^"]*)"', shown.text)
    assert [link for link in linked if not link.startswith(("/", "#"))] == []
    assert len(shown.content) < 100_000


def test_strangers_get_404(sandbox):
    assert page(sandbox, "/wallet/nobody").status_code == 404
    assert requests.get(f"{sandbox.url}/api/wallets/nobody", timeout=5).status_code == 404
