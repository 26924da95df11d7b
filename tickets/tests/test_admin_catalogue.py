"""Ticket types and promo codes in the admin: made, changed, and kept where they were sold."""

import pytest
from django.urls import reverse

from accounts.history import HistoryEntry
from events.baskets import Item
from events.models import Event, PromoCode, TicketType
from tests.acts import hold
from tests.factories import EveningFactory, PromoCodeFactory, TicketTypeFactory
from tickets.services.orders import place_order
from tickets.staff.audit import run_integrity_checks
from tickets.tests.admin_client import change_url, list_url
from tickets.tests.forms_in_pages import form_in

pytestmark = pytest.mark.django_db(transaction=True)
ADD_CODE = "admin:events_promocode_add"


@pytest.fixture(autouse=True)
def every_invariant_holds():
    yield
    assert run_integrity_checks() == []


@pytest.fixture
def event() -> Event:
    """Regular for 1,000 sats and Student for 500, of ten; valid as a form of staff is."""
    event = EveningFactory(capacity=10, price_sats=1000)
    event.default_type.name = "Regular"
    event.default_type.save()
    TicketTypeFactory(event=event, name="Student", price=500, position=1)
    return event


def form_of(client, event: Event, **of_type) -> dict[str, str]:
    """The event's form as it is shown, with changes of its second type."""
    form = form_in(client.get(change_url(event)), "event_form")
    return form | {f"ticket_types-1-{name}": value for name, value in of_type.items()}


def save(client, event: Event, **of_type):
    return client.post(change_url(event), form_of(client, event, **of_type))


def said(answer) -> str:
    """All that is wrong with the types."""
    formsets = [each.formset for each in answer.context["inline_admin_formsets"]]
    [formset] = [each for each in formsets if each.prefix == "ticket_types"]
    return " ".join([*formset.non_form_errors(), *(str(each) for each in formset.errors)])


def second(event: Event) -> TicketType:
    return event.ticket_types.get(position=1)


# -- types -----------------------------------------------------------------------------------------
def test_a_type_is_added_with_its_event_and_the_lowest_price_follows(staff, event):
    form = form_of(staff, event) | {
        "ticket_types-TOTAL_FORMS": "3", "ticket_types-2-event": str(event.pk), "ticket_types-2-id": "",
        "ticket_types-2-name": "Early", "ticket_types-2-position": "2", "ticket_types-2-is_active": "on",
        "ticket_types-2-pricing": "fixed", "ticket_types-2-price": "300", "ticket_types-2-capacity": "4",
        "ticket_types-2-min_per_order": "1", "ticket_types-2-admits": "both",
        "ticket_types-2-sales_end_0": "2031-05-01", "ticket_types-2-sales_end_1": "20:00",
    }  # fmt: skip
    assert staff.post(change_url(event), form).status_code == 302
    early = event.ticket_types.get(name="Early")
    assert (early.price, early.capacity, early.is_active) == (300, 4, True)
    event.refresh_from_db()
    assert event.price_sats == 300
    assert "Early" in staff.get(event.get_absolute_url()).content.decode()


def test_a_type_is_changed(staff, event):
    assert save(staff, event, name="Pupil", price="700", capacity="3").status_code == 302
    assert (second(event).name, second(event).price, second(event).capacity) == ("Pupil", 700, 3)


def test_no_fewer_seats_than_are_taken_and_what_to_do_instead_is_said(staff, event):
    place_order(event=event, items=[Item(second(event).pk, 3)], email="ann@example.com")
    answer = save(staff, event, capacity="2")
    assert "3 are taken already. To sell no more of them, take away the tick at “Active”." in said(answer)
    assert second(event).capacity is None
    assert save(staff, event, capacity="3").status_code == 302
    assert second(event).capacity == 3


def test_a_type_with_orders_is_not_deleted_and_what_to_do_instead_is_said(staff, event):
    place_order(event=event, items=[Item(second(event).pk, 1)], email="ann@example.com")
    answer = save(staff, event, DELETE="on")
    assert "“Student” cannot be deleted: seats of it were ordered" in said(answer)
    assert "Take away the tick at “Active” instead, and nobody can buy it any more." in said(answer)
    form = form_of(staff, event)
    del form["ticket_types-1-is_active"]
    assert staff.post(change_url(event), form).status_code == 302
    assert second(event).is_active is False


def test_the_first_type_stays_and_one_that_nobody_ordered_goes(staff, event):
    form = form_in(staff.get(change_url(event)), "event_form") | {"ticket_types-0-DELETE": "on"}
    assert "“Regular” cannot be deleted" in said(staff.post(change_url(event), form))
    assert save(staff, event, DELETE="on").status_code == 302
    assert [each.name for each in event.ticket_types.all()] == ["Regular"]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": ""}, "With several ticket types each needs a name"),
        ({"name": "Regular"}, "Please correct the duplicate data for name."),
        ({"price": "-1"}, "greater than or equal to 0"),
        ({"price": "9" * 30}, "less than or equal to"),
        ({"pricing": "free", "price": "5"}, "What is free costs 0."),
        ({"suggested_price": "700"}, "A suggestion is for “pay what you want”"),
        ({"min_per_order": "5", "max_per_order": "2"}, "The maximum is no less than the minimum"),
        ({"sales_start_0": "2031-05-02", "sales_start_1": "10:00", "sales_end_0": "2031-05-01",
          "sales_end_1": "10:00"}, "The sale must end after it starts."),
        ({"capacity": "0"}, "greater than or equal to 1"),
        ({"admits": "nothing"}, "is not one of the available choices"),
    ],
)  # fmt: skip
def test_what_makes_no_type_is_said(staff, event, changes, says):
    answer = save(staff, event, **changes)
    assert answer.status_code == 200
    assert says in said(answer)
    assert (second(event).name, second(event).price) == ("Student", 500)


def test_seats_sold_meanwhile_are_not_undone_by_a_form_opened_before(staff, event):
    form = form_of(staff, event, price="600")
    place_order(event=event, items=[Item(second(event).pk, 2)], email="ann@example.com")
    assert staff.post(change_url(event), form).status_code == 302
    assert (second(event).seats_taken, second(event).price) == (2, 600)


# -- codes -----------------------------------------------------------------------------------------
def code_form(client, event: Event, **changes) -> dict[str, str]:
    shown = form_in(client.get(reverse(ADD_CODE)), "promocode_form")
    del shown["types"]  # a list of which nothing is chosen is not sent
    return shown | {"event": str(event.pk), "text": "FRIENDS", "kind": "percent", "value": "20"} | changes


def changed(page, **changes) -> dict[str, str]:
    shown = form_in(page, "promocode_form")
    del shown["types"]
    return shown | changes


def test_a_code_is_made_changed_and_its_use_is_shown(staff, event):
    assert staff.post(reverse(ADD_CODE), code_form(staff, event, max_uses="5")).status_code == 302
    code = PromoCode.objects.get()
    place_order(event=event, email="ann@example.com", promo_code="friends")
    row = staff.get(list_url(PromoCode)).content.decode()
    assert '<td class="field-uses">1</td>' in row
    page = staff.get(change_url(code))
    form = changed(page, value="30")
    assert staff.post(change_url(code), form).status_code == 302
    code.refresh_from_db()
    assert (code.value, code.uses) == (30, 1)
    assert [each.act for each in HistoryEntry.objects.about([code])] == ["add", "change"]


def test_no_fewer_uses_than_there_were_and_what_to_do_instead_is_said(staff, event):
    code = PromoCodeFactory(event=event, text="FRIENDS")
    for _time in range(2):
        place_order(event=event, email="ann@example.com", promo_code="friends")
    form = changed(staff.get(change_url(code)), max_uses="1")
    answer = staff.post(change_url(code), form)
    errors = answer.context["adminform"].form.errors
    assert "It was used 2 times already. To end it, take away the tick at “Active”." in errors["max_uses"][0]


def test_a_code_with_orders_stays(staff, event):
    used, unused = PromoCodeFactory(event=event, text="USED"), PromoCodeFactory(event=event, text="OTHER")
    place_order(event=event, email="ann@example.com", promo_code="used")
    for code in (used, unused):
        staff.post(reverse("admin:events_promocode_delete", args=[code.pk]), {"post": "yes"})
    assert list(PromoCode.objects.all()) == [used]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"text": "- -"}, "text"), ({"value": "0"}, "value"), ({"value": "101"}, "value"),
        ({"kind": "unlock"}, "value"), ({"max_per_person": "0"}, "max_per_person"), ({"kind": "x"}, "kind"),
        ({"starts_at_0": "2031-05-02", "starts_at_1": "10:00", "ends_at_0": "2031-05-01",
          "ends_at_1": "10:00"}, "ends_at"),
    ],
)  # fmt: skip
def test_what_makes_no_code_is_said_at_its_field(staff, event, changes, field):
    answer = staff.post(reverse(ADD_CODE), code_form(staff, event, **changes))
    assert answer.status_code == 200
    assert field in answer.context["adminform"].form.errors
    assert not PromoCode.objects.exists()


def test_a_code_that_reads_like_another_of_the_event_is_refused_and_of_another_event_is_not(staff, event):
    PromoCodeFactory(event=event, text="FRIEND0")
    other = hold(EveningFactory()).event
    answer = staff.post(reverse(ADD_CODE), code_form(staff, event, text="friend-O"))
    assert "There is a code that reads the same." in str(answer.context["adminform"].form.errors)
    assert staff.post(reverse(ADD_CODE), code_form(staff, other, text="friend-O")).status_code == 302
    second_code = PromoCodeFactory(event=event, text="ELSE")
    answer = staff.post(change_url(second_code), changed(staff.get(change_url(second_code)), text="Friend0"))
    assert "There is a code that reads the same." in str(answer.context["adminform"].form.errors)


def test_a_code_is_for_types_of_its_own_event(staff, event):
    foreign = TicketTypeFactory(name="Elsewhere")
    answer = staff.post(reverse(ADD_CODE), code_form(staff, event, types=[str(foreign.pk)]))
    assert "types" in answer.context["adminform"].form.errors
