"""Staff sell from the admin: at the box office, and for nothing."""

import pytest
from django.core import mail

from accounts.history import HistoryEntry
from accounts.models import User
from accounts.roles import Role
from events.models import Event
from tests.acts import open_invoice, pay
from tests.factories import EventFactory, MembershipFactory, OrganizerFactory, TicketTypeFactory
from tickets.mail.messages import send_mail
from tickets.models import Mail, Order
from tickets.services.orders import expire_order, place_order
from tickets.staff.audit import run_integrity_checks
from tickets.tests.admin_client import act_url, change_url, told

pytestmark = pytest.mark.django_db(transaction=True)
ANN = {"email": "ann@example.com", "name": "Ann"}


@pytest.fixture(autouse=True)
def every_invariant_holds():
    yield
    assert run_integrity_checks() == []


@pytest.fixture
def event() -> Event:
    """Regular for 1,000 sats, and hidden ones for the crew at 500, of which there are two."""
    event = EventFactory(capacity=20, price_sats=1000)
    event.default_type.name = "Regular"
    event.default_type.save()
    TicketTypeFactory(event=event, name="Crew", price=500, position=1, is_hidden=True, capacity=2)
    event.refresh_from_db()
    return event


def seats(event: Event, *counts: int) -> dict:
    types = event.ticket_types.all()
    return {f"seats_{each.pk}": count for each, count in zip(types, counts, strict=True)}


def sell(client, event: Event, action: str, *counts: int, **more):
    """Press the button of `action` with so many seats of each type."""
    page = client.get(act_url(event, action))
    form = {name: page.context["form"][name].value() for name in ("seen", "key")}
    said = form | seats(event, *counts) | ANN | more
    return client.post(act_url(event, action), said, follow=True)


def taken(event: Event) -> list[int]:
    event.refresh_from_db()
    return [event.seats_taken, *event.ticket_types.values_list("seats_taken", flat=True)]


# -- for nothing -----------------------------------------------------------------------------------
def test_a_gift_is_free_at_once_and_the_history_says_why(staff, event, settings):
    settings.FREE_SEATS_WAIT_FOR_MAIL = True
    page = sell(staff, event, "gift", 2, 1, reason="Press")
    order = Order.objects.get()
    assert page.redirect_chain[-1][0] == change_url(order)
    assert told(page) == [f"Order {order.code} is free; its tickets go to ann@example.com."]
    assert (order.status, order.payment, order.amount_sats, order.price_sats) == ("paid", None, 0, 0)
    assert [(one.price, one.discount) for one in order.lines.all()] == [(1000, 2000), (500, 500)]
    assert taken(event) == [3, 2, 1]
    assert Mail.objects.get().kind == Mail.Kind.TICKETS
    entry = HistoryEntry.objects.get()
    assert (entry.act, entry.row_id, entry.details) == ("gift", str(order.pk), {"said": "Press"})
    assert "gave the seats for nothing: Press" in page.content.decode()
    assert order.tickets.get(number=1).holder_name == "Ann"


def test_a_gift_needs_a_reason_an_address_and_seats(staff, event):
    for more in ({"reason": " "}, {"reason": "Press", "email": ""}, {"reason": "Press", "email": "nobody"}):
        assert sell(staff, event, "gift", 1, 0, **more).context["form"].errors
    assert "Say how many seats" in sell(staff, event, "gift", 0, 0, reason="x").content.decode()
    assert not Order.objects.exists()


def test_the_same_form_sent_twice_is_one_order(staff, event):
    page = staff.get(act_url(event, "gift"))
    said = {name: page.context["form"][name].value() for name in ("seen", "key")}
    said |= seats(event, 1, 0) | ANN | {"reason": "Press"}
    for _time in range(2):
        assert staff.post(act_url(event, "gift"), said).status_code == 302
    assert Order.objects.count() == HistoryEntry.objects.filter(act="gift").count() == 1


def test_a_prize_of_pay_what_you_want_asks_for_no_amount(staff, event):
    first = event.ticket_types.first()
    first.pricing, first.suggested_price = first.Pricing.AT_LEAST, 3000
    first.save()
    sell(staff, event, "gift", 1, 0, reason="Prize")
    line = Order.objects.get().lines.get()
    assert (line.price, line.discount) == (3000, 3000)


def test_staff_are_bound_by_the_seats_and_by_nothing_that_binds_buyers(staff, event, settings):
    settings.MAX_HELD_SEATS_PER_PERSON = settings.MAX_OPEN_ORDERS_PER_EMAIL = 1
    for _time in range(2):
        sell(staff, event, "gift", 4, 0, reason="Crew")
        sell(staff, event, "sell", 2, 0)
    assert taken(event) == [12, 12, 0]
    page = sell(staff, event, "gift", 0, 3, reason="Crew")
    assert "Sorry, of “Crew” there are not enough left." in page.content.decode()
    Event.objects.filter(pk=event.pk).update(capacity=12)
    page = sell(staff, event, "gift", 1, 0, reason="Crew")
    assert "All seats are taken, but someone is still paying" in page.content.decode()
    assert taken(event) == [12, 12, 0]


# -- at the box office -----------------------------------------------------------------------------
def test_a_sale_waits_for_its_money_and_shows_where_it_is_paid(staff, event):
    page = sell(staff, event, "sell", 1, 1, email="", name="")
    order = Order.objects.get()
    assert (order.status, order.amount_sats, order.email) == ("pending", 1500, "")
    assert told(page) == [f"Order {order.code} waits for 1,500 sats."]
    assert HistoryEntry.objects.get().act == "sell"
    html = page.content.decode()
    assert f'href="http://localhost:8080{order.get_absolute_url()}"' in html
    assert '<div class="qr"' in html
    open_invoice(order)
    pay(order)
    page = staff.get(change_url(order)).content.decode()
    assert order.is_paid
    assert order.token not in page


def test_a_sale_that_nobody_pays_gives_its_seats_back(staff, event):
    sell(staff, event, "sell", 1, 1)
    expire_order(Order.objects.get())
    assert taken(event) == [0, 0, 0]


def test_the_link_of_what_somebody_else_ordered_is_not_shown(staff, event):
    order = place_order(event=event, email="bob@example.com")
    page = staff.get(change_url(order)).content.decode()
    assert order.token not in page
    assert "To be paid" not in page


def test_the_link_is_for_those_who_sell(client, staff, event):
    organizer = OrganizerFactory()
    Event.objects.filter(pk=event.pk).update(organizer=organizer)
    sell(staff, event, "sell", 1, 0)
    order = Order.objects.get()
    for role, sees in ((Role.MANAGER, True), (Role.READER, False), (Role.FINANCE, False)):
        client.force_login(MembershipFactory(organizer=organizer, role=role).user)
        assert (order.token in client.get(change_url(order)).content.decode()) is sees
    assert User.objects.filter(memberships__organizer=organizer).count() == 3


def test_the_guest_says_what_is_paid_no_less_than_the_least(staff, event):
    first = event.ticket_types.first()
    first.pricing = first.Pricing.AT_LEAST
    first.save()
    page = sell(staff, event, "sell", 1, 0, **{f"amount_{first.pk}": 999})
    assert page.context["form"].errors[f"amount_{first.pk}"]
    sell(staff, event, "sell", 2, 0, **{f"amount_{first.pk}": 5000})
    assert Order.objects.get().amount_sats == 10_000


def test_what_is_free_is_there_at_once(staff, event):
    free = TicketTypeFactory(event=event, name="Free", price=0, pricing="free", position=2)
    page = sell(staff, event, "sell", 0, 0, 1)
    assert told(page) == [f"Order {Order.objects.get().code} is free, and its tickets are good."]
    assert free.lines.get().quantity == 1


def test_a_price_that_changed_since_the_form_is_looked_at_again(staff, event):
    page = staff.get(act_url(event, "sell"))
    said = {name: page.context["form"][name].value() for name in ("seen", "key")} | seats(event, 1, 0)
    first = event.ticket_types.first()
    first.price = 9000
    first.save()
    page = staff.post(act_url(event, "sell"), said, follow=True)
    assert "Nothing was done" in told(page)[0]
    assert not Order.objects.exists()


@pytest.mark.parametrize("wrong", ["-1", "999", "x", "9" * 40])
def test_seats_that_are_no_number_of_seats_are_said_at_the_field(staff, event, wrong):
    name = next(iter(seats(event, 0, 0)))
    page = sell(staff, event, "sell", 0, 0, **{name: wrong})
    assert page.status_code == 200
    assert page.context["form"].errors[name]


def test_an_event_that_sells_no_more_has_no_buttons_to_sell(staff, event):
    Event.objects.filter(pk=event.pk).update(is_active=False)
    names = {one.name for one in staff.get(change_url(event)).context["staff_actions"]}
    assert not names & {"sell", "gift"}


def test_the_mail_of_a_gift_holds_the_tickets(staff, event):
    sell(staff, event, "gift", 1, 0, reason="Press")
    send_mail(Mail.objects.get())
    [message] = mail.outbox
    assert message.to == ["ann@example.com"]
    assert "Ticket 1, Regular (Ann): http" in message.body
