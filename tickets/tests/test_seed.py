"""`manage.py seed`: fills an empty shop once, and never one that takes real money."""

import io

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command

from accounts.models import User
from events.models import Event
from tickets.models import Order
from tickets.staff import audit
from tickets.views.stream_player import player_for

pytestmark = pytest.mark.django_db


def seed(**options) -> str:
    out = io.StringIO()
    call_command("seed", stdout=out, **options)
    return out.getvalue()


def test_the_event_that_is_live_shows_the_stream_that_was_given():
    seed(stream="http://localhost:8081/stream/live.m3u8")
    player = player_for(Event.objects.get(slug="listening-room").stream_url)
    assert (player.is_hls, player.media_origin) == (True, "http://localhost:8081")


def test_the_seed_fills_an_empty_shop():
    seed()
    events = list(Event.objects.order_by("pk"))
    assert len(events) == 6
    for event in events:
        event.full_clean()
    assert {event.is_free for event in events} == {True, False}
    assert [event.slug for event in events if event.is_live] == ["listening-room"]
    assert [event.slug for event in events if event.is_past] == ["twenty-boards"]
    nearly = Event.objects.get(slug="open-studio-ink")
    assert (nearly.seats_taken, nearly.capacity) == (10, 12)
    assert audit.run_integrity_checks() == []


def test_the_printed_sign_ins_work():
    lines = [line for line in seed().splitlines() if "@example.com" in line]
    people = {}
    for line in lines:
        email, _, password = line.partition(": ")[2].partition(" / ")
        people[email] = authenticate(username=email, password=password)
    assert {email: user.is_staff for email, user in people.items()} == {
        "staff@example.com": True,
        "buyer@example.com": False,
    }
    assert all(user.has_verified_email for user in people.values())


def test_a_second_seed_adds_nothing_and_prints_the_sign_ins_again():
    first = seed()
    second = seed()
    assert "nothing added" in second
    assert (Event.objects.count(), User.objects.count(), Order.objects.count()) == (6, 2, 5)
    assert [line for line in first.splitlines() if "@" in line] == second.splitlines()[1:]


def test_a_shop_with_events_of_its_own_is_left_alone():
    seed()
    Event.objects.exclude(slug="twenty-boards").filter(seats_taken=0).delete()
    User.objects.all().delete()
    assert "@example.com" not in seed()
    assert not User.objects.exists()


def test_a_changed_password_is_no_longer_printed():
    seed()
    staff = User.objects.get(email="staff@example.com")
    staff.set_password("something else entirely")
    staff.save()
    assert "staff@example.com" not in seed()


def test_the_seed_refuses_where_money_is_real(settings):
    settings.LIGHTSPARK_NETWORK = "MAINNET"
    with pytest.raises(CommandError, match="MAINNET"):
        seed()
    assert not Event.objects.exists()
