"""A thousand promo codes at once, and their list as a CSV file."""

import csv
import io

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.history import HistoryEntry
from accounts.roles import Role
from events.bulk_codes import make_codes
from events.catalogue_models import code_key
from events.models import Event, PromoCode
from tests.factories import (
    EventFactory,
    MembershipFactory,
    OrganizerFactory,
    PromoCodeFactory,
    TicketTypeFactory,
)
from tickets.services.orders import place_order
from tickets.tests.admin_client import act, act_url, list_url, told
from ticketsuma.codes import ALPHABET

pytestmark = pytest.mark.django_db(transaction=True)
CSV = "admin:events_promocode_csv"
RULES = {"count": 3, "begins_with": "", "kind": "percent", "value": 20, "max_uses": 1, "max_per_person": ""}


@pytest.fixture
def event() -> Event:
    return EventFactory(title="A talk", price_sats=1000)


def file_of(client, **query) -> list[list[str]]:
    answer = client.get(reverse(CSV), query)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Cache-Control"].startswith("no-store")
    assert answer["Content-Disposition"] == 'attachment; filename="promo-codes.csv"'
    return list(csv.reader(io.StringIO(answer.content.decode())))


# -- made --------------------------------------------------------------------------------------------
def test_a_thousand_codes_are_made_at_once_and_each_is_used_once(staff, event):
    page = act(staff, event, "codes", **RULES | {"count": 1000, "begins_with": "PRESS"})
    assert told(page) == ["1,000 codes are made."]
    assert page.redirect_chain[-1][0] == f"{list_url(PromoCode)}?event={event.pk}&q=PRESS-"
    codes = list(PromoCode.objects.filter(event=event))
    assert len({code.key for code in codes}) == 1000
    assert {(code.kind, code.value, code.max_uses, code.uses) for code in codes} == {("percent", 20, 1, 0)}
    for code in codes:
        word, first, second = code.text.split("-")
        assert (word, len(first), len(second)) == ("PRESS", 5, 5)
        assert set(first + second) <= set(ALPHABET)
        assert code.key == code_key(code.text)
    order = place_order(event=event, email="ann@example.com", promo_code=codes[7].text.lower())
    assert order.amount_sats == 800
    assert HistoryEntry.objects.get(act="codes").details == {"count": 1000}


def test_two_batches_have_nothing_in_common_and_the_page_shows_its_field(staff, client, event):
    assert b"promo code" not in client.get(event.get_absolute_url()).content
    for _time in range(2):
        act(staff, event, "codes", **RULES)
    assert PromoCode.objects.values("key").distinct().count() == 6
    assert b"promo code" in client.get(event.get_absolute_url()).content


def test_codes_for_some_types_unlock_those(staff, event):
    secret = TicketTypeFactory(event=event, name="Secret", is_hidden=True)
    act(staff, event, "codes", **RULES | {"kind": "unlock", "value": 0, "types": [secret.pk]})
    assert [list(code.types.all()) for code in PromoCode.objects.all()] == [[secret]] * 3


def test_a_batch_takes_as_many_statements_as_a_code(event):
    kinds = [TicketTypeFactory(event=event) for _number in range(2)]

    def statements(count: int) -> int:
        with CaptureQueriesContext(connection) as said:
            make_codes(PromoCode(event=event, kind="percent", value=5), count, types=kinds)
        return len(said)

    assert statements(30) == statements(1)


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"count": 1001}, "count"), ({"count": 0}, "count"), ({"count": "x"}, "count"),
        ({"begins_with": "=1+1"}, "begins_with"), ({"begins_with": "a b"}, "begins_with"),
        ({"begins_with": "x" * 21}, "begins_with"), ({"begins_with": "A\0B"}, "begins_with"),
        ({"kind": "none"}, "kind"),
        ({"value": 101}, "value"), ({"value": -1}, "value"), ({"value": "9" * 30}, "value"),
        ({"kind": "unlock"}, "value"), ({"max_uses": 0}, "max_uses"), ({"max_uses": 2**31}, "max_uses"),
        ({"max_per_person": 0}, "max_per_person"), ({"types": [999_999]}, "types"),
        ({"starts_at_0": "2030-01-02", "starts_at_1": "10:00", "ends_at_0": "2030-01-01",
          "ends_at_1": "10:00"}, "ends_at"),
    ],
)  # fmt: skip
def test_what_makes_no_codes_is_said_at_its_field(staff, event, said, field):
    page = act(staff, event, "codes", **RULES | said)
    assert page.status_code == 200
    assert list(page.context["form"].errors) == [field]
    assert not PromoCode.objects.exists()


def test_a_form_of_before_makes_no_codes_in_another_currency(staff, event):
    seen = staff.get(act_url(event, "codes")).context["form"]["seen"].value()
    event.currency = "USD"
    event.save()
    late = staff.post(act_url(event, "codes"), {"seen": seen, **RULES, "kind": "amount", "value": 500})
    assert late.status_code == 302  # somebody was faster
    assert not PromoCode.objects.exists()


def test_types_of_another_event_are_not_offered(staff, event):
    other = TicketTypeFactory(name="Elsewhere")
    assert "Elsewhere" not in staff.get(act_url(event, "codes")).content.decode()
    page = act(staff, event, "codes", **RULES | {"types": [other.pk]})
    assert page.context["form"].errors["types"]


# -- written down ------------------------------------------------------------------------------------
def test_the_file_holds_what_the_list_shows(staff, event):
    PromoCodeFactory(event=event, text="ELSE", value=50)
    regular = event.default_type
    regular.name = "Regular"
    regular.save()
    act(staff, event, "codes", **RULES | {"begins_with": "CREW", "types": [regular.pk]})
    headings, *rows = file_of(staff, q="CREW-", event=event.pk)
    assert headings[:3] == ["code", "event", "kind"]
    assert len(rows) == 3
    assert rows[0][1:] == ["A talk", "percent", "20", "0", "1", "", "", "", "Regular", "1"]
    assert len(file_of(staff)) == 5
    assert file_of(staff, event=event.pk, kind__exact="percent", q="ELSE")[1][0] == "ELSE"
    page = staff.get(list_url(PromoCode), {"q": "CREW-"}).content.decode()
    assert f'href="{reverse(CSV)}?q=CREW-"' in page


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\uff1d1", "\uff0b1", "\uff20A"]
)
def test_no_cell_is_a_formula(staff, event, text):
    PromoCodeFactory(event=event, text=text)
    Event.objects.filter(pk=event.pk).update(title='=HYPERLINK("https://evil.example")')
    [_headings, row] = file_of(staff)
    assert row[0] == f"'{text}"
    assert row[1].startswith("'=HYPERLINK")


@pytest.mark.parametrize(
    ("title", "said"),
    [
        ("Jazz;=1+1", "Jazz;'=1+1"), ('Jazz";=1+1', 'Jazz";\'=1+1'), ("Jazz; @SUM(A1)", "Jazz; '@SUM(A1)"),
        ("Jazz|-1", "Jazz|'-1"), ("Jazz; and more - a lot", "Jazz; and more - a lot"),
    ],
)  # fmt: skip
def test_no_cell_becomes_a_formula_where_semicolons_end_cells(staff, event, title, said):
    PromoCodeFactory(event=event)
    Event.objects.filter(pk=event.pk).update(title=title)
    assert file_of(staff)[1][1] == said


def test_the_file_takes_as_many_statements_for_many_codes(staff, event):
    def statements() -> int:
        with CaptureQueriesContext(connection) as said:
            file_of(staff)
        return len(said)

    make_codes(PromoCode(event=event, kind="percent", value=5), 1, types=[event.default_type])
    one = statements()
    make_codes(PromoCode(event=event, kind="percent", value=5), 50, types=[event.default_type])
    assert statements() == one


def test_codes_of_other_organizers_are_nobodys_business(client, event):
    mine = EventFactory(title="Mine", organizer=OrganizerFactory())
    PromoCodeFactory(event=event, text="THEIRS")
    PromoCodeFactory(event=mine, text="MINE")
    client.force_login(MembershipFactory(organizer=mine.organizer, role=Role.MANAGER).user)
    assert [row[0] for row in file_of(client)] == ["code", "MINE"]
    assert file_of(client, event=event.pk) == file_of(client, q="THEIRS")
    page = client.get(list_url(PromoCode), {"event": event.pk}).content.decode()
    assert "A talk" not in page
    for role in (Role.READER, Role.FINANCE):
        client.force_login(MembershipFactory(organizer=mine.organizer, role=role).user)
        assert client.get(reverse(CSV)).status_code == 403


@pytest.mark.parametrize("query", ["?event=x", "?event=" + "9" * 30, "?nonsense=1", "?p=x"])
def test_a_query_that_is_none_is_no_error(staff, event, query):
    assert staff.get(reverse(CSV) + query).status_code in (200, 302)
    assert staff.get(list_url(PromoCode) + query).status_code in (200, 302)


def test_the_file_is_only_read(staff):
    assert staff.post(reverse(CSV)).status_code == 405
