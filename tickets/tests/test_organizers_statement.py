"""Statements of organizers: to the msat what the books of the whole shop say."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from payments.models import IncomingPayment, Refund
from tests.acts import hold, pay, stray_money
from tests.factories import EventFactory, MembershipFactory, OrganizerFactory
from tickets.services.refunds import refund_order, refund_part
from tickets.staff.books import read_books
from tickets.staff.statements import statement

pytestmark = pytest.mark.django_db(transaction=True)


def sell(organizer, price_sats=1_000, quantity=1, msats=None):
    order = hold(
        EventFactory(organizer=organizer, price_sats=price_sats),
        quantity,
        uma_address="$a@wallet.example.com",
    )
    pay(order, msats)
    return order


@pytest.fixture
def shop():
    """Two organizers and the shop's own, with orders that were paid, overpaid, refunded in part and whole."""
    azul, verde = OrganizerFactory(name="Azul"), OrganizerFactory(name="Verde")
    for organizer in (azul, verde, None):
        sell(organizer, quantity=2)
        sell(organizer, msats=1_500_123)
        refund_part(sell(organizer), amount_sats=300, already_refunded_sats=0)
        refund_order(sell(organizer))
    pay(sell(azul))  # twice
    stray_money(7_000_000)
    for number, refund in enumerate(Refund.objects.order_by("pk")):
        if number % 2:
            Refund.objects.filter(pk=refund.pk).update(
                status=Refund.Status.SENT,
                fee_msats=1_000 + number,
                node_payment_id=f"p{number}",
                sent_at=timezone.now(),
            )
    return azul, verde


def test_all_statements_together_are_the_books(shop):
    books = read_books()
    of_each = [statement(organizer).total for organizer in (*shop, None)]
    stray = sum(row.amount_msats for row in IncomingPayment.objects.filter(payment=None))
    assert sum(one.received_msats for one in of_each) + stray == books.received_msats
    assert sum(one.fees_msats for one in of_each) == books.fees_msats
    waiting = sum(row.amount_msats for row in Refund.objects.exclude(status=Refund.Status.SENT))
    assert sum(one.refunded_msats for one in of_each) == books.sent_msats + waiting
    owed = sum(one.owed_msats + one.waiting_msats for one in of_each)
    assert owed + waiting + stray == books.left_msats
    assert all(one.waiting_msats == 0 for one in of_each)


def test_a_statement_says_what_was_sold_refunded_and_owed():
    azul = OrganizerFactory()
    sell(azul, price_sats=1_000)
    refund_part(sell(azul, price_sats=2_000), amount_sats=500, already_refunded_sats=0)
    Refund.objects.update(
        status=Refund.Status.SENT, fee_msats=1_234, node_payment_id="p", sent_at=timezone.now()
    )
    sell(OrganizerFactory(), price_sats=9_000)
    total = statement(azul).total
    assert (total.sold_msats, total.refunded_msats, total.fees_msats) == (2_500_000, 500_000, 1_234)
    assert total.owed_msats == 2_500_000 - 1_234


def test_the_page_costs_the_same_for_more_events_and_is_for_those_who_see_money(client):
    member = MembershipFactory(role="reader")
    client.force_login(member.user)
    url = f"/admin/events/organizer/{member.organizer.pk}/statement"
    sell(member.organizer)
    with CaptureQueriesContext(connection) as of_one:
        page = client.get(url)
    assert "1,000 sats" in page.content.decode().replace("\xa0", " ")
    assert "pays nobody out by itself" in page.content.decode()
    for _ in range(4):
        sell(member.organizer)
    with CaptureQueriesContext(connection) as of_five:
        client.get(url)
    assert len(of_one) == len(of_five)
