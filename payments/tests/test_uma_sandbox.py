"""Shop and sandbox wallet, each a server of its own: asking, paying, looking up, paying back."""

import bolt11
import pytest
import requests
import uma

from payments.models import Invoice
from payments.node import lightspark
from payments.tests.test_uma_push import push
from payments.uma.push import ensure_uma_invoice
from payments.uma.send import CannotReceive, request_invoice_from

TIMEOUT = 30


@pytest.fixture
def sandbox(shop_online, sandbox_url):
    """Posts to the wallet's API; the shop is online."""

    def post(path: str, **body) -> dict:
        answer = requests.post(f"{sandbox_url}{path}", json=body, timeout=TIMEOUT)
        assert answer.ok, answer.text
        return answer.json()

    return post


def domain_of(sandbox_url: str) -> str:
    return sandbox_url.removeprefix("http://")


def settled_at_the_node(invoice: Invoice) -> bool:
    return lightspark.get_invoice(invoice.invoice_id).paid_msats == invoice.payment.amount_msats


def test_a_pushed_request_is_approved_and_paid(make_payment, sandbox, sandbox_url):
    payment = make_payment(uma_address=f"$alice@{domain_of(sandbox_url)}")
    assert push(payment).push == "delivered"
    wallet = requests.get(f"{sandbox_url}/api/wallets/alice", timeout=TIMEOUT).json()
    asked = next(each for each in wallet["requests"] if each["uma_invoice"] == payment.uma_invoice)
    assert (asked["amount_sats"], asked["status"]) == (2500, "waiting")
    sandbox(f"/api/wallets/alice/requests/{asked['id']}/approve")
    invoice = payment.invoices.get(kind="uma")
    assert invoice.payer == payment.uma_address
    assert settled_at_the_node(invoice)


@pytest.mark.parametrize("form", ["uma invoice", "uma address", "lightning address"])
def test_a_wallet_pays_whatever_is_pasted(sandbox, payment, form):
    to = {
        "uma invoice": ensure_uma_invoice(payment),
        "uma address": payment.uma_pay_address,
        "lightning address": payment.pay_address,
    }[form]
    sandbox("/api/wallets/bob/pay", to=to, amount_sats=2500)
    invoice = payment.invoices.get(status="open")
    assert invoice.kind == ("lightning" if form == "lightning address" else "uma")
    assert settled_at_the_node(invoice)


WAYS_TO_PAY_DOLLARS = {
    "uma invoice": ("uma", []),
    "uma address": ("uma", []),
    "lightning address": ("lightning", []),
    "the receiver's side is locked": ("uma", [("wallet_converts", {"lock": "receiver"})]),
    "the sender's side is locked": ("uma", [("wallet_converts", {"lock": "sender"})]),
    "a wallet of version 0": ("uma", [("wallet_v0", {})]),
    "cents as msats": ("uma", [("wallet_thousandth", {})]),
}


@pytest.mark.parametrize("way", WAYS_TO_PAY_DOLLARS)
def test_a_price_in_dollars_is_paid_in_every_way(sandbox, sandbox_url, priced, way):
    payment = priced()
    kind, faults = WAYS_TO_PAY_DOLLARS[way]
    for fault, params in [("wallet_strict", {}), *faults]:
        sandbox("/api/faults", kind=fault, match="bob", **params)
    to = {
        "uma invoice": ensure_uma_invoice(payment),
        "cents as msats": ensure_uma_invoice(payment),
        "lightning address": payment.pay_address,
    }.get(way, payment.uma_pay_address)
    try:
        sandbox("/api/wallets/bob/pay", to=to, amount_sats=payment.amount_sats)
    finally:
        requests.delete(f"{sandbox_url}/api/faults", timeout=TIMEOUT)
    invoice = payment.invoices.get(status="open")
    assert invoice.kind == kind
    assert settled_at_the_node(invoice)


def test_a_pushed_request_in_dollars_is_shown_in_dollars_and_paid(priced, sandbox, sandbox_url):
    payment = priced(uma_address=f"$alice@{domain_of(sandbox_url)}")
    assert push(payment).push == "delivered"
    wallet = requests.get(f"{sandbox_url}/api/wallets/alice", timeout=TIMEOUT).json()
    asked = next(each for each in wallet["requests"] if each["uma_invoice"] == payment.uma_invoice)
    assert (asked["amount"], asked["currency"], asked["decimals"]) == (1250, "USD", 2)
    sandbox(f"/api/wallets/alice/requests/{asked['id']}/approve")
    assert settled_at_the_node(payment.invoices.get(kind="uma"))


@pytest.mark.parametrize("mark", ["$", ""])
def test_the_wallet_is_asked_for_an_invoice_to_refund_to(shop_online, sandbox_url, mark):
    asked = request_invoice_from(f"{mark}alice@{domain_of(sandbox_url)}", 1_234_000)
    decoded = bolt11.decode(asked.bolt11)
    assert (decoded.amount_msat, decoded.payment_hash) == (1_234_000, asked.payment_hash)
    assert decoded.expiry_time == asked.expires_at.timestamp()


@pytest.mark.parametrize("mark", ["$", ""])
def test_nobody_cannot_be_refunded(shop_online, sandbox_url, mark):
    with pytest.raises(CannotReceive):
        request_invoice_from(f"{mark}nobody-at-all@{domain_of(sandbox_url)}", 1_234_000)


def test_the_uma_invoice_names_the_shop_as_it_is_online(payment, shop_online):
    invoice = uma.Invoice.from_bech32_string(ensure_uma_invoice(payment))
    assert invoice.receiver_uma == f"${payment.reference}@{shop_online}"
