"""Orders: seats held, sold, given back; never twice, never lost."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from events.baskets import QuantityNotAllowed
from events.models import Event, SalesClosed, SoldOut
from payments.models import Payment, Refund
from payments.services import settle_node_payment
from payments.uma.address import InvalidUmaAddress
from tests.acts import money_for, open_invoice, overdue, together
from tests.factories import EventFactory, OrderFactory
from tickets.mail.messages import send_tickets_again
from tickets.models import Mail, Order, Ticket
from tickets.services.idempotency import KeyReused
from tickets.services.orders import cancel_order, change_uma_address, expire_order
from ticketsuma.state_machine import InvalidTransition

pytestmark = pytest.mark.django_db(transaction=True)


def seats(event: Event) -> int:
    return Event.objects.get(pk=event.pk).seats_taken


# -- buying -----------------------------------------------------------------------------------
def test_an_order_holds_seats_tickets_and_a_frozen_price():
    event = EventFactory()
    order = OrderFactory(event=event, quantity=3, name="Ann")
    Event.objects.filter(pk=event.pk).update(price_sats=9)
    order.refresh_from_db()
    assert (order.status, order.amount_sats, seats(event)) == ("pending", 6300, 3)
    assert [t.number for t in order.tickets.all()] == [1, 2, 3]
    assert [t.holder_name for t in order.tickets.all()] == ["Ann", "", ""]
    assert (order.payment.amount_sats, order.payment.reference) == (6300, order.code.lower())


def test_a_node_that_is_down_costs_no_order():
    invoice = OrderFactory().payment.invoices.get()
    assert (invoice.status, invoice.bolt11, invoice.last_error) == ("requested", "", "node_unreachable")


def test_a_free_event_is_paid_at_once():
    order = OrderFactory(event=EventFactory(price_sats=0), quantity=2)
    assert (order.status, order.payment, order.event.seats_taken) == ("paid", None, 0)
    assert seats(order.event) == 2
    assert Ticket.objects.admitting().count() == 2
    assert Mail.objects.get().to == "ann@example.com"


def test_last_seat_is_sold_once():
    event = EventFactory(capacity=5)
    buys = [
        lambda n=n: OrderFactory(event=Event.objects.get(pk=event.pk), email=f"b{n}@example.com")
        for n in range(16)
    ]
    outcomes = together(*buys)
    assert sorted(type(o).__name__ for o in outcomes) == ["Order"] * 5 + ["SoldOut"] * 11
    assert seats(event) == 5 == Order.objects.count()


def test_sold_out_while_somebody_still_pays_says_when_to_come_back():
    event = EventFactory(capacity=1)
    OrderFactory(event=event)
    with pytest.raises(SoldOut) as refusal:
        OrderFactory(event=event, email="bob@example.com")
    assert refusal.value.retry_after == 30
    Order.objects.update(status="paid", paid_at=timezone.now())
    with pytest.raises(SoldOut) as refusal:
        OrderFactory(event=event, email="bob@example.com")
    assert refusal.value.retry_after is None


@pytest.mark.parametrize(
    "fields",
    [
        {"is_active": False},
        {"canceled_at": timezone.now()},
        {"sales_end": timezone.now() - timedelta(minutes=1)},
        {
            "start_time": timezone.now() - timedelta(hours=3),
            "end_time": timezone.now() - timedelta(hours=1),
        },
    ],
    ids=["hidden", "canceled", "sales ended", "past"],
)
def test_what_is_not_on_sale_is_not_sold(fields):
    event = EventFactory(**fields)
    with pytest.raises(SalesClosed):
        OrderFactory(event=event)
    assert (Order.objects.count(), Payment.objects.count(), seats(event)) == (0, 0, 0)


@pytest.mark.parametrize("quantity", [0, -1, 11])
def test_quantity_is_bounded(quantity):
    with pytest.raises(QuantityNotAllowed):
        OrderFactory(quantity=quantity)


def test_a_bad_address_is_refused_before_anything_is_written():
    with pytest.raises(InvalidUmaAddress, match=r"\$ann@wallet.example"):
        OrderFactory(uma_address="ann@wallet.example")
    assert Order.objects.count() == 0


def test_a_double_click_is_one_order():
    event = EventFactory(capacity=3)
    outcomes = together(*[lambda: OrderFactory(event=Event.objects.get(pk=event.pk), key="k1").pk] * 6)
    assert len(set(outcomes)) == 1, outcomes
    assert (seats(event), Order.objects.count(), Payment.objects.count()) == (1, 1, 1)


def test_a_key_belongs_to_one_purchase_of_one_buyer():
    event = EventFactory()
    first = OrderFactory(event=event, key="k1")
    assert OrderFactory(event=event, key="k1") == first
    assert OrderFactory(event=event, key="k1", email="bob@example.com") != first
    with pytest.raises(KeyReused):
        OrderFactory(event=event, key="k1", quantity=2)
    assert seats(event) == 2


def test_the_database_refuses_to_oversell_whatever_the_code_does():
    event = EventFactory(capacity=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        Event.objects.filter(pk=event.pk).update(seats_taken=2)


def test_a_staff_edit_of_a_stale_event_loses_no_seat():
    event = EventFactory()
    stale = Event.objects.get(pk=event.pk)
    OrderFactory(event=event, quantity=4)
    stale.title = "A better title"
    stale.save()
    assert (Event.objects.get(pk=event.pk).title, seats(event)) == ("A better title", 4)


# -- over -------------------------------------------------------------------------------------
def test_an_overdue_order_expires_and_gives_its_seats_back():
    order = overdue(OrderFactory(quantity=2))
    expire_order(order)
    order.refresh_from_db()
    assert (order.status, order.payment.status, seats(order.event)) == ("expired", "closed", 0)
    with pytest.raises(InvalidTransition):
        expire_order(order)
    assert seats(order.event) == 0


def test_an_order_that_was_never_paid_ends_without_counting_its_tickets():
    """Only paid orders can have void ones; most orders that end were not paid."""
    order = overdue(OrderFactory(quantity=2))
    with CaptureQueriesContext(connection) as asked:
        expire_order(order)
    assert [query["sql"] for query in asked if "tickets_ticket" in query["sql"]] == []
    assert seats(order.event) == 0


def test_seats_stay_held_while_the_node_cannot_say():
    order = OrderFactory()
    open_invoice(order)
    order = overdue(order)
    with pytest.raises(Exception, match="still be on its way"):
        expire_order(order)
    order.refresh_from_db()
    assert (order.status, seats(order.event)) == ("pending", 1)


def test_a_silent_node_holds_seats_half_an_hour_at_most(settings):
    settings.HOLD_UNKNOWN_SECONDS = 30
    order = OrderFactory()
    invoice = open_invoice(order)
    expire_order(overdue(order))
    order.refresh_from_db()
    invoice.refresh_from_db()
    assert (order.status, seats(order.event), invoice.status) == ("expired", 0, "expired")


def test_a_buyer_gives_seats_back_and_a_second_press_is_told():
    order = OrderFactory(quantity=2)
    cancel_order(order)
    assert (order.status, seats(order.event)) == ("canceled", 0)
    with pytest.raises(InvalidTransition):
        cancel_order(Order.objects.get(pk=order.pk))
    assert seats(order.event) == 0


def test_a_free_ticket_can_be_given_back_once():
    order = OrderFactory(event=EventFactory(price_sats=0))
    outcomes = together(*[lambda: cancel_order(Order.objects.get(pk=order.pk))] * 4)
    assert sum(isinstance(o, InvalidTransition) for o in outcomes) == 3, outcomes
    assert (seats(order.event), Ticket.objects.admitting().count()) == (0, 0)


def test_expiring_races_paying_and_either_way_ends_clean():
    for _ in range(10):
        order = OrderFactory(event=EventFactory(capacity=1))
        money = money_for(open_invoice(order))
        order = overdue(order)
        order.payment.invoices.update(status="canceled")  # the node said so; now both act on what they saw
        together(lambda o=order: expire_order(o), lambda m=money: settle_node_payment(m))
        order.refresh_from_db()
        if order.status == "expired":
            settle_node_payment(money)  # the sweep sees it again
        order.refresh_from_db()
        assert (order.status, order.payment.status, seats(order.event)) == ("paid", "settled", 1)
    assert not Refund.objects.exists()


# -- afterwards -------------------------------------------------------------------------------
def test_a_wrong_address_is_mended_without_losing_the_seats():
    order = OrderFactory(uma_address="$ann@wallet.example")
    Payment.objects.update(push="refused", next_attempt_at=None, attempts=4, failing_since=timezone.now())
    change_uma_address(order, uma_address="$ann@other.example")
    payment = Payment.objects.get()
    assert (payment.uma_address, payment.push) == ("$ann@other.example", "queued")
    assert (payment.attempts, payment.failing_since) == (0, None)  # the other wallet has failed nobody
    assert Order.objects.get().uma_address == "$ann@other.example"
    cancel_order(order)
    with pytest.raises(InvalidTransition):
        change_uma_address(order, uma_address="$ann@other.example")


def test_tickets_are_mailed_again_but_not_every_minute():
    OrderFactory(event=EventFactory(price_sats=0))
    Mail.objects.update(status="sent", sent_at=timezone.now() - timedelta(hours=1), next_attempt_at=None)
    assert (send_tickets_again(" ANN@example.com "), send_tickets_again("ann@example.com")) == (1, 0)
    assert send_tickets_again("nobody@example.com") == 0


def test_a_token_opens_its_own_order_and_nothing_else():
    order = OrderFactory(event=EventFactory(price_sats=0))
    ticket = order.tickets.get()
    assert Order.objects.by_token(order.token) == order
    assert Ticket.objects.by_token(ticket.token) == ticket
    for wrong in (ticket.token, order.token[:-1], str(order.pk), order.pk.hex, "", ":", "a:b"):
        with pytest.raises(Order.DoesNotExist):
            Order.objects.by_token(wrong)
