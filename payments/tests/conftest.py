"""Fixtures for tests of money: a wallet provider, a payment, a Lightning node."""

import os
import secrets
import sys
from datetime import timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path

import pytest
import requests
from django.core.cache import cache
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from payments import refunds
from payments.models import Payment, Refund
from payments.node import lightspark
from payments.quotes import Quote
from payments.rates.services import Rate
from payments.services import create_payment, new_payment
from payments.tests.refunding import SATS, Node
from payments.tests.toy_node import ToyNode
from payments.tests.wallet import Wallet
from tests.factories import IncomingPaymentFactory
from tests.processes import Process, free_port, wait_until
from ticketsuma.money import SAT

# Where the shop is, for whom the sandbox lets in.
SHOP = f"localhost:{free_port()}"
ROOT = Path(__file__).resolve().parent.parent.parent
_numbers = count(1)


@pytest.fixture(autouse=True)
def empty_cache():
    """No test finds the keys, or the troubles, of another test's wallet."""
    cache.clear()


@pytest.fixture(scope="session")
def wallet_server():
    server = Wallet()
    yield server
    server.close()


@pytest.fixture
def wallet(wallet_server, settings) -> Wallet:
    """A wallet provider on this machine that the shop may talk to, as if nobody ever asked it anything."""
    wallet_server.forget()
    settings.UMA_LOCAL_VASPS = settings.UMA_LOCAL_VASPS | {wallet_server.domain}
    return wallet_server


@pytest.fixture
def make_payment(transactional_db):
    """Makes payments over 2500 sats, due in a quarter of an hour; `changes` replace what differs."""

    def make(amount_sats: int = 2500, **changes) -> Payment:
        usual = {
            "reference": f"ref{next(_numbers)}",
            "quote": Quote(SAT, amount_sats, amount_sats),
            "memo": "A seat",
            "uma_address": "",
            "due_at": timezone.now() + timedelta(minutes=15),
        }
        payment = new_payment(**(usual | changes))
        create_payment(payment)
        payment.invoices_in_hand = None
        return payment

    return make


@pytest.fixture
def payment(make_payment) -> Payment:
    return make_payment()


@pytest.fixture
def priced(make_payment):
    """Makes payments of a price in another currency; `changes` are as of `make_payment`."""

    def make(currency="USD", amount=1250, btc_price="96123.45", **changes) -> Payment:
        payment = make_payment(**changes)
        quoted = Rate(currency, Decimal(btc_price), ("one", "two"), timezone.now()).msats(amount)
        columns = {
            "currency": currency, "amount_minor": amount, "rate": Decimal(btc_price),
            "rate_at": timezone.now(), "rate_sources": ["one", "two"], "amount_sats": quoted // 1000,
        }  # fmt: skip
        Payment.objects.filter(pk=payment.pk).update(**columns, uma_invoice="")
        return Payment.objects.get(pk=payment.pk)

    return make


@pytest.fixture(scope="session")
def sandbox_url(tmp_path_factory):
    """The sandbox as a process of its own: our Lightning node, and the wallets of alice, bob and carol."""
    folder = tmp_path_factory.mktemp("sandbox")
    port = free_port()
    env = os.environ | {
        "SANDBOX_PORT": str(port),
        "SANDBOX_DOMAIN": f"localhost:{port}",
        "SANDBOX_DATABASE": str(folder / "sandbox.sqlite3"),
        "SANDBOX_LOCAL_VASPS": SHOP,
        "SANDBOX_WEBHOOK_URL": "http://127.0.0.1:9/nobody-listens",
    }
    env.pop("DJANGO_SETTINGS_MODULE")
    prepare = [sys.executable, "sandbox/manage.py", "prepare"]
    serve = [sys.executable, "-m", "gunicorn", "-c", "sandbox/gunicorn.conf.py"]
    serve += ["--chdir", "sandbox", "wsgi:application"]
    preparing = Process("prepare", prepare, cwd=ROOT, env=env, log=folder / "prepare.log").start()
    wait_until(lambda: not preparing.running, 60, "the sandbox is prepared")
    assert preparing.stop() == 0, preparing.tail()
    process = Process("sandbox", serve, cwd=ROOT, env=env, log=folder / "sandbox.log").start()
    url = f"http://localhost:{port}"
    wait_until(lambda: _is_healthy(url), 30, "the sandbox answers")
    yield url
    process.stop()


def _is_healthy(url: str) -> bool:
    try:
        return requests.get(f"{url}/health", timeout=2).ok
    except requests.RequestException:
        return False


@pytest.fixture
def node(sandbox_url, settings):
    """Our Lightning node, played by the sandbox; returns the sandbox's URL."""
    settings.LIGHTSPARK_BASE_URL = f"{sandbox_url}/graphql/server/2023-09-13"
    settings.NODE_TIMEOUT_SECONDS = 10.0  # the machine may be busy with other tests
    _forget_the_node()
    yield sandbox_url
    _forget_the_node()


@pytest.fixture
def toy(settings):
    """Our Lightning node, played by a test: it answers what it is told to."""
    toy = ToyNode()
    settings.LIGHTSPARK_BASE_URL = toy.url
    _forget_the_node()
    yield toy
    _forget_the_node()
    toy.close()


@pytest.fixture
def shop_online(node, settings, transactional_db):
    """The shop as a server that the sandbox's wallet can reach; its address."""
    settings.UMA_DOMAIN, settings.SITE_URL = SHOP, f"http://{SHOP}"
    settings.UMA_LOCAL_VASPS = settings.UMA_LOCAL_VASPS | {node.removeprefix("http://")}
    settings.ALLOWED_HOSTS = ["localhost"]
    server = LiveServer(SHOP)
    yield SHOP
    server.stop()


def _forget_the_node() -> None:
    lightspark._client.cache_clear()
    lightspark._account.cache_clear()
    lightspark.own_node_id.cache_clear()
    lightspark._load_signing_key.cache_clear()
    lightspark._facts = None


# -- refunds -------------------------------------------------------------------------------
@pytest.fixture
def sandbox(shop_online, sandbox_url) -> Node:
    node = Node(sandbox_url)
    node.fund(50_000)
    yield node
    node.no_faults()


@pytest.fixture
def make_refund(transactional_db, sandbox_url):
    """Makes refunds of money that arrived and was not wanted."""

    def make(name: str = "$alice", sats: int = SATS) -> Refund:
        incoming = IncomingPaymentFactory(
            node_payment_id=f"IncomingPayment:{secrets.token_hex(16)}",
            amount_msats=sats * 1000,
            received_at=timezone.now(),
            allocated_at=timezone.now(),
        )
        to = f"{name}@{sandbox_url.removeprefix('http://')}"
        return refunds.write_refund(incoming, amount_msats=sats * 1000, reason=Refund.Reason.LATE, to=to)

    return make
