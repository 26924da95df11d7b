"""Counting in memory: views and browsers in rooms, once each, and what becomes of them without a database."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from events.models import Event
from tests.acts import together
from tests.factories import EventFactory, UserFactory
from tickets.reports import counting
from tickets.reports.attendance import attendance
from tickets.reports.counting import count_in_room, write
from tickets.reports.funnel import funnel, views
from tickets.reports.models import PageViews, RoomMinute, TimeInRoom
from tickets.reports.periods import Period
from tickets.reports.scopes import Scope
from tickets.services.data_export import export_person
from tickets.services.orders import place_order
from tickets.services.viewers import join
from ticketsuma.zoned_fields import zone_or_utc

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]
PERSON = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0"}
START = datetime(2030, 3, 1, 20, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def nothing_counted():
    counting._views.clear()
    counting._rooms.clear()
    yield
    counting._views.clear()
    counting._rooms.clear()


@pytest.fixture
def clock():
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


def look(event: Event, browser: Client | None = None, **headers) -> None:
    assert (browser or Client()).get(event.get_absolute_url(), headers=headers or PERSON).status_code == 200


def counted() -> int:
    return sum(PageViews.objects.values_list("views", flat=True))


def an_event(**fields) -> Event:
    return EventFactory(price_sats=0, start_time=START, end_time=START + timedelta(minutes=30), **fields)


def tickets_of(event: Event, count: int) -> list:
    """Bought before the clock was set: sales end with the event."""
    with time_machine.travel(START - timedelta(hours=1)):
        order = place_order(event=event, quantity=count, email="ann@example.com", name="Ann")
    return list(order.tickets.select_related("order__event").order_by("number"))


# -- views ----------------------------------------------------------------------------------------
def test_each_look_at_the_page_counts_once_from_the_cache_or_not():
    event = EventFactory()
    somebody = Client()
    somebody.cookies["shown"] = "x"  # of whom the page is not shared
    for _look in range(3):
        look(event)
        look(event, somebody)
    write()
    write()
    assert counted() == 6
    look(event)
    write()
    assert counted() == 7


def test_robots_heads_and_forms_are_no_views():
    event = EventFactory()
    for agent in (
        "Googlebot/2.1",
        "Mozilla/5.0 (compatible; bingbot/2.0)",
        "curl/8.5",
        "facebookexternalhit/1.1",
    ):
        look(event, **{"User-Agent": agent})
    Client().get(event.get_absolute_url())  # who says nothing of itself
    Client().head(event.get_absolute_url(), headers=PERSON)
    Client().post(event.get_absolute_url(), headers=PERSON)
    Client().get("/events/no-such-event/", headers=PERSON)
    write()
    assert counted() == 0


def test_a_look_costs_no_statement_and_keeps_nothing_of_who_looked():
    event = EventFactory()
    look(event)
    with CaptureQueriesContext(connection) as seen:
        answer = Client().get(event.get_absolute_url(), headers=PERSON)
    assert not [each for each in seen if "reports_" in each["sql"]]
    assert not answer.cookies
    write()
    assert {field.name for field in PageViews._meta.fields} == {"id", "event", "quarter", "views"}


def test_processes_that_write_at_once_add_up():
    event = EventFactory()
    quarter = counting._floor(START, counting.QUARTER)

    def of_a_process():
        counting._write_views(counting.Counter({(event.pk, quarter): 5}))

    assert not [each for each in together(*[of_a_process] * 4) if isinstance(each, Exception)]
    assert counted() == 20


def test_what_cannot_be_written_is_written_later_and_gone_events_are_not_waited_for(monkeypatch):
    event, gone = EventFactory(), EventFactory()
    look(event)
    look(gone)
    with connection.execute_wrapper(lambda *args: (_ for _ in ()).throw(OperationalError("away"))):
        with pytest.raises(OperationalError):
            write()
    gone.delete()
    look(event)
    write()
    assert list(PageViews.objects.values_list("event", "views")) == [(event.pk, 2)]


@pytest.mark.parametrize(
    ("moment", "zone", "day"),
    [
        ("2030-06-15T21:59:59Z", "Europe/Berlin", "2030-06-15"),
        ("2030-06-15T22:00:00Z", "Europe/Berlin", "2030-06-16"),
        ("2030-03-31T00:59:59Z", "Europe/Berlin", "2030-03-31"),  # clocks go forward
        ("2030-10-27T23:00:00Z", "Europe/Berlin", "2030-10-28"),  # they went back that day
        ("2030-10-27T22:59:59Z", "Europe/Berlin", "2030-10-27"),
        ("2030-06-15T18:14:59Z", "Asia/Kathmandu", "2030-06-15"),  # 5:45 ahead
        ("2030-06-15T18:15:00Z", "Asia/Kathmandu", "2030-06-16"),
    ],
)
def test_a_view_is_of_the_day_of_the_zone(moment, zone, day):
    event = EventFactory()
    with time_machine.travel(datetime.fromisoformat(moment), tick=False):
        look(event)
        write()
    date = datetime.fromisoformat(day).date()
    period = Period(date, date, zone_or_utc(zone))
    assert views(Scope(event=event), period, "default") == 1
    assert views(Scope(event=event), period.before, "default") == 0
    assert views(Scope(event=EventFactory()), period, "default") == 0


# -- the room -------------------------------------------------------------------------------------
def test_a_browser_counts_once_a_minute_whichever_process_it_asks(clock):
    event = an_event()
    ann, bob, _absent = tickets_of(event, 3)
    for _ask in range(3):
        count_in_room(ann.pk)
    count_in_room(bob.pk)
    of_another_process = {minute: {*tickets} for minute, tickets in counting._rooms.items()}
    write()
    assert not RoomMinute.objects.exists()  # the minute is not over
    clock.shift(60)
    write()
    counting._rooms.update(of_another_process)
    count_in_room(ann.pk)
    write()
    clock.shift(60)
    write()
    assert list(RoomMinute.objects.order_by("minute").values_list("minute", "viewers")) == [
        (START, 2), (START + timedelta(minutes=1), 1),
    ]  # fmt: skip
    assert [*TimeInRoom.objects.order_by("-live_minutes").values_list("ticket", "live_minutes")] == [
        (ann.pk, 2), (bob.pk, 1),
    ]  # fmt: skip


def test_the_rooms_page_and_its_questions_are_what_counts(clock, client):
    event = an_event(stream_url="https://stream.example/secret")
    ticket, _other = tickets_of(event, 2)
    path = f"{ticket.get_absolute_url()}/stream"
    client.get(path)  # the lobby
    assert not counting._rooms
    version = client.post(f"{path}/join", follow=True).context["version"]
    assert counting._rooms == {START: {ticket.pk}}
    clock.shift(60)
    client.get(f"{path}/status?v={version}")
    client.get(f"{path}/status?v=another")  # of who is no viewer any more
    assert counting._rooms[START + timedelta(minutes=1)] == {ticket.pk}
    clock.shift(60)
    with CaptureQueriesContext(connection) as seen:
        client.get(f"{path}/status?v={version}")
    assert not [each for each in seen if "reports_" in each["sql"]]
    Client().get(f"{path}/status?v=another")
    counting.write(everything=True)
    assert TimeInRoom.objects.get().live_minutes == 3


def test_attendance_says_peak_who_stayed_and_the_replay(clock):
    event = an_event(replay_until=START + timedelta(days=1))
    long, half, short, late = tickets_of(event, 4)
    for minute in range(40):
        if minute < 30:
            count_in_room(long.pk)
        if 5 <= minute < 20:
            count_in_room(half.pk)
        if minute in (10, 11):
            count_in_room(short.pk)
        if minute >= 35:
            count_in_room(late.pk)
        clock.shift(60)
        write()
    room = attendance(Scope(event=event), "default").room
    assert len(room.minutes) == 30
    assert (room.minutes[0], room.minutes[10], room.minutes[29]) == ((0, 1), (10, 3), (29, 1))
    assert (room.peak, room.peak_at, room.stayed) == (3, START + timedelta(minutes=10), 2)
    assert (room.replayed, room.replay_minutes) == (1, 5)
    assert sum(count for _minute, count in room.minutes) == 30 + 15 + 2


def test_the_funnel_goes_from_the_look_to_the_end_of_the_stream(clock):
    event = an_event()
    [ticket] = tickets_of(event, 1)
    look(event)
    look(event)
    join(ticket, key="here")
    for minute in range(16):
        told = funnel(Scope(event=event), Period(START.date(), START.date(), zone_or_utc("UTC")), "default")
        assert told.stayed == int(minute >= 15)
        count_in_room(ticket.pk)
        clock.shift(60)
        write()
    assert (told.viewed, told.held, told.invoiced, told.paid, told.joined, told.stayed) == (2, 1, 1, 1, 1, 1)


def test_a_long_event_is_told_by_steps_of_minutes():
    from tickets.reports.attendance import Room

    room = Room([(minute, minute) for minute in range(-10, 590)], 589, None, 0, 0, 0)
    assert len(room.bars) == 120
    assert room.bars[0] == (-10, -6)
    assert Room([], 0, None, 0, 0, 0).bars == []


def test_what_a_ticket_watched_is_told_to_its_person(clock):
    ann = UserFactory(email="ann@example.com")
    [ticket] = tickets_of(an_event(), 1)
    count_in_room(ticket.pk)
    write(everything=True)
    [told] = export_person(ann)["orders"]
    assert told["tickets"][0]["watched_minutes"] == 1
