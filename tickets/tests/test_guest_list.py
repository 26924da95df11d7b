"""The door's guest list: found by name, order or mailbox, let in by a pick, and out again."""

import pytest
from django.test import Client

from accounts.history import HistoryEntry
from tests.acts import hold, together
from tests.factories import EventFactory
from tickets.models import CheckIn, Ticket
from tickets.services.check_ins import check_in
from tickets.services.guest_list import JoinedStream, NotCheckedIn, find_guests, undo_check_in
from tickets.services.voiding import void_ticket

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def event():
    return EventFactory(price_sats=0)


@pytest.fixture
def ticket(event) -> Ticket:
    order = hold(event, name="Ólafur Arnalds", email="olafur@example.com")
    hold(event, name="Ann Arbor", email="arnalds-fan@example.com")
    hold(EventFactory(price_sats=0), name="Ólafur of elsewhere", email="olafur@example.com")
    return order.tickets.select_related("order__event").get()


def post(client, event, **asked):
    answer = client.post(f"/door/{event.pk}", {"nonce": "n"} | asked)
    assert answer.status_code == 200
    return answer


def named(event, typed: str) -> list[str]:
    return [ticket.order.name for ticket in find_guests(event, typed)]


def test_a_name_an_orders_code_and_a_mailbox_find_the_ticket(event, ticket):
    code = ticket.order.code
    typed = ["olaf", "ARNALDS", "arna ola", code, f"{code[:4]}-{code[4:]}".lower(), " Olafur@Example.com "]
    assert [named(event, each) for each in typed] == [["Ólafur Arnalds"]] * len(typed)


def test_less_finds_nobody(event, ticket):
    for typed in ("", "a", "@", "olafur@", "olafur@example", "fan@example.com", "example", "a\0b"):
        assert named(event, typed) == [], typed


def test_what_is_found_is_picked_and_let_in_once(staff, event, ticket):
    page = post(staff, event, code="olafur")
    assert [each.pk for each in page.context["picks"]] == [ticket.pk]
    assert not CheckIn.objects.exists()
    assert post(staff, event, ticket=ticket.pk).context["verdict"].reason == "ok"
    assert post(staff, event, ticket=ticket.pk, nonce="o").context["verdict"].reason == "already_checked_in"
    assert "in since" in post(staff, event, code="olafur").content.decode()
    assert post(staff, event, code="nobody of that name").context["verdict"].reason == "unknown_code"


def test_a_pick_of_another_event_or_a_void_one_stays_out(staff, event, ticket):
    elsewhere = EventFactory(price_sats=0)
    assert post(staff, elsewhere, ticket=ticket.pk).context["verdict"].reason == "wrong_event"
    void_ticket(ticket)
    assert post(staff, event, ticket=ticket.pk).context["verdict"].reason == "void"
    assert "Given back" in post(staff, event, code="olafur").content.decode()
    assert post(staff, event, ticket="nonsense").context["verdict"].reason == "unknown_code"
    assert not CheckIn.objects.exists()


def test_a_check_in_is_undone_and_stands_in_the_history(staff, event, ticket):
    post(staff, event, ticket=ticket.pk)
    assert "Out again" in post(staff, event, undo=ticket.pk).content.decode()
    assert not CheckIn.objects.exists()
    entry = HistoryEntry.objects.get(act="undo_check_in")
    assert (entry.row_id, entry.actor_email) == (str(ticket.pk), "staff@example.com")
    page = staff.get(f"/admin/tickets/order/{ticket.order_id}/change/").content.decode()
    assert "undid the check-in" in page
    assert "not checked in" in post(staff, event, undo=ticket.pk).content.decode()
    assert post(staff, event, ticket=ticket.pk, nonce="again").context["verdict"].reason == "ok"


def test_of_two_who_undo_one_does(event, ticket):
    check_in(code=ticket.ticket_code, event_id=event.pk, by=None)
    CheckIn.objects.update(by_name="door@example.com")

    def undo():
        try:
            return undo_check_in(ticket.pk, event_id=event.pk) and "done"
        except NotCheckedIn:
            return "not"

    assert sorted(together(undo, undo)) == ["done", "not"]


def test_who_joined_the_stream_is_not_undone_and_other_doors_undo_nothing(staff, event, ticket):
    CheckIn.objects.create(ticket=ticket)
    with pytest.raises(JoinedStream):
        undo_check_in(ticket.pk, event_id=event.pk)
    CheckIn.objects.update(by_name="door@example.com")
    assert "not checked in" in post(staff, EventFactory(), undo=ticket.pk).content.decode()
    assert CheckIn.objects.exists()


def test_the_guest_list_is_for_who_minds_the_door(staff, event, ticket):
    page = staff.get(f"/door/{event.pk}/guests")
    text = page.content.decode()
    assert text.index("Ann Arbor") < text.index("Ólafur Arnalds")
    assert "elsewhere" not in text
    assert Client().get(f"/door/{event.pk}/guests").status_code == 302
    assert staff.get("/door/999999/guests").status_code == 404
