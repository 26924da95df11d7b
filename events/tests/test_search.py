"""Search among events: matches of words, accents and case, on the page and in the API alike."""

import pytest

from events.models import Event
from tests.factories import EventFactory
from ticketsuma.search_keys import fill_due

pytestmark = pytest.mark.django_db


def found(client, words):
    """The titles that page and API find, which must be the same."""
    page = [event.title for event in client.get("/", {"q": words}).context["page"]]
    api = client.get("/api/events", {"q": words}).json()["results"]
    assert page == [event["title"] for event in api]
    return page


@pytest.mark.parametrize(
    ("title", "typed"),
    [
        ("Una noche de Ópera", "ópera"),
        ("Una noche de Ópera", "opera"),
        ("Opera night", "ÓPERA"),
        ("Una noche de O\u0301pera", "\u00f3pera"),
        ("Una noche de \u00d3pera", "o\u0301pera"),
        ("Москва вечером", "москва"),
        ("москва вечером", "МОСКВА"),
        ("ＪＡＺＺ in Tokyo", "jazz"),
        ("Jazz in Tokyo", "ｊａｚｚ　tokyo"),
        ("ｼﾞｬｽﾞの夜", "ジャズ"),
        ("Straßenfest", "STRASSENFEST"),
        ("ΟΔΟΣ", "οδος"),
        ("İstanbul by night", "istanbul"),
        ("Soft\u00adhyphen", "softhyphen"),
        ("100% live", "100%"),
    ],
)
def test_marks_case_and_width_make_no_difference(client, title, typed):
    EventFactory(title=title)
    EventFactory(title="Something else")
    assert found(client, typed) == [title]


@pytest.mark.parametrize("source", ["title", "summary", "organizer_name", "description"])
def test_a_word_of_each_text_finds_the_event(client, source):
    EventFactory(title="Something else")
    event = EventFactory(**{source: "With the Orquestra Sinfónica"})
    assert found(client, "sinfonica orquestra") == [event.title]


def test_a_word_is_not_made_of_two_texts(client):
    EventFactory(title="Night of", summary="strings")
    assert found(client, "ofstrings") == []


@pytest.mark.parametrize("typed", ["%", "_", "\\", "\u0301", "'\"", "x" * 100])
def test_what_is_no_word_finds_nothing_it_should_not_and_breaks_nothing(client, typed):
    EventFactory(title="Plain")
    assert client.get("/", {"q": typed}).status_code == 200
    assert client.get("/api/events", {"q": typed}).status_code < 500


def test_a_changed_text_is_found_at_once_and_the_old_one_no_more(client):
    event = EventFactory(title="Ópera", summary="Noche")
    stale = Event.objects.get(pk=event.pk)
    event.summary = "Mañana"
    event.save()
    assert (found(client, "noche"), found(client, "manana")) == ([], ["Ópera"])
    stale.title = "Zarzuela"
    stale.save(update_fields=["title"])
    assert found(client, "zarzuela manana") == ["Zarzuela"]
    assert found(client, "noche") == found(client, "opera") == []


def test_an_event_loaded_in_part_is_saved_with_its_whole_key(client):
    event = EventFactory(title="Ópera", description="Con orquesta")
    loaded = Event.objects.defer("description", "search_key").get(pk=event.pk)
    loaded.title = "Zarzuela"
    loaded.save()
    assert found(client, "zarzuela orquesta") == ["Zarzuela"]


def test_an_update_of_a_text_makes_the_key_anew(client):
    EventFactory(title="Ópera", summary="Noche")
    Event.objects.update(title="Zarzuela")
    assert found(client, "opera") == []
    fill_due()
    assert found(client, "zarzuela noche") == ["Zarzuela"]
    Event.objects.update(capacity=77)
    assert found(client, "zarzuela") == ["Zarzuela"]
