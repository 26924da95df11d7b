"""Events in the API: what anybody may read, and what nobody may."""

import pytest
from django.utils import timezone

from tests.shop import an_event

pytestmark = pytest.mark.django_db


def test_the_list_is_paged_and_tells_no_stream(client):
    for number in range(3):
        an_event(title=f"Talk {number}")
    answer = client.get("/api/events?page_size=2")
    page = answer.json()
    assert (page["count"], len(page["results"]), page["previous"]) == (3, 2, None)
    assert "page=2" in page["next"]
    assert "stream" not in answer.content.decode()


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_costs_two_queries(client, django_assert_num_queries, rows):
    for _ in range(rows):
        an_event()
    with django_assert_num_queries(2):
        client.get("/api/events")


def test_one_event(client, django_assert_num_queries):
    event = an_event(capacity=3, price_sats=7)
    with django_assert_num_queries(1):
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
    assert client.get(f"/api/events/{an_event(**change).pk}").json()["status"] == word


@pytest.mark.parametrize("name", ["0", "9" * 17, "9" * 5000, "x", "1.0", "-1", "１", "..%2f", "1;"])
def test_no_such_event_is_the_same_404(client, name):
    answer = client.get(f"/api/events/{name}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_hidden_event_is_404(client):
    hidden = an_event(is_active=False)
    assert client.get(f"/api/events/{hidden.pk}").status_code == 404
    assert client.get("/api/events").json()["count"] == 0
