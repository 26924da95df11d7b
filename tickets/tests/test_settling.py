"""Settling: money that arrives is applied once, kept if it is dust, or refunded, in any order of events."""

import pytest

from events.models import Event
from payments.models import IncomingPayment, Refund
from payments.services import settle_node_payment
from payments.signals import payment_settled
from tests.acts import money_for, open_invoice, overdue, together
from tests.factories import EventFactory, OrderFactory
from tickets.models import Mail
from tickets.services.orders import cancel_order, expire_order

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def order():
    return OrderFactory(event=EventFactory(capacity=1), uma_address="$ann@wallet.example")


@pytest.fixture
def invoice(order):
    return open_invoice(order)


def books(order) -> dict:
    """Where every msat of this order is, and what came of the order."""
    order.refresh_from_db()
    rows = IncomingPayment.objects.order_by("pk")
    return {
        "order": order.status,
        "payment": order.payment.status,
        "seats": Event.objects.get(pk=order.event_id).seats_taken,
        "applied": [row.applied_msats for row in rows],
        "kept": [row.kept_msats for row in rows],
        "refunds": [
            (r.amount_msats, r.reason, r.status, r.to) for r in Refund.objects.order_by("created_at")
        ],
    }


def test_the_right_amount_makes_a_paid_order_with_one_mail(order, invoice):
    settle_node_payment(money_for(invoice))
    assert books(order) == {
        "order": "paid", "payment": "settled", "seats": 1, "applied": [2_100_000], "kept": [0], "refunds": [],
    }  # fmt: skip
    invoice.refresh_from_db()
    assert (invoice.status, Mail.objects.count()) == ("paid", 1)


def test_fifty_reports_of_one_payment_are_one_payment(order, invoice):
    seen = money_for(invoice)
    outcomes = together(*[lambda: settle_node_payment(seen)] * 10)
    assert not [o for o in outcomes if isinstance(o, Exception)], outcomes
    assert books(order)["applied"] == [2_100_000]
    assert (Mail.objects.count(), Refund.objects.count()) == (1, 0)


def test_two_payments_at_once_are_one_ticket_and_one_refund(order, invoice):
    outcomes = together(*[lambda: settle_node_payment(money_for(invoice))] * 2)
    assert not [o for o in outcomes if isinstance(o, Exception)], outcomes
    after = books(order)
    assert sorted(after["applied"]) == [0, 2_100_000]
    assert after["refunds"] == [(2_100_000, "duplicate", "queued", "$ann@wallet.example")]


@pytest.mark.parametrize(
    ("surplus_msats", "kept", "refunds"),
    [
        (1, 1, []),
        (10_000, 10_000, []),
        (10_001, 1, [10_000]),
        (2_100_000, 0, [2_100_000]),
    ],
)
def test_a_small_surplus_is_kept_and_a_large_one_goes_back(order, invoice, surplus_msats, kept, refunds):
    settle_node_payment(money_for(invoice, 2_100_000 + surplus_msats))
    after = books(order)
    assert (after["order"], after["applied"], after["kept"]) == ("paid", [2_100_000], [kept])
    assert [(msats, reason) for msats, reason, _s, _t in after["refunds"]] == [
        (r, "surplus") for r in refunds
    ]


def test_too_little_buys_nothing_and_goes_back(order, invoice):
    settle_node_payment(money_for(invoice, 2_099_500))
    after = books(order)
    assert (after["order"], after["applied"], after["kept"]) == ("pending", [0], [500])
    assert after["refunds"] == [(2_099_000, "underpaid", "queued", "$ann@wallet.example")]


def test_late_money_wins_the_seat_back(order, invoice):
    invoice.advance("canceled")
    expire_order(overdue(order))
    assert books(order)["seats"] == 0
    settle_node_payment(money_for(invoice))
    after = books(order)
    assert (after["order"], after["payment"], after["seats"], after["refunds"]) == ("paid", "settled", 1, [])


def test_late_money_for_a_seat_that_is_gone_goes_back(order, invoice):
    invoice.advance("canceled")
    expire_order(overdue(order))
    OrderFactory(event=order.event, email="bob@example.com")
    settle_node_payment(money_for(invoice))
    after = books(order)
    assert (after["order"], after["payment"], after["seats"]) == ("expired", "closed", 1)
    assert after["refunds"] == [(2_100_000, "late", "queued", "$ann@wallet.example")]


def test_ten_late_payers_and_three_seats():
    event = EventFactory(capacity=10)
    orders = [OrderFactory(event=event, email=f"b{n}@example.com") for n in range(10)]
    invoices = [open_invoice(order) for order in orders]
    for order, invoice in zip(orders, invoices, strict=True):
        invoice.advance("canceled")
        expire_order(overdue(order))
    Event.objects.filter(pk=event.pk).update(capacity=3)
    outcomes = together(*[lambda i=i: settle_node_payment(money_for(i)) for i in invoices])
    assert not [o for o in outcomes if isinstance(o, Exception)], outcomes
    assert Event.objects.get(pk=event.pk).seats_taken == 3
    assert Refund.objects.filter(reason="late", status="needs_address").count() == 7
    assert IncomingPayment.objects.filter(applied_msats=2_100_000).count() == 3


def test_money_for_a_canceled_order_goes_back_and_nobody_is_revived(order, invoice):
    invoice.advance("canceled")
    cancel_order(order)
    settle_node_payment(money_for(invoice))
    after = books(order)
    assert (after["order"], after["payment"], after["seats"]) == ("canceled", "closed", 0)
    assert [reason for _m, reason, _s, _t in after["refunds"]] == ["late"]


def test_money_goes_back_to_who_signed_for_it_rather_than_to_the_typed_address(order, invoice):
    type(invoice).objects.update(payer="$bob@other.example", kind="uma", status="canceled")
    cancel_order(order)
    settle_node_payment(money_for(invoice))
    assert Refund.objects.get().to == "$bob@other.example"


def test_money_that_matches_nothing_is_recorded_and_waits(order, invoice):
    seen = money_for(invoice)
    stray = type(seen)(seen.node_payment_id, "Invoice:unknown", "00" * 32, 5_000, seen.received_at)
    settle_node_payment(stray)
    row = IncomingPayment.objects.get()
    assert (row.is_unmatched, row.allocated_at, row.amount_msats) == (True, None, 5_000)
    assert books(order)["order"] == "pending"


def test_a_receiver_that_breaks_leaves_the_money_recorded_and_is_driven_again(order, invoice):
    seen = money_for(invoice)

    def broken(**kwargs):
        raise RuntimeError("the printer is on fire")

    payment_settled.connect(broken)
    try:
        with pytest.raises(RuntimeError):
            settle_node_payment(seen)
    finally:
        payment_settled.disconnect(broken)
    after = books(order)
    assert (after["order"], after["payment"], after["applied"]) == ("pending", "pending", [0])
    assert IncomingPayment.objects.get().allocated_at is None
    settle_node_payment(seen)
    assert books(order)["order"] == "paid"
