"""Open pages: no change is missed, as a page's version is that of the very rows it was made from."""

from datetime import timedelta

import pytest
from django.utils import timezone

from events.models import Event
from payments.models import Payment
from payments.services import settle_node_payment
from tests.acts import money_for, open_invoice, overdue
from tests.factories import EventFactory, OrderFactory
from tickets.models import Order
from tickets.views.order_page import order_page
from tickets.views.orders import order_by_token

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_changes_while_the_page_is_made_is_fetched_afterwards(client):
    order = order_by_token(OrderFactory().token)
    Payment.objects.update(push="refused")  # too late for the page that is being made
    status = f"{order.get_absolute_url()}/status?v="
    assert client.get(status + order_page(order)["version"]).status_code == 200
    assert client.get(status + order_page(order_by_token(order.token))["version"]).status_code == 204


def expired(order: Order) -> Order:
    order.payment.advance(Payment.Status.CLOSED)
    order.advance(Order.Status.EXPIRED, ended_at=timezone.now())
    return order


def how(order, client) -> str:
    part = client.get(f"{order.get_absolute_url()}/status").content.decode()
    return part.partition('data-watch="')[2].partition('"')[0]


def test_a_page_listens_only_while_something_can_change(client):
    waits, late, free = (
        OrderFactory(),
        overdue(OrderFactory()),
        OrderFactory(event=EventFactory(price_sats=0)),
    )
    assert (how(waits, client), how(free, client)) == ("closely", "closely")
    expired(late)
    assert how(late, client) == "slowly"
    Order.objects.filter(pk=late.pk).update(ended_at=timezone.now() - timedelta(minutes=61))
    Event.objects.filter(pk=free.event_id).update(
        start_time=timezone.now() - timedelta(hours=2), end_time=timezone.now() - timedelta(hours=1)
    )
    assert (how(late, client), how(free, client)) == ("", "")


def test_late_money_is_told_to_the_page_of_an_ended_order(client):
    order = overdue(OrderFactory())
    money = money_for(open_invoice(order))
    expired(order)
    version = order_page(order_by_token(order.token))["version"]
    Event.objects.update(seats_taken=20)  # no seat is left for it
    settle_node_payment(money)
    assert client.get(f"{order.get_absolute_url()}/status?v={version}").status_code == 200


def test_the_title_of_the_tab_is_the_sentence_of_the_page(client):
    order = OrderFactory(event=EventFactory(title="A talk"))
    page = " ".join(client.get(order.get_absolute_url()).content.decode().split())
    assert "<title> Pay 2,100 sats with any wallet. A talk</title>" in page
