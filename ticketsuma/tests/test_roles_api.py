"""Matrix of roles in the API: every operation of its description, for own and foreign events."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone
from rest_framework.views import APIView

from accounts.authentication import issue_token
from ticketsuma.api_urls import openapi

from .roles_world import (
    EVERYBODY,
    GUESTS,
    OPEN_API,
    OPERATOR,
    STAFF_API,
    STRANGER,
    make_world,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world(role, client, settings):
    return make_world(role, client, settings)


# -- the API ------------------------------------------------------------------------------------
WRITTEN = {
    "title": "New", "start_time": (timezone.now() + timedelta(days=1)).isoformat(), "capacity": 5,
    "end_time": (timezone.now() + timedelta(days=2)).isoformat(), "price_sats": 0,
}  # fmt: skip


def test_no_operation_of_the_api_is_left_out():
    operations = {o["operationId"] for methods in openapi()["paths"].values() for o in methods.values()}
    assert operations == set(STAFF_API) | OPEN_API
    tagged = {
        o["operationId"] for ms in openapi()["paths"].values() for o in ms.values() if "staff" in o["tags"]
    }
    assert tagged == set(STAFF_API)


def test_no_view_of_the_api_is_outside_its_description():
    def views(patterns):
        for one in patterns:
            if hasattr(one, "url_patterns"):
                yield from views(one.url_patterns)
            elif cls := getattr(one.callback, "cls", None):
                yield cls

    found = {view for view in views(get_resolver().url_patterns) if issubclass(view, APIView)}
    assert {view.__name__ for view in found if view.schema is None} == {"ApiNotFound"}


@pytest.mark.parametrize("role", EVERYBODY)
def test_every_endpoint_of_staff(world):
    api = Client(headers={"Authorization": f"Bearer {issue_token(world.user)}"} if world.user else {})
    own, foreign = world.own["events.event"], world.foreign["events.event"]
    codes = {
        event.pk: event.orders.get().tickets.get().ticket_code
        for event in (world.own["sold"], world.foreign["sold"])
    }
    refused = 401 if world.role == STRANGER else 403

    def send(operation, pk, **body):
        path, method = next(
            (path, method)
            for path, methods in openapi()["paths"].items()
            for method, one in methods.items()
            if one["operationId"] == operation
        )
        return getattr(api, method)(path.replace("{id}", str(pk)), body, "application/json")

    wrong = []

    def expect(cell, answer, among, *statuses):
        expected = statuses if world.is_among(among) else (refused,)
        if answer.status_code not in expected:
            wrong.append(f"{cell}: {answer.status_code} {answer.content[:200]!r} instead of {expected}")

    everywhere = world.role == OPERATOR
    for operation, body in (
        ("change_event", {"title": "Other"}),
        ("replace_event", WRITTEN),
        ("delete_event", {}),
    ):
        among = STAFF_API[operation]
        good = 204 if operation == "delete_event" else 200
        missing = send(operation, 999_999_999, **body)
        expect(f"{operation} missing", missing, among, 404)
        answer = send(operation, foreign.pk, **body)
        expect(f"{operation} foreign", answer, among, good if everywhere else 404)
        if not everywhere and world.comes_in:
            assert answer.json()["code"] == missing.json()["code"]
        expect(f"{operation} own", send(operation, own.pk, **body), among, good)
    among = STAFF_API["create_event"]
    own_id, foreign_id = world.own["events.organizer"].pk, world.foreign["events.organizer"].pk
    expect("create_event own", send("create_event", "", **WRITTEN, organizer_id=own_id), among, 201)
    expect("create_event", made := send("create_event", "", **WRITTEN), among, 201)
    if world.role in among:
        assert made.json()["organizer_id"] == own_id
    answer = send("create_event", "", **WRITTEN, organizer_id=foreign_id)
    expect("create_event foreign", answer, among, 201 if everywhere else 400)
    missing = send("create_event", "", **WRITTEN, organizer_id=999_999_999)
    expect("create_event missing", missing, among, 400)
    if world.role in among:
        assert answer.json()["errors"] == missing.json()["errors"]
    among = STAFF_API["check_in"]
    for event, whose in ((world.own["sold"], "own"), (world.foreign["sold"], "foreign")):
        answer = send("check_in", "", ticket_code=codes[event.pk], event_id=event.pk, nonce="n" * 16)
        expect(f"check_in {whose}", answer, among, 409 if whose == "own" or everywhere else 404)
    answer = send("check_in", "", ticket_code="x" * 8, event_id=999_999_999, nonce="n" * 16)
    expect("check_in missing", answer, among, 404)
    assert wrong == []


@pytest.mark.parametrize("role", EVERYBODY)
def test_hidden_events_are_there_for_their_own_staff(world):
    api = Client(headers={"Authorization": f"Bearer {issue_token(world.user)}"} if world.user else {})
    own, foreign = world.own["events.event"], world.foreign["events.event"]  # both hidden
    listed = {event["id"] for event in api.get("/api/events").json()["results"]}
    sees = world.is_among(GUESTS)
    assert (own.pk in listed, foreign.pk in listed) == (sees, world.role == OPERATOR)
    assert api.get(f"/api/events/{own.pk}").status_code == (200 if sees else 404)
    assert api.get(f"/api/events/{foreign.pk}").status_code == (200 if world.role == OPERATOR else 404)


@pytest.mark.parametrize("role", EVERYBODY)
def test_ticket_types_are_for_those_who_manage_their_event(world):
    api = Client(headers={"Authorization": f"Bearer {issue_token(world.user)}"} if world.user else {})
    refused = 401 if world.role == STRANGER else 403
    for event, is_there in (
        (world.own["sold"], True),
        (world.foreign["sold"], world.role == OPERATOR),
        (None, False),
    ):
        types = f"/api/events/{event.pk if event else 999_999_999}/ticket-types"
        one = f"{types}/{event.default_type_id if event else 1}"
        new = {"name": "New", "price_sats": 5}
        for answer, good in (
            (api.get(types), 200), (api.post(types, new, "application/json"), 201), (api.get(one), 200),
            (api.patch(one, {"position": 1}, "application/json"), 200),
            (api.put(one, new | {"name": "Whole"}, "application/json"), 200), (api.delete(one), 409),
        ):  # fmt: skip
            among = world.is_among(STAFF_API["create_ticket_type"])
            assert answer.status_code == ((good if is_there else 404) if among else refused), answer.content
