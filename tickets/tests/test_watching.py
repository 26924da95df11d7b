"""An open page misses nothing: its version is that of the very rows it was made from."""

import pytest

from payments.models import Payment
from tests.shop import an_order
from tickets.pages import order_page
from tickets.views import order_by_token

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_changes_while_the_page_is_made_is_fetched_afterwards(client):
    order = order_by_token(an_order().token)
    Payment.objects.update(push="refused")  # too late for the page that is being made
    status = f"{order.get_absolute_url()}/status?v="
    assert client.get(status + order_page(order)["version"]).status_code == 200
    assert client.get(status + order_page(order_by_token(order.token))["version"]).status_code == 204
