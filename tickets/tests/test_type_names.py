"""Names of ticket types wherever buyers and staff look; nowhere in an event that has one kind of seat."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.roles import Role
from accounts.staff import save_verified_user
from events.baskets import Item
from events.models import Event
from tests.acts import open_invoice, pay
from tests.factories import (
    EventFactory,
    MailFactory,
    MembershipFactory,
    OrganizerFactory,
    PromoCodeFactory,
    TicketTypeFactory,
)
from tickets.mail.messages import send_mail, write_mail
from tickets.mail.notifications import about_start
from tickets.models import Mail, Order
from tickets.services.orders import place_order
from tickets.staff.timeline import order_file, timeline
from tickets.tests.admin_client import change_url

pytestmark = pytest.mark.django_db(transaction=True)
TICKETS = "admin:tickets_ticket_changelist"


@pytest.fixture
def event() -> Event:
    """Regular for 1,000 sats, Supporter for 5,000, and a code that takes a fifth off."""
    event = EventFactory(capacity=20, price_sats=1000)
    event.default_type.name = "Regular"
    event.default_type.save()
    TicketTypeFactory(event=event, name="Supporter", price=5000, position=1)
    PromoCodeFactory(event=event, text="FIFTH")
    return event


def buy(event: Event, *seats: int, **more) -> Order:
    """So many seats of each type, in their order; its invoice is open."""
    types = event.ticket_types.all()
    items = [Item(each.pk, count) for each, count in zip(types, seats, strict=False)]
    order = place_order(event=event, items=items, **{"email": "ann@example.com"} | more)
    if order.payment:
        open_invoice(order)
    return order


def plain_order() -> Order:
    order = place_order(event=EventFactory(), quantity=2, email="ann@example.com")
    open_invoice(order)
    return order


def text(answer) -> str:
    words = re.sub(r"<(script|svg).*?</\1>|<[^>]+>", " ", answer.content.decode(), flags=re.DOTALL)
    return " ".join(words.split()).replace("\N{NO-BREAK SPACE}", " ")


def asked(client, url: str) -> int:
    with CaptureQueriesContext(connection) as said:
        assert client.get(url).status_code == 200
    return len(said)


# -- the order's page --------------------------------------------------------------------------
def test_what_is_paid_for_is_said_before_and_after(client, event):
    order = buy(event, 2, 1, promo_code="fifth")
    sums = "2 × Regular at 1,000 sats each instead of 2,000 sats 1,600 sats"
    sums += " 1 × Supporter instead of 5,000 sats 4,000 sats Total 5,600 sats"
    assert f"What you pay for {sums}" in text(client.get(order.get_absolute_url()))
    pay(order)
    page = text(client.get(order.get_absolute_url()))
    assert f"What you bought {sums}" in page
    assert "Ticket 2 of 3 · Regular" in page
    assert "Ticket 3 of 3 · Supporter" in page


def test_one_kind_of_seat_has_no_bill(client):
    order = plain_order()
    assert "What you pay for" not in text(client.get(order.get_absolute_url()))
    pay(order)
    page = text(client.get(order.get_absolute_url()))
    assert "What you bought" not in page
    assert "Ticket 2 of 2 Name" in page


def test_a_discount_is_said_where_types_have_no_names(client):
    event = EventFactory(price_sats=1000)
    PromoCodeFactory(event=event, text="FIFTH")
    order = place_order(event=event, quantity=2, email="ann@example.com", promo_code="FIFTH")
    page = text(client.get(order.get_absolute_url()))
    assert "2 × Ticket at 1,000 sats each instead of 2,000 sats 1,600 sats" in page


def test_the_page_asks_as_much_for_many_types_as_for_two(client, event):
    """And for one without a name not even for its line."""
    plain = asked(client, plain_order().get_absolute_url())
    two = asked(client, buy(event, 1, 1).get_absolute_url())
    for number in range(8):
        TicketTypeFactory(event=event, name=f"Type {number}", position=2 + number)
    assert asked(client, buy(event, *[1] * 10, email="bob@example.com").get_absolute_url()) == two
    assert two == plain + 1


# -- elsewhere ------------------------------------------------------------------------------------
def test_lists_of_ones_own_name_what_was_bought(client, event):
    user = save_verified_user(email="ann@example.com", password="a long enough passphrase")[0]
    client.force_login(user)
    buy(event, 2, 1, buyer=user)
    assert "2 × Regular , 1 × Supporter 3 seats" in text(client.get("/me"))
    before = asked(client, "/me")
    pay(buy(event, 0, 1, buyer=user))
    assert "Supporter 1 seat · 5,000 sats" in text(client.get("/me"))
    assert asked(client, "/me") == before


def test_calendars_mails_and_the_page_to_give_back_name_the_type(client, event):
    order = buy(event, 1, 1)
    pay(order)
    ticket = order.tickets.get(number=2)
    for page, names in ((order, "Regular\\, Supporter"), (ticket, "Supporter")):
        entry = client.get(f"{page.get_absolute_url()}/calendar.ics").content.decode()
        assert f"DESCRIPTION:{names}\\n\\n" in entry
    assert "Ticket 2 of 2 · Supporter" in text(client.get(f"{order.get_absolute_url()}/give-back"))
    message = write_mail(order.mails.get())
    assert "Ticket 2, Supporter: " in message.body
    [(html, _kind)] = [each for each in message.alternatives if each[1] == "text/html"]
    assert "<bdi>Supporter</bdi>" in html


def test_a_ticket_for_the_replay_does_not_offer_the_stream(client):
    event = EventFactory(replay_until=timezone.now() + timedelta(days=9))
    kind = TicketTypeFactory(event=event, name="Replay", admits="replay")
    order = place_order(event=event, items=[Item(kind.pk, 1)], email="ann@example.com")
    open_invoice(order)
    pay(order)
    ticket = order.tickets.get()
    assert "watch the replay, once the event is over" in write_mail(order.mails.get()).body
    page = text(client.get(ticket.get_absolute_url()))
    assert "This ticket opens the replay, once the event is over." in page
    assert "Join the stream" not in page
    assert client.get(f"{ticket.get_absolute_url()}/stream")["Location"] == ticket.get_absolute_url()
    past = timezone.now() - timedelta(hours=2)
    Event.objects.filter(pk=event.pk).update(start_time=past, end_time=past + timedelta(hours=1))
    assert "Watch it again" in text(client.get(ticket.get_absolute_url()))
    assert client.get(f"{ticket.get_absolute_url()}/stream").status_code == 200


def test_nobody_is_reminded_of_what_their_ticket_does_not_open(event):
    replay = TicketTypeFactory(event=event, name="Replay", price=500, admits="replay", position=2)
    orders = [buy(event, 0, 0, 1, email="ann@example.com"), buy(event, 1, 0, 1, email="bob@example.com")]
    for order in orders:
        pay(order)
        about = about_start(order.event)
        send_mail(MailFactory(order=order, kind=Mail.Kind.REMINDER_DAY, about=about))
    assert replay.lines.count() == 2
    sent = Mail.objects.filter(kind=Mail.Kind.REMINDER_DAY).order_by("to").values_list("status", flat=True)
    assert list(sent) == [Mail.Status.FAILED, Mail.Status.SENT]


def test_the_api_names_the_type_of_each_ticket(client, event):
    order = buy(event, 1, 1)
    answer = client.get(f"/api/orders/{order.pk}", headers={"Order-Token": order.token}).json()
    assert [each["ticket_type_name"] for each in answer["tickets"]] == ["Regular", "Supporter"]
    plain = plain_order()
    answer = client.get(f"/api/orders/{plain.pk}", headers={"Order-Token": plain.token}).json()
    assert {each["ticket_type_name"] for each in answer["tickets"]} == {""}


# -- staff ----------------------------------------------------------------------------------------
def test_staff_see_the_lines_of_an_order_and_where_its_tickets_are(staff, event):
    order = buy(event, 2, 1, promo_code="fifth")
    page = text(staff.get(change_url(order)))
    assert "Regular 2 1,000 sats 400 sats 1,600 sats" in page
    assert "Supporter 1 5,000 sats 1,000 sats 4,000 sats" in page
    assert "Promo code: FIFTH" in page
    [held] = [each for each in timeline(order_file(order.pk)) if each.kind == "held"]
    assert "2 × Regular, 1 × Supporter held until" in held.says
    supporter = event.ticket_types.get(name="Supporter")
    url = f"{reverse(TICKETS)}?type={supporter.pk}"
    assert f'href="{url}">1</a>' in staff.get(change_url(event)).content.decode()
    assert [each.type_name for each in staff.get(url).context["cl"].result_list] == ["Supporter"]
    assert "A talk: Regular" in text(staff.get(reverse(TICKETS)))


@pytest.mark.parametrize("value", ["x", "-1", "9" * 30, "9" * 18])
def test_a_type_that_is_none_is_no_error(staff, event, value):
    buy(event, 1, 1)
    assert staff.get(f"{reverse(TICKETS)}?type={value}").status_code in (200, 302)


def test_the_promo_code_is_for_those_who_manage_and_types_of_others_are_not_offered(client, event):
    organizer = OrganizerFactory()
    Event.objects.filter(pk=event.pk).update(organizer=organizer)
    order = buy(event, 1, promo_code="fifth")
    foreign = EventFactory(title="Elsewhere", organizer=OrganizerFactory())
    theirs = TicketTypeFactory(event=foreign, name="Theirs")
    for role, sees in ((Role.READER, False), (Role.MANAGER, True)):
        member = MembershipFactory(organizer=organizer, role=role)
        client.force_login(member.user)
        assert ("FIFTH" in text(client.get(change_url(order)))) is sees
        page = text(client.get(f"{reverse(TICKETS)}?type={theirs.pk}"))
        assert "Regular" in page
        assert "Theirs" not in page


def test_a_guest_finds_what_was_bought_in_this_browser(event):
    client = Client()
    page = client.get(event.get_absolute_url()).content.decode()
    hidden = dict(re.findall(r'name="(key|shown|refund_policy)"(?: id="\w+")? value="([^"]*)"', page))
    seats = {f"seats_{each.pk}": "1" for each in event.ticket_types.all()}
    said = hidden | seats | {"email": "ann@example.com"}
    answer = client.post(event.get_absolute_url(), said)
    assert answer.status_code == 302, text(answer)
    assert "1 × Regular , 1 × Supporter" in text(client.get("/find"))
