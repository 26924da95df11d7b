"""Events in the API: public fields, staff's writes, refusals."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.authentication import issue_token
from accounts.staff import save_verified_user
from events.models import Event
from tests.factories import EventFactory, OrderFactory, StaffFactory, UnprovenUserFactory

pytestmark = pytest.mark.django_db
PASSWORD = "a long enough passphrase"


def test_the_list_is_paged_and_tells_no_stream(client):
    for number in range(3):
        EventFactory(title=f"Talk {number}")
    answer = client.get("/api/events?page_size=2")
    page = answer.json()
    assert (page["count"], len(page["results"]), page["previous"]) == (3, 2, None)
    assert "page=2" in page["next"]
    assert "stream" not in answer.content.decode()


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_costs_three_queries(client, django_assert_num_queries, rows):
    for _ in range(rows):
        EventFactory()
    with django_assert_num_queries(3):  # the count, the events, all their types
        client.get("/api/events")


def test_one_event(client, django_assert_num_queries):
    event = EventFactory(capacity=3, price_sats=7)
    with django_assert_num_queries(2):  # the event, its types
        said = client.get(f"/api/events/{event.pk}").json()
    assert (said["id"], said["event_id"], said["price_sats"], said["seats_left"]) == (
        event.pk,
        event.pk,
        7,
        3,
    )
    assert said["status"] == "on_sale"
    assert said["url"] == f"http://localhost:8080/events/{event.slug}"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"canceled_at": timezone.now()}, "canceled"),
        ({"capacity": 1, "seats_taken": 1}, "sold_out"),
        ({"sales_end": timezone.now()}, "sales_closed"),
    ],
)
def test_the_status_is_said_in_a_word(client, change, word):
    assert client.get(f"/api/events/{EventFactory(**change).pk}").json()["status"] == word


@pytest.mark.parametrize("name", ["0", "9" * 17, "9" * 5000, "x", "1.0", "-1", "１", "..%2f", "1;"])
def test_no_such_event_is_the_same_404(client, name):
    answer = client.get(f"/api/events/{name}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_hidden_event_is_404(client):
    hidden = EventFactory(is_active=False)
    assert client.get(f"/api/events/{hidden.pk}").status_code == 404
    assert client.get("/api/events").json()["count"] == 0


# -- narrowing and sorting ------------------------------------------------------------------------
def titles(client, query: str) -> list[str]:
    answer = client.get(f"/api/events?{query}")
    assert answer.status_code == 200, answer.content
    return [event["title"] for event in answer.json()["results"]]


@pytest.fixture
def three_events():
    now = timezone.now()
    EventFactory(
        title="Past", start_time=now - timedelta(days=2), end_time=now - timedelta(days=1), price_sats=5
    )
    EventFactory(title="Free", price_sats=0, summary="100% of_it", start_time=now + timedelta(hours=9))
    EventFactory(title="Dear", price_sats=9000, organizer_name="Bärbel")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["Past", "Free", "Dear"]), ("upcoming=true", ["Free", "Dear"]), ("upcoming=false", ["Past"]),
        ("free=true", ["Free"]), ("free=false", ["Past", "Dear"]), ("q=bärb", ["Dear"]), ("q=%25", ["Free"]),
        ("q=_", ["Free"]), ("q=' OR 1=1--", []), ("price_min=5", ["Past", "Dear"]),
        ("price_max=5", ["Past", "Free"]),
        ("ordering=-price_sats", ["Dear", "Past", "Free"]), ("ordering=title", ["Dear", "Free", "Past"]),
        ("starts_before=2001-01-01T00:00:00Z", []),
        ("starts_after=2001-01-01T00:00:00%2B02:00&page_size=1", ["Past"]),
        ("page_size=1000000", ["Past", "Free", "Dear"]), ("q=BARB", ["Dear"]),
    ],
)  # fmt: skip
def test_narrowing_and_sorting(client, three_events, query, found):
    assert titles(client, query) == found


def test_a_list_refuses_what_it_does_not_know(client, three_events):
    refused = client.get("/api/events?expand=orders&user__email=x")
    assert refused.status_code == 400
    assert [one["field"] for one in refused.json()["errors"]] == ["expand", "user__email"]


@pytest.mark.parametrize(
    "query",
    [
        "upcoming=maybe", "free=1", "price_min=-1", "price_min=1.5", "price_min=１", "price_max=x",
        "ordering=user__password",
        "starts_after=yesterday", "starts_after=2026-02-30T00:00:00Z", "starts_after=2026-01-01T00:00:00",
        "page=0",
        "page=x", "page_size=0", "page_size=-1", "page_size=x", "q=" + "x" * 101, "q=%ED%A0%80",
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_400(client, query):
    answer = client.get(f"/api/events?{query}")
    if "%ED" in query:
        assert answer.status_code in (200, 400)
    else:
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["field"] == query.partition("=")[0]


def test_a_page_that_is_not_there_is_404(client):
    assert client.get("/api/events?page=7").status_code == 404
    assert client.get("/api/events?page=" + "9" * 30).status_code == 400


# -- not again ------------------------------------------------------------------------------------
@pytest.mark.parametrize("path", ["/api/events", "/api/events/{}"])
def test_what_has_not_changed_is_304(client, path):
    event = EventFactory()
    path = path.format(event.pk)
    first = client.get(path)
    assert "no-cache" in first.headers["Cache-Control"]
    again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    event.claim(1)
    changed = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200


# -- staff ----------------------------------------------------------------------------------------
@pytest.fixture
def staff():
    return bearer(save_verified_user(email="staff@example.com", password=PASSWORD)[0])


def bearer(user) -> dict:
    return {"Authorization": f"Bearer {issue_token(user)}"}


def new_event(**changes) -> dict:
    start = timezone.now().replace(microsecond=0) + timedelta(days=1)
    usual = {
        "title": "New", "start_time": start.isoformat(), "end_time": (start + timedelta(hours=1)).isoformat(),
        "capacity": 5, "price_sats": 21, "stream_url": "https://stream.example/new",
        "timezone": "Europe/Berlin",
    }  # fmt: skip
    return {name: value for name, value in (usual | changes).items() if value is not ...}


def write(client, method: str, path: str, body, headers):
    return client.generic(method, path, json.dumps(body), content_type="application/json", headers=headers)


def test_staff_make_change_and_delete_an_event(client, staff):
    made = write(client, "POST", "/api/events", new_event(is_active=False), staff)
    assert made.status_code == 201, made.json()
    path = f"/api/events/{made.json()['id']}"
    assert "stream" not in made.content.decode()
    assert Event.objects.get().stream_url == "https://stream.example/new"
    assert client.get(path).status_code == 404
    assert client.get(path, headers=staff).json()["is_active"] is False
    changed = write(client, "PATCH", path, {"is_active": True, "price_sats": 0}, staff)
    assert (changed.status_code, changed.json()["price_sats"]) == (200, 0)
    assert client.get(path).status_code == 200
    assert write(client, "PUT", path, {"title": "Only"}, staff).status_code == 400
    assert write(client, "PUT", path, new_event(title="Whole"), staff).json()["title"] == "Whole"
    assert client.delete(path, headers=staff).status_code == 204
    assert Event.objects.count() == 0


def test_an_event_with_orders_is_not_deleted(client, staff):
    event = EventFactory(price_sats=0)
    OrderFactory(event=event)
    answer = client.delete(f"/api/events/{event.pk}", headers=staff)
    assert (answer.status_code, answer.json()["code"]) == (409, "event_has_orders")


def test_nobody_else_writes(client):
    event = EventFactory()
    buyer = bearer(save_verified_user(email="ann@example.com", password=PASSWORD)[0])
    unproven = bearer(UnprovenUserFactory(email="staff@example.com"))
    for method, path in (
        ("POST", "/api/events"),
        *((m, f"/api/events/{event.pk}") for m in ("PUT", "PATCH", "DELETE")),
    ):
        for headers, status in (({}, 401), (buyer, 403), (unproven, 403)):
            assert write(client, method, path, new_event(), headers).status_code == status
    assert Event.objects.get().title == "A talk"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"seats_taken": -100}, "seats_taken"), ({"canceled_at": None}, "canceled_at"),
        ({"slug": "x"}, "slug"),
        ({"price_sats": -1}, "price_sats"), ({"price_sats": 0.5}, "price_sats"),
        ({"price_sats": "1,000"}, "price_sats"),
        ({"price_sats": 21_000_000 * 10**8 + 1}, "price_sats"), ({"capacity": 0}, "capacity"),
        ({"capacity": 10**7}, "capacity"),
        ({"stream_url": "javascript:alert(1)"}, "stream_url"),
        ({"stream_url": "http://a.example"}, "stream_url"),
        ({"stream_url": "https://u:p@a.example"}, "stream_url"),
        ({"stream_url": "https://a.example/" + "x" * 500}, "stream_url"),
        ({"end_time": "2020-01-01T00:00:00Z"}, "end_time"),
        ({"start_time": "2026-02-30T10:00:00Z"}, "start_time"),
        ({"start_time": "2026-03-29T02:30:00"}, "start_time"),
        ({"start_time": "10000-01-01T00:00:00Z"}, "start_time"),
        ({"start_time": "0000-01-01T00:00:00Z"}, "start_time"), ({"start_time": 5}, "start_time"),
        ({"start_time": "0001-01-01T00:00:00Z"}, "start_time"),
        ({"end_time": "9999-12-31T23:59:59Z"}, "end_time"),
        ({"end_time": "2200-01-01T00:00:00Z"}, "end_time"),
        ({"start_time": "9999-12-31T23:59:59-14:00"}, "start_time"), ({"start_time": ...}, "start_time"),
        ({"timezone": "Mars/Base"}, "timezone"), ({"timezone": "../etc"}, "timezone"),
        ({"is_active": "yes"}, "is_active"),
        ({"title": ""}, "title"), ({"title": "a\r\nBcc: x"}, "title"),
        ({"max_per_order": 51}, "max_per_order"),
        ({"contact_email": "x"}, "contact_email"),
        ({"replay_until": "2020-01-01T00:00:00Z"}, "replay_until"), ({"replay_until": ""}, "replay_until"),
    ],
)  # fmt: skip
def test_what_makes_no_event_is_refused_by_field(client, staff, change, field):
    answer = write(client, "POST", "/api/events", new_event(**change), staff)
    assert answer.status_code == 400, answer.json()
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_capacity_never_falls_below_what_is_taken(client, staff):
    event = EventFactory(capacity=5, seats_taken=3)
    answer = write(client, "PATCH", f"/api/events/{event.pk}", {"capacity": 2}, staff)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "capacity")
    assert write(client, "PATCH", f"/api/events/{event.pk}", {"capacity": 3}, staff).status_code == 200
    assert Event.objects.get().seats_taken == 3


def test_staff_set_move_and_end_the_replay(client, staff):
    event = EventFactory()
    path, end = f"/api/events/{event.pk}", event.end_time
    until = end + timedelta(days=3)
    said = write(client, "PATCH", path, {"replay_until": until.isoformat()}, staff)
    assert (said.status_code, Event.objects.get().replay_until) == (200, until)
    assert client.get(path).json()["replay_until"] == said.json()["replay_until"] is not None

    # The event may not be made to last longer than its replay.
    late = write(client, "PATCH", path, {"end_time": (until + timedelta(hours=1)).isoformat()}, staff)
    assert (late.status_code, late.json()["errors"][0]["field"]) == (400, "replay_until")
    assert Event.objects.get().end_time == end

    assert write(client, "PATCH", path, {"replay_until": None}, staff).json()["replay_until"] is None
    assert Event.objects.get().replay_until is None
    assert write(client, "POST", "/api/events", new_event(replay_until=None), staff).status_code == 201


def test_an_event_in_dollars_is_made_and_changed_by_its_price(client):
    staff = StaffFactory()
    headers = {"Authorization": f"Bearer {issue_token(staff, second_factor=True)}"}
    start = timezone.now() + timedelta(days=1)
    body = {
        "title": "Noodles", "start_time": start, "end_time": start + timedelta(hours=1), "capacity": 9,
        "timezone": "UTC", "currency": "USD", "price": 1200,
    }  # fmt: skip
    made = client.post("/api/events", body, content_type="application/json", headers=headers)
    assert made.status_code == 201, made.content
    path = f"/api/events/{made.json()['id']}"

    def told(**change) -> tuple:
        if change:
            answer = client.patch(path, change, content_type="application/json", headers=headers)
            assert answer.status_code == 200, answer.content
        said, event = client.get(path).json(), Event.objects.get()
        return said["currency"], said["price"], event.lowest_price, event.price_sats > 0

    assert told() == ("USD", 1200, 1200, True)
    assert told(price=0) == ("USD", 0, 0, False)
    assert told(price=500) == ("USD", 500, 500, True)
    assert told(currency="EUR", price=700) == ("EUR", 700, 700, True)
    assert told(currency="SAT", price_sats=21) == ("SAT", 21, 21, True)
