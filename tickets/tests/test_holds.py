"""Holds: they and their invoices end with the event, and money after that goes back."""

from datetime import timedelta

import pytest
from django.utils import timezone

from events.models import Event, SalesClosed
from payments.models import Payment, Refund
from payments.services import settle_node_payment
from tests.acts import money_for, open_invoice, overdue
from tests.factories import EventFactory, OrderFactory
from tickets.models import Order
from tickets.services.holds import shorten_holds
from tickets.services.orders import expire_order
from tickets.staff import audit

pytestmark = pytest.mark.django_db(transaction=True)
HOME = "$ann@wallet.example.com"


def ends_in(**left) -> Event:
    now = timezone.now()
    return EventFactory(start_time=now - timedelta(hours=1), end_time=now + timedelta(**left))


def change(order: Order, **fields) -> None:
    """Staff change the event, by page or API."""
    event = Event.objects.get(pk=order.event_id)
    for name, value in fields.items():
        setattr(event, name, value)
    event.save()


def over(order: Order) -> None:
    """The event ends while the order waits."""
    now = timezone.now()
    change(order, start_time=now - timedelta(hours=2), end_time=now - timedelta(seconds=1))


def paid(order: Order) -> Order:
    settle_node_payment(money_for(open_invoice(order)))
    order.refresh_from_db()
    return order


def test_a_hold_and_its_codes_end_with_the_event():
    event = ends_in(minutes=5)
    order = OrderFactory(event=event, uma_address=HOME)
    assert order.expires_at == order.payment.due_at == event.end_time
    assert open_invoice(order).expires_at == event.end_time


def test_a_hold_long_before_the_end_lasts_as_long_as_holds_do(settings):
    order = OrderFactory(event=ends_in(days=1))
    left = order.expires_at - timezone.now()
    assert timedelta(seconds=settings.HOLD_SECONDS - 20) < left < timedelta(seconds=settings.HOLD_SECONDS)


def test_money_that_comes_after_the_end_goes_back_and_the_order_ends():
    order = OrderFactory(uma_address=HOME)
    over(order)
    paid(order)
    assert (order.status, order.payment.status) == ("pending", "pending")
    assert list(Refund.objects.values_list("reason", "to")) == [("late", HOME)]
    expire_order(overdue(order))
    order.refresh_from_db()
    assert (order.status, Event.objects.get().seats_taken) == ("expired", 0)
    assert audit.run_integrity_checks() == []


def test_late_money_for_an_ended_order_of_what_is_over_goes_back():
    order = OrderFactory(uma_address=HOME)
    invoice = open_invoice(order)
    order.payment.invoices.update(status="canceled")
    expire_order(overdue(order))
    over(order)
    settle_node_payment(money_for(invoice))
    assert Refund.objects.get().reason == "late"


@pytest.mark.parametrize(
    "fields",
    [{"is_active": False}, {"sales_end": timezone.now() - timedelta(minutes=1)}],
    ids=["hidden", "sale closed"],
)
def test_seats_that_are_held_already_may_be_paid_though_the_sale_has_closed(fields):
    order = OrderFactory()
    change(order, **fields)
    assert shorten_holds() == 0
    assert paid(order).status == "paid"
    with pytest.raises(SalesClosed):
        OrderFactory(event=Event.objects.get())


def test_an_end_that_is_moved_earlier_takes_the_holds_along():
    order = OrderFactory(uma_address=HOME)
    Payment.objects.update(uma_invoice="uma1signed")
    other = OrderFactory(event=ends_in(days=1))
    end = timezone.now() + timedelta(minutes=3)
    change(order, start_time=end - timedelta(hours=1), end_time=end)
    assert (shorten_holds(), shorten_holds()) == (1, 0)
    order.refresh_from_db()
    payment = Payment.objects.get(pk=order.payment_id)
    assert order.expires_at == payment.due_at == end
    assert payment.uma_invoice == ""
    assert Order.objects.get(pk=other.pk).expires_at == other.expires_at


def test_an_end_that_is_moved_into_the_past_ends_the_holds_at_once():
    order = OrderFactory()
    over(order)
    shorten_holds()
    order = Order.objects.overdue(timezone.now()).get()
    assert not Payment.objects.get().is_payable
    expire_order(order)
    assert Event.objects.get().seats_taken == 0
