"""Stream room: one viewer per ticket, checked in once, and a replay for as long as there is one."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from events.models import Event
from tests.acts import together
from tests.factories import EventFactory
from tickets.models import CheckIn, Order, Ticket, Viewer
from tickets.services.check_ins import validate_code
from tickets.services.orders import place_order
from tickets.services.viewers import NoRoom, join, room_version, shown_version
from tickets.tests.admin_client import act
from tickets.views.stream_player import player_for

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "https://stream.example/secret"


def at(start: timedelta, end: timedelta, **fields) -> None:
    """Move the event to where now is between `start` and `end`."""
    now = timezone.now()
    Event.objects.update(start_time=now + start, end_time=now + end, **fields)


def live() -> None:
    at(-timedelta(minutes=5), timedelta(hours=1))


@pytest.fixture
def ticket() -> Ticket:
    order = place_order(event=EventFactory(price_sats=0), quantity=1, email="ann@example.com", name="Ann")
    live()
    return order.tickets.select_related("order__event").get()


@pytest.fixture
def path(ticket) -> str:
    return f"{ticket.get_absolute_url()}/stream"


def enter(browser: Client, path: str):
    """The page that follows the lobby's button."""
    return browser.post(f"{path}/join", follow=True)


def test_the_newest_browser_wins_and_the_older_is_told(client, path):
    phone = Client()
    first = enter(client, path)
    assert SECRET in first.content.decode()
    version = first.context["version"]
    assert client.get(f"{path}/status?v={version}").status_code == 204

    asked = enter(phone, path).content.decode()
    assert "Watch here instead?" in asked
    assert SECRET not in asked
    assert client.get(f"{path}/status?v={version}").status_code == 204  # only asked so far

    assert SECRET in phone.post(f"{path}/here", follow=True).content.decode()
    assert client.get(f"{path}/status?v={version}").status_code == 200
    assert "Watch here instead?" in client.get(path).content.decode()
    assert SECRET in phone.get(path).content.decode()


def test_joining_checks_in_once(client, ticket, path):
    assert not CheckIn.objects.exists()
    for _ in range(2):
        enter(client, path)
    Client().post(f"{path}/here")
    assert CheckIn.objects.get().by is None
    assert validate_code(ticket.ticket_code).reason == "already_checked_in"


@pytest.mark.parametrize("method", ["get", "head"])
def test_looking_joins_nothing_and_shows_the_lobby(client, path, method):
    assert getattr(client, method)(path).status_code == 200
    assert "The doors are open." in client.get(path).content.decode()
    assert SECRET not in client.get(path).content.decode()
    assert not CheckIn.objects.exists()
    assert not Viewer.objects.exists()


def test_nobody_joins_before_the_doors_open(client, path):
    at(timedelta(minutes=16), timedelta(hours=2))
    assert "You are early." in enter(client, path).content.decode()
    client.post(f"{path}/here")
    assert not CheckIn.objects.exists()
    assert not Viewer.objects.exists()


def test_a_browser_that_lost_its_place_while_its_page_was_made_is_told(ticket):
    mine = join(ticket, key="mine")
    assert shown_version(ticket, mine) == room_version(ticket.pk)
    join(ticket, key="other", take_over=True)
    assert shown_version(ticket, mine) != room_version(ticket.pk)


def test_two_browsers_at_once_are_one_viewer_and_one_check_in(ticket):
    seen = together(lambda: join(ticket, key="a" * 32), lambda: join(ticket, key="b" * 32))
    assert {viewer.key for viewer in seen} == {Viewer.objects.get().key}
    assert CheckIn.objects.count() == 1


def test_staff_let_any_device_watch_again(client, staff, ticket, path):
    enter(client, path)
    act(staff, ticket.order, "viewers")
    assert SECRET in enter(Client(), path).content.decode()


def test_a_refund_ends_the_room(client, ticket, path):
    version = enter(client, path).context["version"]
    ticket.order.advance(Order.Status.CANCELED, ended_at=timezone.now())
    assert client.get(f"{path}/status?v={version}").status_code == 200
    assert client.get(path)["Location"] == ticket.get_absolute_url()
    for name in ("here", "join"):
        assert client.post(f"{path}/{name}", follow=True).redirect_chain[-1][0] == ticket.get_absolute_url()
    with pytest.raises(NoRoom):
        join(ticket, key="c" * 32)


def test_a_forged_link_has_no_room(client):
    for name in ("stream/here", "stream/join", "stream/status", "stream", "ticket.pdf"):
        method = client.post if name.endswith(("here", "join")) else client.get
        assert method(f"/tickets/forged/{name}").status_code == 404


def test_a_replay_lasts_until_the_organizer_says(client, ticket, path):
    now = timezone.now()
    at(-timedelta(hours=3), -timedelta(hours=1), replay_until=now + timedelta(days=3))
    assert "Here it is again." in client.get(path).content.decode()
    page = enter(client, path).content.decode()
    assert (SECRET in page, "Replay" in page) == (True, True)
    assert "Watch it again" in client.get(ticket.get_absolute_url()).content.decode()
    assert not CheckIn.objects.exists()  # who only sees the replay was not there
    Event.objects.update(replay_until=now)
    assert "Thank you for being there" in client.get(path).content.decode()


def test_an_open_room_follows_the_clock(client, path):
    """Before, on and over: the page knows in how many seconds, and is told that it is over."""
    at(timedelta(minutes=10), timedelta(hours=2))
    page = enter(client, path)
    assert 590 <= page.context["starts_in"] <= 600
    assert "Starts soon" in page.content.decode()
    at(-timedelta(seconds=2), timedelta(hours=2))
    assert "Starts soon" not in client.get(path).content.decode()
    at(-timedelta(hours=2), timedelta(seconds=1))
    page = client.get(path)
    status = f"{path}/status?v={page.context['version']}"
    assert client.get(status).status_code == 204
    assert f'content="{page.context["ends_in"]}"' in page.content.decode()  # without a script, at the end
    with time_machine.travel(timezone.now() + timedelta(seconds=2), tick=False):
        assert client.get(status).status_code == 200
        assert "Thank you for being there" in client.get(path).content.decode()


def test_an_open_room_learns_that_the_event_moved(client, path):
    version = enter(client, path).context["version"]
    Event.objects.update(end_time=timezone.now() + timedelta(hours=3))
    assert client.get(f"{path}/status?v={version}").status_code == 200


def test_the_admin_refuses_a_replay_that_ends_too_early(staff):
    event = EventFactory()
    page = staff.get(f"/admin/events/event/{event.pk}/change/")
    form = page.context["adminform"].form
    data = {name: form[name].value() or "" for name in form.fields if name not in ("cover",)}
    data |= {f"{name}_0": f"{getattr(event, name):%F}" for name in ("start_time", "end_time")}
    data |= {f"{name}_1": f"{getattr(event, name):%T}" for name in ("start_time", "end_time")}
    data |= {"replay_until_0": f"{event.start_time:%F}", "replay_until_1": f"{event.start_time:%T}"}
    answer = staff.post(f"/admin/events/event/{event.pk}/change/", data)
    assert "The replay ends after the event does." in answer.content.decode()


@pytest.mark.parametrize(
    ("url", "media_type"),
    [
        ("https://cdn.example.com/live/index.m3u8?x=1", "application/vnd.apple.mpegurl"),
        ("https://cdn.example.com/a.MP4", "video/mp4"),
        ("https://cdn.example.com/a.mp4.html", ""),
    ],
)
def test_a_video_is_played_by_browsers_that_can(client, path, url, media_type):
    Event.objects.update(stream_url=url)
    assert player_for(url).media_type == media_type
    answer = enter(client, path)
    assert url in answer.content.decode()
    policy = answer["Content-Security-Policy"]
    assert ("media-src https://cdn.example.com" in policy) == bool(media_type)
    # Our player of HLS fetches it by script; nobody else may.
    assert ("connect-src 'self' https://cdn.example.com" in policy) == ("mpegurl" in media_type)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://us02web.zoom.us/j/123", "Zoom"),
        ("https://meet.jit.si/room", "Jitsi"),
        ("https://zoom.us.evil.example/j", "zoom.us.evil.example"),
    ],
)
def test_a_meeting_opens_in_its_own_tab(url, name):
    player = player_for(url)
    assert (player.provider, player.frame_url, player.media_url) == (name, "", "")
