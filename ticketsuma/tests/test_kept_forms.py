"""Forms that are kept for everybody: each visitor's has a token of their own."""

import re

import pytest

from payments.models import Payment
from tests.factories import OrderFactory

pytestmark = pytest.mark.django_db(transaction=True)
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]*)"')


def test_the_ways_out_of_an_unpaid_order_carry_the_visitors_token(client, django_user_model):
    order = OrderFactory()
    assert order.payment.status == Payment.Status.PENDING
    pages = [client.get(order.get_absolute_url()).content.decode() for _ in range(2)]
    for page in pages:
        assert "order_cancel" in page
        assert "order_check" in page
        assert "[token" not in page
    tokens = [TOKEN.findall(page) for page in pages]
    assert all(len(each) == 64 for found in tokens for each in found)
    assert not set(tokens[0]) & set(tokens[1]), "masked anew for each page"
