"""Tests of devices and of one's tickets in the API, as an app uses them."""

import pytest

from accounts.authentication import end_tokens, issue_token
from accounts.staff import save_verified_user
from tests.acts import hold
from tests.factories import EveningFactory
from tickets.models import Ticket
from tickets.push.keys import public_key
from tickets.push.models import Device, Kind
from tickets.push.news import queue_pushes

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann():
    return save_verified_user(email="ann@example.com", password="a long enough password")[0]


@pytest.fixture
def app(client, ann):
    """An app in which Ann is signed in: posts and gets with her token."""
    client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {issue_token(ann)}"
    return client


def test_an_app_is_told_of_its_users_orders_once_and_forgotten_by_itself(app, ann, phone):
    for kinds in ({}, {"kinds": ["doors"]}):
        answer = app.post("/api/devices", phone.subscription | kinds, content_type="application/json")
        wanted = kinds.get("kinds", Kind.values)
        assert (answer.status_code, answer.json()) == (200, {"kinds": wanted, "server_key": public_key()})
    assert Device.objects.get().user == ann
    said = {name: phone.subscription[name] for name in ("endpoint", "auth")}
    assert app.post("/api/devices/forget", said, content_type="application/json").status_code == 204
    assert not Device.objects.exists()


def test_an_apps_device_goes_with_its_tokens(app, ann, phone):
    app.post("/api/devices", phone.subscription, content_type="application/json")
    queue_pushes()
    assert Device.objects.get().user == ann
    end_tokens(ann)
    queue_pushes()
    assert not Device.objects.exists()


def test_an_endpoint_inside_is_refused_by_its_code(app, phone):
    said = phone.subscription | {"endpoint": "https://10.0.0.1/push"}
    answer = app.post("/api/devices", said, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (422, "device_refused")


def test_ones_tickets_are_sent_again_only_when_they_changed(app, ann):
    hold(EveningFactory(price_sats=0), buyer=ann)
    path = f"/api/users/{ann.pk}/tickets"
    first = app.get(path)
    again = app.get(path, HTTP_IF_NONE_MATCH=first["ETag"])
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
    Ticket.objects.update(holder_name="Bea")
    changed = app.get(path, HTTP_IF_NONE_MATCH=first["ETag"])
    assert (changed.status_code, changed["ETag"] != first["ETag"]) == (200, True)
