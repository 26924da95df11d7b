"""Stale forms in the admin: opened before somebody else saved, they are shown again, not saved."""

from datetime import timedelta

import pytest
from django.contrib import admin
from django.test import RequestFactory
from django.urls import reverse

from accounts.authentication import issue_token
from accounts.models import User
from events.catalogue_models import PromoCode
from events.models import Event
from events.organizer_models import Organizer
from tests.acts import hold, together
from tests.factories import (
    EveningFactory,
    OrganizerFactory,
    PromoCodeFactory,
    StaffFactory,
    UnprovenUserFactory,
)
from tickets.guest_messages.models import Message
from tickets.guest_messages.tests.factories import MessageFactory
from tickets.scheduled_exports.models import ScheduledExport
from tickets.scheduled_exports.tests.factories import ScheduledExportFactory
from tickets.tests.admin_client import change_url, told
from tickets.tests.forms_in_pages import form_in
from tickets.tests.test_admin_events import event_form
from ticketsuma.admin.stale_forms import UnstaleForm

pytestmark = pytest.mark.django_db(transaction=True)


def errors(answer) -> dict:
    return answer.context["adminform"].form.errors


@pytest.mark.parametrize(
    ("field", "value", "was"),
    [("capacity", 40, "10"), ("price_sats", 5, "1000"), ("title", "Theirs", "Mine"),
     ("refunds_when_moved", False, "on"), ("timezone", "Asia/Tokyo", "UTC"),
     ("description", "Two\nlines", "One\nand two")],
)  # fmt: skip
def test_a_stale_form_is_shown_again_with_what_changed(staff, field, value, was):
    event = EveningFactory(title="Mine", description="One\nand two")
    old = event_form(staff, event)
    Event.objects.filter(pk=event.pk).update(**{field: value})
    answer = staff.post(change_url(event), old | {"summary": "My words"})
    assert answer.status_code == 200
    assert set(errors(answer)) - {"start_time", "end_time"} == {field}
    assert was in str(errors(answer)[field])
    event.refresh_from_db()
    assert (getattr(event, field), event.summary) == (value, "")
    # What this editor did not touch shows what it is now: the second save undoes nothing.
    data = form_in(answer, "event_form")
    assert data["summary"] == "My words"
    assert staff.post(change_url(event), data).status_code == 302
    start = event.start_time.replace(microsecond=0)
    event.refresh_from_db()
    assert event.summary == "My words"
    assert (event.start_time, str(getattr(event, field)).split()) == (start, str(value).split())


def test_a_moved_start_is_not_moved_back(staff):
    event = EveningFactory()
    old = event_form(staff, event)
    start = event.start_time + timedelta(minutes=30)
    Event.objects.filter(pk=event.pk).update(start_time=start)
    answer = staff.post(change_url(event), old | {"title": "A better name"})
    assert set(errors(answer)) == {"start_time"}
    assert f"{start:%H:%M}" in str(errors(answer)["start_time"])
    assert f'value="{start:%F}"' in answer.content.decode()
    assert Event.objects.get().start_time == start


def test_what_an_editor_typed_stays_typed(staff):
    event = EveningFactory()
    old = event_form(staff, event)
    Event.objects.filter(pk=event.pk).update(capacity=40)
    answer = staff.post(change_url(event), old | {"capacity": "60"})
    assert answer.context["adminform"].form["capacity"].value() == "60"
    assert Event.objects.get().capacity == 40


def test_of_two_who_save_at_once_one_is_told(staff):
    event = EveningFactory()
    data = event_form(staff, event)
    answers = together(
        lambda: staff.post(change_url(event), data | {"title": "One"}),
        lambda: staff.post(change_url(event), data | {"title": "Other"}),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 302]
    assert Event.objects.get().version == 1


def test_a_form_that_says_not_what_it_showed_is_not_saved(staff):
    event = EveningFactory()
    for seen in ("", "{}", "nonsense", "[]", '{"title": 3}'):
        answer = staff.post(change_url(event), event_form(staff, event, title="New", seen=seen))
        assert "Please open this form anew" in answer.content.decode()
    assert Event.objects.get().version == 0


def test_every_form_that_staff_can_save_is_compared():
    request = RequestFactory().get("/")
    request.user = StaffFactory()
    editable = [one for one in admin.site._registry.values() if one.has_change_permission(request)]
    assert {one.model for one in editable} == {Event, Message, Organizer, PromoCode, ScheduledExport, User}
    for one in editable:
        factories = {
            Event: EveningFactory, Organizer: OrganizerFactory,
            ScheduledExport: lambda: ScheduledExportFactory(organizer=OrganizerFactory()),
            PromoCode: PromoCodeFactory, Message: lambda: MessageFactory(event=EveningFactory()),
        }  # fmt: skip
        row = factories.get(one.model, lambda: request.user)()
        assert issubclass(one.get_form(request, row), UnstaleForm)


def test_a_person_let_in_meanwhile_is_not_shut_out_again(staff):
    ann = UnprovenUserFactory(email="ann@example.com", password="a long enough password", is_active=False)
    page = staff.get(change_url(ann))
    seen = page.context["adminform"].form["seen"].value()
    User.objects.filter(pk=ann.pk).update(is_active=True)
    answer = staff.post(change_url(ann), {"seen": seen})
    assert "Somebody changed this meanwhile" in answer.content.decode()
    assert User.objects.get(pk=ann.pk).is_active


def test_deleting_an_event_with_orders_says_what_to_do_instead(staff):
    event = EveningFactory()
    hold(event)
    for method in (staff.get, staff.post):
        answer = method(reverse("admin:events_event_delete", args=[event.pk]), {"post": "yes"}, follow=True)
        [said] = told(answer)
        assert "1 order is for it" in said
        assert "Cancel the event" in said
    assert Event.objects.exists()


def test_the_api_refuses_to_change_an_event_that_changed(client):
    event = EveningFactory()
    headers = {"HTTP_AUTHORIZATION": f"Bearer {issue_token(StaffFactory())}"}

    def patch(**body):
        return client.patch(f"/api/events/{event.pk}", body, content_type="application/json", **headers)

    assert client.get(f"/api/events/{event.pk}").json()["version"] == 0
    Event.objects.update(capacity=40)
    answer = patch(capacity=20, version=0)
    assert (answer.status_code, answer.json()["code"]) == (409, "event_changed")
    answer = patch(capacity=20, version=1)
    assert (answer.status_code, answer.json()["version"]) == (200, 2)
    assert patch(capacity=30).status_code == 200
    assert patch(version=-1).status_code == 400
