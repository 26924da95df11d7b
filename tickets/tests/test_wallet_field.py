"""UMA address field: offers corrections, and explains what is no wallet's address."""

import re

import pytest
from django.test import Client

from accounts.staff import save_verified_user
from payments.models import Payment
from tests.acts import hold, open_invoice
from tests.factories import EveningFactory
from tickets.forms.buying import BuyForm
from tickets.forms.orders import UmaAddressForm
from tickets.models import Order

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def event():
    return EveningFactory()


def buy(event, client: Client | None = None, **fields):
    form = {"quantity": 1, "email": "ann@example.com"} | fields
    return (client or Client()).post(event.get_absolute_url(), form)


def said(answer) -> list[str]:
    return answer.context["form"].errors.get("uma_address", [])


def test_a_missing_dollar_is_a_button_that_buys(event):
    answer = buy(event, uma_address="Alice@wallet.example.com ")
    assert "Did you mean $alice@wallet.example.com?" in said(answer)[0]
    buttons = re.findall(r'<button[^>]*type="submit"[^>]*>', answer.content.decode().split('id="buy"')[1])
    assert "hidden" in buttons[0], "Enter presses the first one, which suggests nothing"
    assert [button for button in buttons[1:] if 'name="uma_address_dollar" value="1"' in button]
    bought = buy(event, uma_address="Alice@wallet.example.com ", uma_address_dollar="1")
    assert (bought.status_code, Order.objects.get().uma_address) == (302, "$alice@wallet.example.com")


def test_the_button_adds_no_second_dollar(event):
    assert buy(event, uma_address="$bob@wallet.example.com", uma_address_dollar="1").status_code == 302
    assert Order.objects.get().uma_address == "$bob@wallet.example.com"


def test_the_orders_page_has_the_button_too(event):
    order = hold(event)
    path = order.get_absolute_url()
    fields = {"act": "order_address", "uma_address": "ann@wallet.example.com"}
    assert "Yes, $ann@wallet.example.com" in Client().post(path, fields).content.decode()
    assert Client().post(path, fields | {"uma_address_dollar": "1"}).status_code == 302
    assert Order.objects.get().uma_address == "$ann@wallet.example.com"


@pytest.mark.parametrize("typed", ["zoe@gmail.com", "ann@example.com"])
def test_an_email_address_gets_no_dollar(event, typed):
    answer = buy(event, uma_address=typed)
    assert "That is an e-mail address." in said(answer)[0]
    assert "uma_address_dollar" not in answer.content.decode()


def test_an_accounts_email_address_gets_no_dollar(event):
    ann = save_verified_user(email="ann@example.org", password="a long enough password", name="Ann")[0]
    form = BuyForm({"quantity": 1, "uma_address": "ann@example.org"}, event=event, user=ann)
    assert "That is an e-mail address." in form.errors["uma_address"][0]


@pytest.mark.parametrize("typed", ["$order@tickets.example.com", "order@tickets.example.com"])
def test_the_shops_own_address_is_explained(settings, typed):
    settings.UMA_DOMAIN = "tickets.example.com"
    assert "address of this shop" in UmaAddressForm({"uma_address": typed}).errors["uma_address"][0]


def test_browsers_fill_it_in(event):
    page = Client().get(event.get_absolute_url()).content.decode()
    field = re.search(r'<input[^>]*name="uma_address"[^>]*>', page)[0]
    assert 'autocomplete="on"' in field


def test_an_account_keeps_the_wallet_that_took_the_request(event):
    ann = save_verified_user(email="ann@example.org", password="a long enough password", name="Ann")[0]
    client = Client()
    client.force_login(ann)
    assert buy(event, client, uma_address="$ann@wallet.example.com").status_code == 302
    order = Order.objects.get()
    open_invoice(order)
    path = event.get_absolute_url()
    assert 'value="$ann@wallet.example.com"' not in client.get(path).content.decode(), "nobody has answered"
    Payment.objects.update(push=Payment.Push.DELIVERED)
    assert 'value="$ann@wallet.example.com"' in client.get(path).content.decode()
    assert 'value="$ann@wallet.example.com"' not in Client().get(path).content.decode()


def test_a_wallet_that_is_not_there_is_said_on_the_page(event):
    order = hold(event, uma_address="$ann@walet.example.com")
    Payment.objects.update(push=Payment.Push.UNREACHABLE, last_error="vasp_unknown")
    assert "There is no such wallet" in Client().get(order.get_absolute_url()).content.decode()
