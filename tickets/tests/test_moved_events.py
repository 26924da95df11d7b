"""Moved events: holders may have their money back until it starts, if the organizer offers it."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from events.models import Event
from payments.models import Refund
from tests.acts import hold, pay, together
from tests.factories import EveningFactory
from tickets.mail.messages import write_mail
from tickets.mail.notifications import queue_changes
from tickets.models import Order
from tickets.services.moved_events import NotMoved, give_money_back, may_have_money_back
from ticketsuma.errors import DomainError

pytestmark = pytest.mark.django_db(transaction=True)

YESTERDAY = timedelta(days=1)


def bought(event: Event) -> Order:
    order = hold(event, uma_address="$ann@wallet.example.com")
    pay(order)
    Order.objects.filter(pk=order.pk).update(paid_at=timezone.now() - YESTERDAY)
    return again(order)


def again(order: Order) -> Order:
    return Order.objects.select_related("event", "payment").get(pk=order.pk)


def move(event: Event, **fields) -> None:
    """Staff moved it five minutes ago, and holders were told."""
    event = Event.objects.get(pk=event.pk)
    for name, value in (fields or {"start_time": event.start_time + timedelta(minutes=30)}).items():
        setattr(event, name, value)
    event.save()
    Event.objects.filter(pk=event.pk).update(updated_at=timezone.now() - timedelta(minutes=5))
    queue_changes()


def test_a_holder_gives_tickets_of_a_moved_event_back():
    event = EveningFactory()
    order = bought(event)
    page, client = order.get_absolute_url(), Client()
    assert 'value="money_back"' not in client.get(page).content.decode()
    move(event)
    assert 'value="money_back"' in client.get(page).content.decode()
    told = order.mails.select_related("order__event").get(kind="event_changed")
    assert "Until it starts you can have your money back" in write_mail(told).body
    assert client.post(page, {"act": "money_back"}, follow=True).status_code == 200
    refund = Refund.objects.get()
    assert (refund.reason, refund.to, refund.amount_msats) == (
        "event_moved",
        "$ann@wallet.example.com",
        1_000_000,
    )
    assert again(order).status == "canceled"
    event.refresh_from_db()
    assert event.seats_taken == 0
    assert (
        "You have sent this before. It was done once"
        in client.post(page, {"act": "money_back"}, follow=True).content.decode()
    )
    assert Refund.objects.count() == 1


def test_two_presses_at_once_are_one_refund():
    event = EveningFactory()
    order = bought(event)
    move(event)
    outcomes = together(lambda: give_money_back(again(order)), lambda: give_money_back(again(order)))
    assert sum(isinstance(one, Refund) for one in outcomes) == 1
    assert sum(isinstance(one, DomainError) for one in outcomes) == 1
    assert Refund.objects.count() == 1


def test_money_goes_back_only_for_a_move_after_the_purchase_and_before_the_start():
    event = EveningFactory()
    order = bought(event)
    with pytest.raises(NotMoved):
        give_money_back(order)
    move(event, title="Another name", timezone="Asia/Tokyo")
    assert not may_have_money_back(again(order))
    move(event, end_time=event.end_time + timedelta(hours=1))
    assert may_have_money_back(again(order))
    Order.objects.update(paid_at=timezone.now())  # knew the new time
    assert not may_have_money_back(again(order))
    Order.objects.update(paid_at=timezone.now() - YESTERDAY)
    move(event, end_time=event.end_time)  # back to where it was
    assert not may_have_money_back(again(order))
    move(event)
    Event.objects.update(refunds_when_moved=False)
    assert not may_have_money_back(again(order))
    Event.objects.update(refunds_when_moved=True)
    assert may_have_money_back(again(order))
    Event.objects.update(start_time=timezone.now() - timedelta(minutes=1))
    with pytest.raises(NotMoved):
        give_money_back(again(order))
    assert not Refund.objects.exists()


def test_holders_calendars_outlive_the_events_page():
    event = EveningFactory(price_sats=0)
    order = hold(event)
    Event.objects.update(is_active=False)
    page = Client().get(order.get_absolute_url()).content.decode()
    assert f"/events/{event.slug}" not in page
    entry = Client().get(f"{order.get_absolute_url()}/calendar.ics")
    assert (entry.status_code, entry["Content-Type"]) == (200, "text/calendar; charset=utf-8")
    assert order.token in entry.content.decode().replace("\r\n ", "")
