"""Drawing: once for each order and refund, without gaps, and frozen."""

from datetime import UTC, datetime

import pytest
from django.db import IntegrityError

from events.baskets import Item
from events.models import Event
from payments.models import Refund
from tests.acts import hold, pay, together
from tests.factories import EveningFactory, TicketTypeFactory
from tickets.models import Order
from tickets.receipts import audit, drawing
from tickets.receipts.drawing import draw_credit_note, draw_due, draw_receipt, draw_recent
from tickets.receipts.models import Receipt, Series
from tickets.receipts.saying import seller_of
from tickets.receipts.tests.conftest import sent, sold
from tickets.services.giving_back import give_back
from tickets.services.refunds import refund_order, refund_part

pytestmark = pytest.mark.django_db(transaction=True)


def numbers(**which) -> list[int]:
    return list(Receipt.objects.filter(**which).order_by("number").values_list("number", flat=True))


def test_a_paid_order_has_a_receipt_of_what_it_was(paid, event, organizer):
    assert draw_recent() == 1
    receipt = Receipt.objects.get()
    assert receipt.name == f"{paid.paid_at.year}-000001"
    assert (receipt.amount, receipt.tax, receipt.net, receipt.sats) == (2380, 380, 2000, 2380)
    assert receipt.taxes == [(1900, 2380, 380)]
    assert receipt.payment_hash == paid.payment.incoming_payments.get().payment_hash
    assert receipt.issued_at == paid.paid_at
    [part] = receipt.parts
    assert (part.text, part.quantity, part.price, part.amount) == ("Ticket", 2, 1190, 2380)
    assert seller_of(receipt) == [
        "Tuesday Talks GmbH", "Hauptstr. 1", "10115 Berlin", "Tax number DE123456789",
    ]  # fmt: skip
    assert draw_recent() == draw_due() == 0


def test_what_it_says_is_frozen(paid, event, organizer):
    receipt = draw_receipt(paid)
    organizer.legal_name, organizer.legal_address = "Other AG", "Elsewhere"
    organizer.save()
    Event.objects.filter(pk=event.pk).update(title="Renamed")
    event.ticket_types.update(tax_basis_points=700)
    again = draw_receipt(paid)
    assert again == receipt
    assert (again.seller, again.event_title, again.tax) == ("Tuesday Talks GmbH", event.title, 380)


def test_no_receipt_of_what_was_not_paid_or_free(event):
    held = hold(event)
    free = hold(EveningFactory(price_sats=0))
    assert free.is_paid
    assert (draw_receipt(held), draw_receipt(free), draw_due()) == (None, None, 0)
    assert not Series.objects.exists()


def test_numbers_are_of_an_organizer_and_a_year(event):
    own = sold(EveningFactory())
    orders = [sold(event) for _ in range(3)]
    Order.objects.filter(pk=orders[0].pk).update(paid_at=datetime(2029, 12, 31, 23, 30, tzinfo=UTC))
    Order.objects.filter(pk=orders[1].pk).update(paid_at=datetime(2029, 12, 31, 22, 30, tzinfo=UTC))
    Order.objects.filter(pk=orders[2].pk).update(paid_at=datetime(2029, 6, 1, tzinfo=UTC))
    assert draw_due() == 4
    of_event = Receipt.objects.filter(order__event=event)
    by_order = {receipt.order_id: receipt.name for receipt in of_event.select_related("series")}
    # In Berlin a year ends at 23:00 UTC; the oldest one comes first.
    assert by_order == {
        orders[2].pk: "2029-000001", orders[1].pk: "2029-000002", orders[0].pk: "2030-000001",
    }  # fmt: skip
    assert Receipt.objects.get(order=own).series.organizer is None
    assert Receipt.objects.get(order=own).number == 1


def test_without_a_legal_name_it_is_the_shown_one(settings):
    assert draw_receipt(sold(EveningFactory())).seller == settings.SITE_NAME
    assert draw_receipt(sold(EveningFactory(organizer_name="The Choir"))).seller == "The Choir"


def test_sixteen_at_once_get_the_same_one(paid):
    got = together(*[lambda: draw_receipt(Order.objects.get(pk=paid.pk)).pk] * 16)
    assert got == [Receipt.objects.get().pk] * 16
    assert Series.objects.get().last == 1


def test_sixteen_orders_at_once_leave_no_gap(event):
    orders = [sold(event) for _ in range(16)]
    got = together(*[lambda order=order: draw_receipt(order).number for order in orders])
    assert sorted(got) == list(range(1, 17))
    assert Series.objects.get().last == 16


def test_workers_that_draw_together_leave_no_gap(event):
    for _ in range(8):
        sold(event)
    drawn = together(*[draw_due] * 4)
    assert not [each for each in drawn if isinstance(each, Exception)]
    assert numbers() == list(range(1, 9))
    assert Series.objects.get().last == 8


def test_what_fails_half_way_takes_no_number(paid, event, monkeypatch):
    """As when the process is killed between the number and the row: both are one transaction."""
    other = sold(event)

    def fails(receipt, **_kwargs):
        raise RuntimeError

    with monkeypatch.context() as broken:
        broken.setattr(Receipt, "save", fails)
        assert draw_due() == 0
    assert not Series.objects.exclude(last=0).exists()
    assert draw_due() == 2
    assert numbers() == [1, 2]
    assert {draw_receipt(paid).number, draw_receipt(other).number} == {1, 2}


def test_one_that_cannot_be_drawn_hinders_no_other(paid, event, monkeypatch):
    other = sold(event)
    whole = drawing._sold
    monkeypatch.setattr(drawing, "_sold", lambda order: whole(order) if order != paid else 1 / 0)
    assert draw_due() == 1
    assert Receipt.objects.get().order == other


def test_the_database_refuses_a_second_one(paid):
    receipt = draw_receipt(paid)
    receipt.pk, receipt.number = None, 2
    with pytest.raises(IntegrityError):
        receipt.save(force_insert=True)


# -- credit notes -------------------------------------------------------------------------------
def test_a_refund_that_was_sent_has_a_credit_note(paid):
    draw_due()
    refund = refund_order(paid)
    assert draw_credit_note(refund) is None
    assert draw_due() == 0
    sent(refund)
    assert draw_recent() == 1
    note = Receipt.objects.get(refund=refund)
    assert (note.number, note.amount, note.tax, note.sats) == (2, 2380, 380, 2380)
    assert note.payment_hash == "e" * 64
    assert draw_credit_note(refund) == note


def test_of_an_order_that_ended_before_its_receipt_both_are_drawn(paid):
    refund = sent(refund_order(paid))
    assert draw_credit_note(refund).number == 2
    assert numbers() == [1, 2]


def test_parts_come_to_the_whole(event):
    order = sold(event, 3)
    draw_due()
    for sats in (1, 777, 1500):
        before = Receipt.objects.exclude(refund=None).filter(order=order)
        refund = refund_part(order, amount_sats=sats, already_refunded_sats=sum(one.sats for one in before))
        draw_credit_note(sent(refund))
    order.refresh_from_db()
    draw_credit_note(sent(refund_order(order)))
    receipt, *notes = Receipt.objects.filter(order=order).order_by("number")
    assert [note.amount for note in notes] == [1, 777, 1500, 1292]
    assert sum(note.tax for note in notes) == receipt.tax
    assert numbers() == [1, 2, 3, 4, 5]


def test_tickets_given_back_take_off_their_own_lines(event):
    event.refund_hours = 0
    event.save()
    child = TicketTypeFactory(event=event, name="Child", price=500, tax_basis_points=700)
    adult = event.ticket_types.get(pk=event.default_type_id)
    adult.name = "Adult"
    adult.save()
    order = sold(event, None, items=[Item(adult.pk, 1), Item(child.pk, 2)])
    receipt = draw_receipt(order)
    assert receipt.taxes == [(1900, 1190, 190), (700, 1000, 65)]
    one = order.tickets.filter(line__type=child).first()
    note = draw_credit_note(sent(give_back(order, [one.pk])))
    assert [(part.text, part.amount, part.rate, part.tax) for part in note.parts] == [("Child", 500, 700, 33)]
    order.refresh_from_db()
    rest = draw_credit_note(sent(refund_order(order)))
    assert rest.taxes == [(1900, 1190, 190), (700, 500, 32)]


def test_money_that_bought_nothing_has_no_credit_note(paid):
    draw_due()
    pay(paid)  # once more
    twice = Refund.objects.get()
    assert twice.reason == Refund.Reason.DUPLICATE
    sent(twice)
    assert (draw_credit_note(twice), draw_due()) == (None, 0)


# -- the audit ----------------------------------------------------------------------------------
def test_the_audit_finds_a_gap_and_a_wrong_sum(paid):
    receipt = draw_receipt(paid)
    draw_credit_note(sent(refund_order(paid)))
    checks = (audit.numbers_have_no_gaps, audit.receipts_are_what_was_sold)
    assert [check(Order.objects.all()) for check in checks] == [[], []]
    Series.objects.update(last=3)
    Receipt.objects.filter(pk=receipt.pk).update(amount=2381)
    assert [len(check(Order.objects.all())) for check in checks] == [1, 1]
    Receipt.objects.filter(pk=receipt.pk).update(amount=2380, tax=379)
    assert [len(check(Order.objects.all())) for check in checks] == [1, 1]
