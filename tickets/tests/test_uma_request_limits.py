"""Limits of UMA Requests, which go to any wallet that a buyer names."""

import pytest
from django.test import Client

from accounts.rate_limits import RateLimited
from payments.models import Payment
from tests.factories import EventFactory, OrderFactory
from tickets.models import Order
from tickets.services.hold_limits import HoldLimit
from tickets.services.orders import change_uma_address

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def as_in_production(settings):
    settings.LIMITS = settings.LIMITS | {
        "ADDRESS_PER_ORDER": (5, 900), "REQUEST_PER_IP_AND_DOMAIN": (4, 900), "PURCHASE_PER_IP": (10, 900),
    }  # fmt: skip
    settings.MAX_OPEN_ORDERS_PER_ADDRESS = 2


def test_one_order_asks_few_strangers():
    order = OrderFactory()
    asked = []
    for number in range(40):
        try:
            change_uma_address(order, uma_address=f"$stranger{number}@wallet{number}.example.com")
        except RateLimited:
            continue
        asked.append(number)
    assert asked == [0, 1, 2, 3, 4]
    assert Payment.objects.get().uma_address == "$stranger4@wallet4.example.com"


def test_changing_counts_as_placing_does():
    for number in range(10):
        change_uma_address(OrderFactory(), uma_address=f"$a@wallet{number}.example.com", ip="192.0.2.1")
    with pytest.raises(RateLimited):
        change_uma_address(OrderFactory(), uma_address="$a@wallet11.example.com", ip="192.0.2.1")
    with pytest.raises(RateLimited):
        OrderFactory(ip="192.0.2.1")


def test_a_network_asks_the_wallets_of_one_domain_a_few_times():
    event = EventFactory()
    for number in range(2):
        OrderFactory(event=event, uma_address=f"$a{number}@wallet.example.com", ip="192.0.2.1")
        change_uma_address(
            OrderFactory(event=event), uma_address=f"$b{number}@wallet.example.com", ip="192.0.2.1"
        )
    with pytest.raises(RateLimited):
        OrderFactory(event=event, uma_address="$c@wallet.example.com", ip="192.0.2.1")
    order = OrderFactory(event=event)
    with pytest.raises(RateLimited):
        change_uma_address(order, uma_address="$c@wallet.example.com", ip="192.0.2.1")
    change_uma_address(order, uma_address="$c@wallet.example.com", ip="192.0.2.2")


def test_an_address_that_is_asked_by_others_already_is_not_asked_again():
    for _ in range(2):
        OrderFactory(uma_address="$ann@wallet.example.com", email="eve@example.com")
    order = OrderFactory(email="mallory@example.com")
    with pytest.raises(HoldLimit):
        change_uma_address(order, uma_address="$ann@wallet.example.com")
    assert Order.objects.get(pk=order.pk).uma_address == ""


def test_the_page_says_so():
    order = OrderFactory()
    page = Client()
    for number in range(6):
        answer = page.post(
            order.get_absolute_url(), {"act": "order_address", "uma_address": f"$a@w{number}.example.com"}
        )
    assert answer.status_code == 429
    assert "too often" in answer.content.decode()
