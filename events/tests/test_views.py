"""Event pages: the list, its filters and links, and the same number of queries for one row and three."""

from datetime import timedelta

import pytest
from django.utils import timezone

from events.markdown import render_markdown
from events.posters import draw_poster
from tests.factories import EventFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_takes_two_statements_however_long(client, django_assert_num_queries, rows):
    for number in range(rows):
        EventFactory(title=f"Evening {number}")
    with django_assert_num_queries(2):
        answer = client.get("/")
    assert answer.content.decode().count("<article") == rows


def test_the_list_shows_what_comes_and_hides_what_is_inactive(client):
    now = timezone.now()
    EventFactory(title="Comes soon")
    EventFactory(title="Is over", start_time=now - timedelta(days=2), end_time=now - timedelta(days=1))
    EventFactory(title="Is hidden", is_active=False)
    page = client.get("/").content.decode()
    assert ("Comes soon" in page, "Is over" in page, "Is hidden" in page) == (True, False, False)
    past = client.get("/?show=past").content.decode()
    assert ("Comes soon" in past, "Is over" in past, "Is hidden" in past) == (False, True, False)


def test_search_and_filter_narrow_the_list(client):
    EventFactory(title="Night of strings", price_sats=0)
    EventFactory(title="Night of drums", organizer_name="Sala Azul")
    assert "drums" not in client.get("/?q=night+strings").content.decode()
    assert "drums" in client.get("/?q=azul").content.decode()
    assert "drums" not in client.get("/?show=free").content.decode()
    assert "Nothing found" in client.get("/?q=trombone").content.decode()


@pytest.mark.parametrize(
    "query", ["?page=0", "?page=x", "?page=99999999999", "?show=%FF", "?q=" + "a" * 5000]
)
def test_a_hostile_query_still_gets_a_page(client, query):
    EventFactory()
    assert client.get("/" + query).status_code == 200


def test_the_stream_is_on_no_public_page(client):
    event = EventFactory(stream_url="https://stream.example/secret")
    for path in ("/", event.get_absolute_url(), f"{event.get_absolute_url()}/calendar.ics"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert b"stream.example" not in answer.content


def test_the_calendar_entry_is_in_utc(client):
    start = timezone.now().replace(microsecond=0) + timedelta(days=3)
    event = EventFactory(title="A night; with, commas", start_time=start, end_time=start + timedelta(hours=1))
    text = client.get(f"{event.get_absolute_url()}/calendar.ics").content.decode()
    assert f"DTSTART:{start:%Y%m%dT%H%M%SZ}" in text
    assert r"SUMMARY:A night\; with\, commas" in text


@pytest.mark.parametrize("hashes", [("#", "##"), ("##", "###"), ("###", "#####")])
def test_an_organizers_headings_go_on_below_the_pages_own(hashes):
    first, second = hashes
    html = render_markdown(f"{first} The evening\n\n{second} Later\n\n{first} And then")
    assert html.splitlines() == ["<h3>The evening</h3>", "<h4>Later</h4>", "<h3>And then</h3>"]


def test_what_an_organizer_writes_cannot_run():
    hostile = (
        "# Hi\n\n<script>alert(1)</script> [x](javascript:alert(1)) ![i](https://evil.example/i.png) **b**"
    )
    html = render_markdown(hostile)
    assert "<h3>Hi</h3>" in html
    assert "<strong>b</strong>" in html
    assert "<script" not in html
    assert 'href="javascript' not in html
    assert "<img" not in html


def test_a_poster_is_the_same_each_time_and_differs_from_its_neighbor(client):
    assert client.get("/posters/7.svg").content.decode() == draw_poster(7)
    assert draw_poster(7) != draw_poster(8)
    assert client.get(f"/posters/{10**30}.svg").status_code == 200


def test_nothing_there_is_a_page_with_a_way_on(client):
    answer = client.get("/events/no-such-event")
    assert answer.status_code == 404
    assert "There is nothing here" in answer.content.decode()
