"""Hold limits: seats held, orders open, free tickets taken, purchases from one network."""

import threading

import pytest
from django.db import OperationalError, connection, transaction

from accounts.rate_limits import RateLimited
from tests.acts import together
from tests.factories import EventFactory, OrderFactory
from tickets.models import Order
from tickets.services.hold_limits import FreeLimit, HoldLimit, lock_holders
from tickets.services.orders import cancel_order

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def tight(settings):
    settings.MAX_HELD_SEATS_PER_PERSON = 4
    settings.MAX_OPEN_ORDERS_PER_EMAIL = settings.MAX_OPEN_ORDERS_PER_ADDRESS = 3
    settings.LIMITS = settings.LIMITS | {"PURCHASE_PER_IP": (2, 900)}


def test_seats_of_one_event():
    event = EventFactory()
    OrderFactory(event=event, quantity=3)
    with pytest.raises(HoldLimit):
        OrderFactory(event=event, quantity=2)
    event.refresh_from_db()
    assert (event.seats_taken, Order.objects.count()) == (3, 1)
    OrderFactory(event=event, quantity=4, email="bob@example.com")
    OrderFactory(quantity=4)


def test_at_once_no_more_than_one_after_the_other():
    event = EventFactory()
    said = together(*[lambda: OrderFactory(event=event)] * 8)
    assert sum(isinstance(each, Order) for each in said) == 3, "MAX_OPEN_ORDERS_PER_EMAIL"
    event.refresh_from_db()
    assert event.seats_taken == 3


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer")
@pytest.mark.parametrize(
    ("other", "waits"),
    [({}, True), ({"email": "bob@example.com"}, True), ({"uma_address": "$bob@localhost:8081"}, True),
     ({"email": "bob@example.com", "uma_address": "$bob@localhost:8081"}, False)],
    ids=["both", "wallet", "mailbox", "neither"],
)  # fmt: skip
def test_whoever_holds_something_in_common_waits_for_the_other_to_be_counted(other, waits):
    buyer = {"email": "ann@example.com", "uma_address": "$ann@localhost:8081"}
    event, first_one = EventFactory(), OrderFactory(**buyer)
    locked, may_end = threading.Event(), threading.Event()

    def first() -> None:
        with transaction.atomic():
            lock_holders(first_one)
            locked.set()
            assert may_end.wait(10)

    def second() -> Order:
        assert locked.wait(10)
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '1s'")
        try:
            return OrderFactory(event=event, **buyer | other)
        finally:
            with connection.cursor() as cursor:
                cursor.execute("RESET lock_timeout")
            may_end.set()

    _, outcome = together(first, second)
    assert isinstance(outcome, OperationalError if waits else Order), outcome


def test_orders_of_one_person_and_of_one_address():
    for _ in range(3):
        OrderFactory()
    with pytest.raises(HoldLimit):
        OrderFactory()
    for number in range(3):
        OrderFactory(email=f"a{number}@example.com", uma_address="$bob@localhost:8081")
    with pytest.raises(HoldLimit):
        OrderFactory(email="a4@example.com", uma_address="$bob@localhost:8081")


def test_free_tickets_of_one_event():
    event = EventFactory(price_sats=0)
    first = OrderFactory(event=event, quantity=4)
    with pytest.raises(FreeLimit):
        OrderFactory(event=event)
    cancel_order(first)
    OrderFactory(event=event)


def test_purchases_from_one_network_replays_not_counted():
    event = EventFactory()
    for _ in range(5):
        OrderFactory(event=event, key="same", ip="192.0.2.1")
    OrderFactory(email="b@example.com", ip="192.0.2.1")
    with pytest.raises(RateLimited):
        OrderFactory(email="c@example.com", ip="192.0.2.1")
    OrderFactory(email="c@example.com", ip="192.0.2.2")
