"""Holders: each gets a mail of their own with their ticket and nothing of the order, and the news."""

from datetime import timedelta

import pytest
from django.core import mail as outbox
from django.test import Client
from django.utils import timezone, translation

from accounts.rate_limits import RateLimited
from events.models import Event
from tests.acts import hold, pay
from tests.factories import EveningFactory
from tickets.mail.messages import send_mail, send_tickets_again
from tickets.mail.notifications import queue_changes, queue_reminders
from tickets.models import Mail, Order, Ticket
from tickets.services.check_ins import check_in
from tickets.services.holders import Holder, name_holders
from tickets.services.refunds import cancel_event, end_canceled_order
from tickets.services.retention import purge
from tickets.services.voiding import replace_links, replace_ticket
from ticketsuma.state_machine import InvalidTransition

pytestmark = pytest.mark.django_db(transaction=True)

IP = "192.0.2.7"
BEA, CLEO = "bea@example.com", "cleo@example.com"


@pytest.fixture
def order() -> Order:
    """Three paid seats; Bea holds the second one and Cleo the third."""
    with translation.override("en"):
        order = hold(EveningFactory(), 3)
    pay(order)
    _first, second, third = order.tickets.all()
    name_holders(order, [Holder(second, "Bea", "Bea@Example.com"), Holder(third, "Cleo", CLEO)], ip=IP)
    return order


def sent_to(address: str) -> list:
    """What is due goes out; the mails to this address, the oldest first."""
    for each in Mail.objects.filter(status=Mail.Status.DUE).order_by("pk").select_related("order__event"):
        send_mail(each)
    return [message for message in outbox.outbox if message.to == [address]]


def words(message) -> str:
    """Both of its texts and its calendar."""
    return " ".join([message.body, *(str(part[0]) for part in message.alternatives)]).replace("\r\n ", "")


def test_each_holder_gets_their_own_link_entry_and_pdf_and_nothing_of_the_order(order):
    [message] = sent_to(BEA)
    first, second, third = order.tickets.all()
    said = words(message)
    assert second.get_absolute_url() in said
    for secret in (first.token, third.token, order.token, second.ticket_code, CLEO, order.email):
        assert secret not in said
    names = [(name, kind) for name, _content, kind in message.attachments]
    assert names == [("event.ics", "text/calendar"), (f"ticket-{order.code}-2.pdf", "application/pdf")]
    assert message.attachments[1][1].startswith(b"%PDF")
    assert f"mailto:{BEA}" in said
    [buyers] = sent_to(order.email)
    assert [kind for _name, _content, kind in buyers.attachments] == ["text/calendar"]
    assert buyers.extra_headers["Message-ID"] != message.extra_headers["Message-ID"]


def test_an_address_that_stands_already_gets_no_second_mail_and_another_one_gets_its_own(order):
    second = order.tickets.get(number=2)
    assert name_holders(order, [Holder(second, "Beatrice", BEA)], ip=IP) == 0
    assert name_holders(order, [Holder(second, "Dan", "dan@example.com")], ip=IP) == 1
    assert sent_to(BEA) == []  # it was due, and is no longer true
    assert len(sent_to("dan@example.com")) == 1
    assert len(sent_to(order.email)) == 1
    assert name_holders(order, [Holder(second, "Ann", order.email)], ip=IP) == 0


def test_holders_hear_what_buyers_hear(order):
    Order.objects.update(paid_at=timezone.now() - timedelta(days=3))
    queue_changes()
    event = Event.objects.get()
    event.start_time += timedelta(minutes=5)
    event.save()
    Event.objects.update(updated_at=timezone.now() - timedelta(minutes=5))
    assert queue_changes() == 3
    Event.objects.update(start_time=timezone.now() + timedelta(minutes=50))
    assert queue_reminders() == 3
    assert queue_reminders() == 0
    assert len(sent_to(BEA)) == 3  # its ticket, that it changed, and the reminder
    cancel_event(Event.objects.get())
    end_canceled_order(Order.objects.select_related("event", "payment").get())
    last = sent_to(BEA)[-1]
    assert "Whoever bought your ticket gets the money back." in last.body
    assert order.token not in words(last)


def test_a_replaced_link_is_mailed_to_its_holder(order):
    sent_to(BEA)
    second = order.tickets.select_related("order__event").get(number=2)
    replace_ticket(second)
    assert second.get_absolute_url() in sent_to(BEA)[-1].body
    replace_links(Order.objects.get())
    assert order.tickets.get(number=3).get_absolute_url() in sent_to(CLEO)[-1].body
    assert len(sent_to(CLEO)) == 2


def test_a_holder_who_lost_the_mail_has_it_sent_again(order):
    sent_to(BEA)
    Mail.objects.update(sent_at=timezone.now() - timedelta(hours=1))
    assert send_tickets_again(BEA) == 1
    assert len(sent_to(BEA)) == 2


def test_a_used_or_void_ticket_keeps_its_holder(order):
    first = order.tickets.get(number=1)
    check_in(code=first.ticket_code, event_id=order.event_id, by=None)
    second = order.tickets.get(number=2)
    with pytest.raises(InvalidTransition):
        name_holders(order, [Holder(second, "Dan"), Holder(first, "Eve")], ip=IP)
    assert Ticket.objects.get(number=2).holder_name == "Bea"


def test_mails_to_strangers_are_limited_and_then_nothing_is_written(order, settings):
    settings.LIMITS = settings.LIMITS | {"MAIL_PER_IP": (2, 3600)}
    holders = [Holder(each, "X", f"x{each.number}@example.com") for each in order.tickets.all()]
    with pytest.raises(RateLimited):
        name_holders(order, holders, ip="192.0.2.8")
    assert not Ticket.objects.filter(holder_name="X").exists()


def test_holders_are_forgotten_with_the_buyer(order):
    sent_to(BEA)
    long_ago = timezone.now() - timedelta(days=800)
    Event.objects.update(start_time=long_ago, end_time=long_ago + timedelta(hours=1))
    Order.objects.update(paid_at=long_ago)
    purge()
    assert set(Ticket.objects.values_list("holder_name", "holder_email")) == {("", "")}
    assert not Mail.objects.filter(to=BEA).exists()


# -- pages ----------------------------------------------------------------------------------------
def test_the_orders_page_names_and_mails_all_holders_at_once():
    order = hold(EveningFactory(), 2)
    pay(order)
    page = order.get_absolute_url()
    assert "Send each ticket to the person who goes" in Client().get(page).content.decode()
    form = {"act": "order_holders", "name_1": "Ann", "email_1": "", "name_2": "Bea", "email_2": BEA}
    answer = Client().post(page, form, follow=True)
    assert "One ticket is on its way." in answer.content.decode()
    assert list(order.tickets.values_list("holder_name", "holder_email")) == [("Ann", ""), ("Bea", BEA)]
    wrong = Client().post(page, form | {"email_2": "nobody"})
    assert (wrong.status_code, 'value="nobody"' in wrong.content.decode()) == (422, True)


def test_the_tickets_page_mails_it_to_its_holder():
    order = hold(EveningFactory(price_sats=0))
    page = order.tickets.get().get_absolute_url()
    form = {"act": "ticket_holder", "holder_name": "Bea", "holder_email": BEA}
    answer = Client().post(page, form, follow=True)
    assert "The ticket is on its way to its holder." in answer.content.decode()
    assert len(sent_to(BEA)) == 1
    assert Client().post(page, form | {"holder_email": "x"}).status_code == 422
