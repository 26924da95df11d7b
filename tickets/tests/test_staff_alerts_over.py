"""Alerts that end: work whose reason is over needs no attention."""

from datetime import timedelta

import pytest
from django.utils import timezone

from payments.models import IncomingPayment, Invoice, Payment
from payments.services import settle_node_payment
from tests.acts import money_for, open_invoice, overdue
from tests.factories import EventFactory, MailFactory, OrderFactory, WebhookEventFactory
from tickets.models import Mail
from tickets.services.orders import cancel_order, expire_order
from tickets.staff.alerts import needs_attention

pytestmark = pytest.mark.django_db(transaction=True)


def given_up() -> set[str]:
    return {line.model for line in needs_attention() if line.kind == "parked"}


def give_up(rows) -> None:
    rows.update(parked_at=timezone.now(), next_attempt_at=None, last_error="boom")


@pytest.mark.parametrize("end", ["expired", "canceled", "paid"])
def test_a_push_that_was_given_up_needs_nobody_once_its_order_ended(end):
    order = OrderFactory(uma_address="$ann@wallet.example.com")
    give_up(Payment.objects.all())
    assert given_up() == {"payments.payment"}
    order.refresh_from_db()
    if end == "expired":
        expire_order(overdue(order))
    elif end == "canceled":
        cancel_order(order)
    else:
        settle_node_payment(money_for(open_invoice(order)))
    assert given_up() == set()
    assert Payment.objects.get().parked_at is None


def test_an_older_row_that_kept_its_mark_needs_nobody_either():
    cancel_order(OrderFactory(uma_address="$ann@wallet.example.com"))
    give_up(Payment.objects.all())
    give_up(Invoice.objects.all())
    assert given_up() == set()


def test_news_of_money_that_came_by_another_way_needs_nobody():
    money = money_for(open_invoice(OrderFactory()))
    event = WebhookEventFactory(
        event_id="1", type="PAYMENT_FINISHED", entity_id=money.node_payment_id, parked_at=timezone.now()
    )
    assert given_up() == {"payments.webhookevent"}
    settle_node_payment(money)
    assert IncomingPayment.objects.get().node_payment_id == event.entity_id
    assert given_up() == set()


def test_a_ticket_that_was_given_back_need_not_be_mailed():
    order = OrderFactory(event=EventFactory(price_sats=0))
    give_up(Mail.objects.all())
    assert given_up() == {"tickets.mail"}
    cancel_order(order)
    give_up(Mail.objects.filter(kind="tickets"))
    assert given_up() == set()


def test_a_reminder_of_what_is_over_need_not_be_mailed():
    order = OrderFactory(event=EventFactory(price_sats=0))
    Mail.objects.all().delete()
    mail = MailFactory(order=order, kind=Mail.Kind.REMINDER_HOUR, to=order.email)
    give_up(Mail.objects.filter(pk=mail.pk))
    assert given_up() == {"tickets.mail"}
    past = timezone.now() - timedelta(hours=3)
    order.event.start_time, order.event.end_time = past, past + timedelta(hours=1)
    order.event.save()
    assert given_up() == set()
