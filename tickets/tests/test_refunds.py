"""Refund services: whole or in parts, for one order or for an event, by one or by several at once."""

import pytest
from django.db.models import Sum
from django.utils import timezone, translation

from events.models import Event
from payments import refund_recovery
from payments.models import IncomingPayment, Invoice, Payment, Refund
from payments.node.outgoing import OutgoingPayment
from payments.services import allocate, settle_node_payment
from payments.unmatched import refund_unmatched, unmatched_money
from tests.acts import hold, money_for, open_invoice, pay, stray_money, together
from tests.factories import CheckInFactory, EveningFactory
from tickets.models import Mail, Order, Ticket
from tickets.services.refunds import (
    NothingToRefund,
    cancel_event,
    end_canceled_order,
    give_refund_address,
    preview_cancel,
    queue_refund_mails,
    refund_order,
    refund_part,
)
from tickets.services.seats import give_back_seats
from tickets.staff import audit
from tickets.staff.order_actions import CancelAndRefund
from ticketsuma.errors import DomainError
from ticketsuma.state_machine import InvalidTransition

pytestmark = pytest.mark.django_db(transaction=True)
HOME, ELSEWHERE = "$ann@wallet.example.com", "$bob@wallet.example.com"


def paid(**buyer) -> Order:
    order = hold(EveningFactory(), **buyer)
    pay(order)
    return order


def end(order: Order, status: str) -> None:
    """As if its time had run out, or its buyer had canceled it."""
    Order.objects.filter(pk=order.pk).update(status=status)
    Payment.objects.filter(pk=order.payment_id).update(status=Payment.Status.CLOSED)
    give_back_seats(order)


def going_back() -> list[tuple[int, str, str]]:
    return [(refund.amount_msats, refund.reason, refund.to) for refund in Refund.objects.order_by("to")]


# -- by several at once -----------------------------------------------------------------------
def test_parts_refunded_at_once_are_one_part():
    order = paid(uma_address=HOME)
    outcomes = together(
        *(lambda: refund_part(order, amount_sats=600, already_refunded_sats=0) for _ in range(4))
    )
    assert sorted(type(one).__name__ for one in outcomes) == ["InvalidTransition"] * 3 + ["Refund"]
    assert going_back() == [(600_000, "staff", HOME)]
    assert audit.run_integrity_checks() == []


def test_parts_and_the_whole_at_once_are_never_more_than_came():
    order = paid(uma_address=HOME)
    together(
        lambda: refund_part(order, amount_sats=999, already_refunded_sats=0),
        lambda: refund_order(order),
        lambda: refund_part(order, amount_sats=999, already_refunded_sats=0),
        lambda: refund_order(order),
    )
    order.refresh_from_db()
    given = Refund.objects.aggregate(total=Sum("amount_msats"))["total"]
    assert (order.status, given) == ("canceled", 1_000_000)
    assert audit.run_integrity_checks() == []


def test_a_refund_and_the_same_money_told_again_at_once():
    order = paid(uma_address=HOME)
    row = IncomingPayment.objects.get()
    together(lambda: refund_order(order), lambda: allocate(row), lambda: allocate(row))
    assert going_back() == [(1_000_000, "staff", HOME)]
    assert audit.run_integrity_checks() == []


def test_refunded_money_that_is_allocated_again_stays_refunded():
    """A worker that slept since before the first allocation wakes up with the row as it was then."""
    order = paid(uma_address=HOME)
    refund_order(order)
    allocate(IncomingPayment.objects.get())
    assert going_back() == [(1_000_000, "staff", HOME)]
    assert audit.run_integrity_checks() == []


def test_an_address_given_twice_at_once_is_taken_once():
    order = paid()
    refund_order(order)
    outcomes = together(
        lambda: give_refund_address(order, address=HOME),
        lambda: give_refund_address(order, address=ELSEWHERE),
    )
    refused = [one for one in outcomes if isinstance(one, DomainError)]
    assert (outcomes.count(1), len(refused)) == (1, 1)
    assert isinstance(refused[0], InvalidTransition | NothingToRefund)
    assert Refund.objects.get().to in (HOME, ELSEWHERE)


# -- two payers, canceled events --------------------------------------------------------------
def test_of_two_payers_the_second_gets_theirs_back():
    order = hold(EveningFactory(), uma_address=HOME)
    first = order.payment.invoices.get()
    Invoice.objects.filter(pk=first.pk).update(payer=ELSEWHERE, status="canceled")
    Invoice.objects.create_requested(order.payment, payer="$carol@wallet.example.com")
    second = open_invoice(order)
    settle_node_payment(money_for(second))
    settle_node_payment(money_for(first))  # it was canceled too late
    order.refresh_from_db()
    assert order.status == "paid"
    assert going_back() == [(1_000_000, "duplicate", ELSEWHERE)]
    assert audit.run_integrity_checks() == []


@pytest.mark.parametrize("ended", ["expired", "canceled"])
def test_money_that_comes_after_the_event_was_canceled_goes_back(ended):
    order = hold(EveningFactory(), uma_address=HOME)
    end(order, ended)
    cancel_event(order.event)
    pay(order)
    assert (order.status, going_back()) == (ended, [(1_000_000, "late", HOME)])
    assert audit.run_integrity_checks() == []


def test_money_that_comes_while_the_event_is_canceled_goes_back_and_the_order_ends():
    order = hold(EveningFactory(), uma_address=HOME)
    cancel_event(order.event)
    pay(order)
    assert going_back() == [(1_000_000, "late", HOME)]
    end_canceled_order(Order.objects.select_related("event", "payment").get(pk=order.pk))
    order.refresh_from_db()
    assert order.status == "canceled"
    assert Event.objects.get().seats_taken == 0
    assert not Ticket.objects.admitting().exists()
    assert audit.run_integrity_checks() == []


def test_the_preview_counts_what_is_still_here_and_who_has_an_address():
    event = EveningFactory()
    for address in (HOME, ""):
        pay(hold(event, uma_address=address))
    refund_part(Order.objects.earliest("created_at"), amount_sats=400, already_refunded_sats=0)
    asked = hold(event)  # a wallet asked to pay, but the money came through the QR
    Payment.objects.filter(pk=asked.payment_id).update(payer_uma=ELSEWHERE)
    pay(asked)
    signed = hold(event)
    Invoice.objects.filter(payment=signed.payment_id).update(payer=ELSEWHERE)
    pay(signed)
    seen = preview_cancel(event)
    cancel_event(event)
    for order in Order.objects.all():
        refund_order(order, reason=Refund.Reason.EVENT_CANCELED)
    sent = Refund.objects.filter(reason="event_canceled")
    assert seen.refund_sats == sent.aggregate(total=Sum("amount_msats"))["total"] // 1000 == 3600
    assert seen.fees_sats == 4 * 10
    assert seen.without_address == sent.filter(status="needs_address").count() == 2


def test_an_order_whose_money_was_found_sent_is_named_and_can_be_canceled():
    """After a restore: our books say paid, the node that all of it went back."""
    order = hold(EveningFactory(), 2, uma_address=HOME)
    pay(order)
    incoming = IncomingPayment.objects.get()
    sent = OutgoingPayment("OutgoingPayment:1", True, False, "ab" * 32, incoming.amount_msats, 7)
    refund_recovery.record(sent, incoming, 1, 1)
    assert [finding.row for finding in audit.paid_orders_have_their_money(Payment.objects.all())] == [
        f"order {order.code}"
    ]
    refund = refund_order(order)
    assert (refund.status, refund.fee_msats, refund.to) == ("sent", 7, HOME)
    order.refresh_from_db()
    assert (order.status, order.event.seats_taken) == ("canceled", 0)
    assert audit.run_integrity_checks() == []
    with pytest.raises(DomainError):
        refund_order(order)


# -- the ends of the scale --------------------------------------------------------------------
def test_unmatched_money_below_a_sat_is_kept():
    row = stray_money(999)
    assert refund_unmatched(row, to=HOME) is None
    row.refresh_from_db()
    assert (row.kept_msats, Refund.objects.count()) == (999, 0)
    assert not unmatched_money().exists()
    assert audit.run_integrity_checks() == []


# -- the buyer is asked -----------------------------------------------------------------------
def test_who_gave_a_useless_address_is_asked_again():
    order = paid()
    refund = refund_order(order)
    queue_refund_mails()
    asked = Mail.objects.get(kind="refund_address")
    asked.advance("sent", sent_at=timezone.now(), next_attempt_at=None)
    give_refund_address(order, address=HOME)
    queue_refund_mails()
    asked.refresh_from_db()
    assert asked.status == "sent"
    refund.refresh_from_db()
    refund.advance("needs_address", next_attempt_at=None)  # it cannot receive
    queue_refund_mails()
    queue_refund_mails()
    assert Mail.objects.filter(kind="refund_address", status="due").count() == 1


def test_nobody_is_asked_twice_about_one_refund():
    refund_order(paid())
    queue_refund_mails()
    Mail.objects.get(kind="refund_address").advance("sent", sent_at=timezone.now(), next_attempt_at=None)
    assert queue_refund_mails() == 0


# -- who came in already ----------------------------------------------------------------------
def test_a_used_ticket_can_be_refunded_and_staff_are_told():
    order = paid(uma_address=HOME)
    CheckInFactory(ticket=order.tickets.get())
    with translation.override("en"):
        assert "1 of its tickets was used already." in CancelAndRefund().preview(order)
    refund_order(order)
    assert not Ticket.objects.admitting().exists()
    assert audit.run_integrity_checks() == []
