"""Pages of connected wallets: connecting, pressing, forgetting; what exports and erasure do with them."""

import re

import pytest

from payments.nwc.models import ConnectedWallet, Tap
from tests.factories import EventFactory, OrderFactory, UserFactory
from tickets.services.data_export import export_person
from tickets.services.personal_data import erase_personal_data, forget_email
from tickets.services.voiding import replace_links

SECRET = "cd" * 32
WALLET = "7e7e9c42a91bfef19fa929e5fda1b72e0ebc1a4c1141673e2794234d86addf4e"
LINK = f"nostr+walletconnect://{WALLET}?relay=wss%3A%2F%2Frelay.example.com&secret={SECRET}&lud16=zoe@wallet.example.com"

INSIDE = LINK.replace("wss%3A%2F%2Frelay.example.com", "ws%3A%2F%2F10.0.0.1")


@pytest.fixture
def order(transactional_db):
    return OrderFactory(event=EventFactory(price_sats=2500))


def connected(**owner) -> ConnectedWallet:
    """A wallet that was found ready."""
    made = ConnectedWallet(name="zoe@wallet.example.com", relay="relay.example.com", status="ready", **owner)
    made.keep_link(LINK)
    made.save()
    return made


def act(client, order, name: str, **fields):
    return client.post(order.get_absolute_url(), {"act": name, **fields})


def test_a_guest_connects_a_wallet_for_one_order(client, order):
    answer = act(client, order, "wallet_connect", link=LINK)
    assert answer.status_code == 302
    page = client.get(order.get_absolute_url()).content.decode()
    assert "what it can do" in page
    assert SECRET not in page
    assert ConnectedWallet.objects.get().payment == order.payment


@pytest.mark.parametrize(
    "link", ["", "hello", LINK.replace("wss%3A%2F%2Frelay.example.com", "ws%3A%2F%2F10.0.0.1")]
)
def test_a_link_that_is_none_is_refused_and_not_shown_again(client, order, link):
    answer = act(client, order, "wallet_connect", link=link)
    assert answer.status_code == 422
    assert SECRET not in answer.content.decode()
    assert not ConnectedWallet.objects.exists()


def test_a_press_is_queued_once_and_hides_the_other_ways(client, order):
    wallet = connected(payment=order.payment)
    assert "from <bdi>zoe@wallet.example.com</bdi>" in client.get(order.get_absolute_url()).content.decode()
    for _twice in range(2):
        assert act(client, order, "wallet_pay", wallet=str(wallet.pk)).status_code == 302
    assert Tap.objects.get().status == "queued"
    page = client.get(order.get_absolute_url()).content.decode()
    assert 'data-tap="queued"' in page
    for other_way in ("lightning:", order.payment.pay_address, "data-invoice"):
        assert other_way not in page


def test_an_accounts_wallet_is_its_owners_alone(client, order):
    owner = UserFactory()
    wallet = connected(user=owner)
    assert "zoe@wallet.example.com" not in client.get(order.get_absolute_url()).content.decode()
    assert act(client, order, "wallet_pay", wallet=str(wallet.pk)).status_code == 409
    client.force_login(owner)
    assert "zoe@wallet.example.com" in client.get(order.get_absolute_url()).content.decode()
    assert act(client, order, "wallet_pay", wallet=str(wallet.pk)).status_code == 302


def test_a_wallet_is_forgotten_at_a_click(client, order):
    connected(payment=order.payment)
    act(client, order, "wallet_forget")
    assert not ConnectedWallet.objects.exists()


def test_an_account_connects_and_forgets_a_wallet(client, db):
    client.force_login(UserFactory())
    assert client.post("/me/wallet", {"link": "hello"}).status_code == 422
    assert client.post("/me/wallet", {"link": LINK}).status_code == 302
    page = client.get("/me/wallet").content.decode()
    assert "zoe@wallet.example.com" in page
    assert SECRET not in page
    client.post("/me/wallet", {"act": "forget"})
    assert not ConnectedWallet.objects.exists()


@pytest.mark.parametrize("word", [word for word, _says in Tap.Word.choices])
def test_each_end_is_one_sentence_and_shows_the_other_ways(client, order, word):
    Tap.objects.create(payment=order.payment, status="ended", word=word)
    page = client.get(order.get_absolute_url()).content.decode()
    said = re.search(rf'data-word="{word}".*?<p>(.*?)</p>', page, re.DOTALL)
    assert len(said[1].strip()) > 20
    assert order.payment.pay_address in page


@pytest.mark.parametrize(("status", "stays"), [("ended", False), ("paid", True)])
def test_with_its_links_an_order_loses_a_wallet_that_has_not_paid(order, status, stays):
    """Whoever had the former link may have connected it, and refunds would go there."""
    wallet = connected(payment=order.payment)
    Tap.objects.create(payment=order.payment, wallet=wallet, status=status)
    replace_links(order)
    assert ConnectedWallet.objects.exists() is stays


def test_exports_name_a_wallet_without_its_link_and_erasure_takes_it(db):
    person = UserFactory()
    made = connected(user=person)
    exported = repr(export_person(person))
    assert "relay.example.com" in exported
    assert made.encrypted_link not in exported
    assert SECRET not in exported
    erase_personal_data(person)
    assert not ConnectedWallet.objects.exists()


def test_a_guest_who_leaves_takes_the_wallet_along(order):
    connected(payment=order.payment)
    forget_email(order.email)
    assert not ConnectedWallet.objects.exists()
