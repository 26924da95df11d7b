"""Faults of wallets' servers: they hang, drip, lie, redirect and rebind."""

import re
import time
import uuid
from pathlib import Path

import pytest

from tests.buyer import Buyer, make_event
from tests.faults.selling import assert_paid_once, seats_taken
from tests.faults.tls_server import KINDS as TLS_FAULTS
from tests.faults.tls_server import TlsServer
from tests.processes import free_port, wait_until

PUSH_OF = """
p = Payment.objects.get(order__pk=pk)
answer = [p.push, p.last_error, p.attempts]
"""


def push_of(buyer: Buyer) -> list:
    return buyer.stack.django(PUSH_OF, pk=buyer.order_id)


def ended(buyer: Buyer) -> str | None:
    """What became of the push, once it has ended or failed for the first time."""
    push, error, _attempts = push_of(buyer)
    return error if error else (push if push != "queued" else None)


def pays_by_qr(shop, buyer: Buyer) -> None:
    """However the push ended: the seats are held, and the QR is paid."""
    assert buyer.status() == "pending"
    shop.node.pay_from_outside(buyer.bolt11())
    assert_paid_once(buyer)


@pytest.mark.case("F31", fault="six wallets' servers hang, drip, or never end the head of their answer")
@pytest.mark.parametrize("kind", ["push_hang", "vasp_hang", "vasp_drip", "vasp_slow_headers"])
def test_hanging_wallets_cost_only_their_own_pushes(shop, kind):
    """Each push is given up within 10 s and tried again; another buyer is served meanwhile, in 5 s."""
    event, alice = make_event(shop), shop.node.wallet("alice")
    shop.node.fault(kind, **({} if kind == "push_hang" else {"match": "configuration"}))
    waiting = [Buyer(shop).buy(event, uma_address=alice.address) for _ in range(6)]
    started = time.monotonic()
    other = Buyer(shop).buy(event)
    shop.node.pay_from_outside(other.bolt11())
    assert_paid_once(other)
    assert time.monotonic() - started < 5
    wait_until(lambda: ended(waiting[0]), 10 - (time.monotonic() - started), "the push is given up")
    assert push_of(waiting[0])[:2] == ["queued", "vasp_unreachable"]
    assert seats_taken(shop, event) == 7
    shop.node.no_faults()
    shop.hurry()
    wait_until(lambda: push_of(waiting[-1])[0] == "delivered", 40, "the push is delivered")
    alice.approve(alice.request_for(waiting[0]))
    assert_paid_once(waiting[0])


REDIRECTS = [("push_redirect", ""), ("vasp_redirect", "configuration")]
PLACES = ["http://127.0.0.1:{port}/", "http://169.254.169.254/latest/", "file:///etc/passwd"]


@pytest.mark.case("F32", fault="a wallet's server redirects us to our own network, or to a file")
@pytest.mark.parametrize(("kind", "match"), REDIRECTS)
@pytest.mark.parametrize("place", PLACES, ids=["loopback", "metadata", "file"])
def test_redirects_are_not_followed(shop, kind, match, place):
    """Nothing is ever sent to the redirect's target; the push is refused; the QR is paid."""
    port = free_port()
    shop.node.fault(kind, location=place.format(port=port), **({"match": match} if match else {}))
    buyer = Buyer(shop).buy(make_event(shop), uma_address=shop.node.wallet("alice").address)
    wait_until(lambda: ended(buyer), 20, "the push ends")
    seen = shop.connects()
    assert not [line for line in seen if line == f"127.0.0.1 {port}" or line.startswith("169.254")]
    assert push_of(buyer)[0] == "refused"
    pays_by_qr(shop, buyer)


@pytest.mark.short
@pytest.mark.case("F33", fault="DNS says a public address first and 127.0.0.1 next, or both at once")
def test_dns_rebinding_reaches_nothing_private(shop):
    """We connect to the very address that was checked, and to none when one of them is private."""
    public = "20.0.0.1"
    shop.resolve(
        rebind_wallet_com=[[public], ["127.0.0.1"]],
        mixed_wallet_com=[[public, "127.0.0.1"]],
        mixed6_wallet_com=[["20.0.0.2", "::1"]],
        private_wallet_com=[["10.0.0.1"]],
    )
    event, before = make_event(shop), len(shop.connects())
    names = ["rebind", "mixed", "mixed6", "private"]
    buyers = [Buyer(shop).buy(event, uma_address=f"$eve@{name}.wallet.com") for name in names]
    for buyer in buyers:
        wait_until(lambda b=buyer: ended(b), 30, "the push is given up")
    for _ in range(3):
        shop.hurry()
        time.sleep(0.5)
    to_https = {line for line in shop.connects()[before:] if line.endswith(" 443")}
    assert to_https <= {f"{public} 443"}
    assert f"{public} 443" in to_https, "the harness is blind: even the checked address was not asked"
    for buyer in buyers:
        pays_by_qr(shop, buyer)


def memory_kb(pid: int) -> int:
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1])


@pytest.mark.case(
    "F34",
    fault="a wallet's server answers 256 MB, as body or head, a gzip bomb, no JSON, JSON of the wrong shape",
)
@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("vasp_huge", {"megabytes": 256}),
        ("vasp_endless_headers", {"megabytes": 256}),
        ("vasp_gzip_bomb", {"megabytes": 256}),
        ("vasp_bad_json", {}),
        ("vasp_wrong_types", {}),
    ],
)
def test_a_wallets_server_cannot_fill_our_memory(shop, kind, more):
    """Cut at 64 KiB; a worker grows by less than 20 MB; the push fails with a reason; the QR is paid."""
    event, address = make_event(shop), shop.node.wallet("alice").address
    before = [memory_kb(worker.pid) for worker in shop.workers]
    shop.node.fault(kind, match="configuration", **more)
    buyer = Buyer(shop).buy(event, uma_address=address)
    wait_until(lambda: ended(buyer), 20, "the push fails")
    assert push_of(buyer)[1] in ("vasp_unreachable", "vasp_takes_no_requests")
    after = [memory_kb(worker.pid) for worker in shop.workers]
    assert max(new - old for new, old in zip(after, before, strict=True)) < 20_000
    pays_by_qr(shop, buyer)


@pytest.mark.case("F35", fault="a wallet's server has no certificate to trust, no TLS, or hangs up over it")
@pytest.mark.parametrize("kind", TLS_FAULTS, ids=lambda kind: kind.replace(" ", "-"))
def test_without_good_tls_nothing_is_said(shop, kind, tmp_path):
    """The server never hears what we ask; the push is unreachable; the QR is paid."""
    name, address = f"{uuid.uuid4().hex}.wallet.com", f"20.0.1.{1 + TLS_FAULTS.index(kind)}"
    shop.resolve(**{name: [[address]]})
    server = TlsServer(kind, name, tmp_path)
    shop.serve_there(f"{address} 443", server.port)
    try:
        buyer = Buyer(shop).buy(make_event(shop), uma_address=f"$eve@{name}")
        wait_until(lambda: ended(buyer), 20, "the push fails")
        assert push_of(buyer)[:2] == ["queued", "vasp_unreachable"]
        assert server.visits
    finally:
        server.close()
    assert server.heard == b""
    pays_by_qr(shop, buyer)


@pytest.mark.case("F35", fault="a wallet names an https address on a port of its own, where no TLS is")
def test_an_https_address_on_a_strange_port_is_refused(shop):
    """It is not even tried; the push is refused; the QR is paid."""
    shop.node.fault("vasp_bad_tls")
    buyer = Buyer(shop).buy(make_event(shop), uma_address=shop.node.wallet("alice").address)
    wait_until(lambda: push_of(buyer)[0] == "refused", 20, "the push is refused")
    pays_by_qr(shop, buyer)


WRONG_INVOICES = [
    ("wrong_network", {"network": "MAINNET"}, "its invoice is for another Bitcoin network"),
    ("wrong_invoice_amount", {"delta_msats": -1000}, "its invoice is over another amount"),
]


@pytest.mark.short
@pytest.mark.case("F38", fault="the node makes invoices for another Bitcoin network, or over another amount")
@pytest.mark.parametrize(("kind", "params", "reason"), WRONG_INVOICES)
def test_an_invoice_that_is_not_what_we_asked_for_is_never_shown(shop, kind, params, reason):
    """bolt11 stays null and nothing is sold; when the node is right again it comes."""
    event = make_event(shop)
    shop.node.fault(kind, **params)
    buyer = Buyer(shop).buy(event)
    assert buyer.bought["payment"]["bolt11"] is None
    error = "Invoice.objects.get(payment__order__pk=pk).last_error"
    noted = f"node_refused: {reason}"
    wait_until(lambda: shop.django(error, pk=buyer.order_id) == noted, 20, "it is refused")
    shop.node.no_faults()
    shop.hurry()
    pays_by_qr(shop, buyer)
