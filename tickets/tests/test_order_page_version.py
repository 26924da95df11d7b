"""Open pages: no change is missed, as a page's version is that of the very rows it was made from.

And its code is the one that can be paid.
"""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from events.models import Event
from payments.models import Invoice, Payment
from payments.services import settle_node_payment
from tests.acts import money_for, open_invoice, overdue
from tests.factories import EventFactory, OrderFactory
from tickets.models import Order
from tickets.views.order_page import changed_lately, order_page, read_states
from tickets.views.orders import order_by_token

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_changes_while_the_page_is_made_is_fetched_afterwards(client):
    order = order_by_token(OrderFactory().token)
    Payment.objects.update(push="refused")  # too late for the page that is being made
    status = f"{order.get_absolute_url()}/status?v="
    assert client.get(status + order_page(order)["version"]).status_code == 200
    assert client.get(status + order_page(order_by_token(order.token))["version"]).status_code == 204


@pytest.mark.parametrize("count", [1, 7, 25])
def test_one_statement_reads_what_many_pages_show(django_assert_num_queries, count):
    orders = [OrderFactory() for _ in range(count)]
    read_states([orders[0].pk])
    with django_assert_num_queries(1):
        states = read_states([order.pk for order in orders])
    assert states.keys() == {order.pk for order in orders}
    Payment.objects.filter(order=orders[-1]).update(push="refused")
    after = read_states([order.pk for order in orders])
    assert [pk for pk, state in after.items() if state != states[pk]] == [orders[-1].pk]


def test_orders_changed_lately_are_known_by_one_statement(django_assert_num_queries):
    order, other = OrderFactory(), OrderFactory()
    long_ago = timezone.now() - timedelta(minutes=1)
    Order.objects.all().update(updated_at=long_ago)
    settle_node_payment(money_for(open_invoice(order)))
    with django_assert_num_queries(1):
        assert changed_lately() == {order.pk}
    assert other.pk not in changed_lately()


def test_an_unchanged_page_is_told_so_by_one_statement(client, django_assert_num_queries):
    order = OrderFactory()
    version = order_page(order_by_token(order.token))["version"]
    with django_assert_num_queries(1):
        assert client.get(f"{order.get_absolute_url()}/status?v={version}").status_code == 204


def test_the_live_part_leaves_out_what_the_open_page_keeps(client):
    order = OrderFactory()
    invoice = open_invoice(order)
    status = f"{order.get_absolute_url()}/status"
    whole, kept, another = (
        client.get(status + query).content.decode()
        for query in ("", f"?invoice={invoice.pk}&keeps=pending", "?invoice=0&keeps=paid")
    )
    assert ("<path stroke" in whole, 'name="uma_address"' in whole) == (True, True)
    assert ("<path stroke" in kept, 'name="uma_address"' in kept) == (False, False)
    assert f'data-invoice="{invoice.pk}"' in kept
    assert "data-keep" in kept
    assert ("<path stroke" in another, 'name="uma_address"' in another) == (True, True)
    settle_node_payment(money_for(invoice))
    paid = client.get(f"{status}?invoice={invoice.pk}&keeps=pending").content.decode()
    assert ("<path stroke" in paid, 'value="order_email"' in paid) == (True, True)


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


def test_the_code_is_that_of_the_one_open_invoice_for_anybody(client):
    order = OrderFactory()

    def opened(**fields) -> Invoice:
        invoice = open_invoice(order)
        Invoice.objects.filter(pk=invoice.pk).update(**fields)
        Invoice.objects.create(payment=order.payment)
        return invoice

    def codes() -> set[str]:
        return set(re.findall(r"lightning[:=](\w+)", client.get(order.get_absolute_url()).content.decode()))

    for status in ("expired", "canceled", "failed"):
        opened(status=status)
    typed = opened(slot="typed", status="expired")
    plain = open_invoice(order)
    Invoice.objects.filter(pk=typed.pk).update(status="open")  # one payer's own
    assert codes() == {plain.bolt11}
    Invoice.objects.filter(pk=plain.pk).update(status="expired")
    assert codes() == set()
