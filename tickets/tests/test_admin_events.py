"""Events in the admin: saving a form never undoes a sale."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from events.models import Event
from tests.acts import hold
from tests.factories import EveningFactory
from tickets.services.orders import place_order
from tickets.staff import audit
from tickets.tests.admin_client import change_url, list_url
from tickets.tests.forms_in_pages import form_in

pytestmark = pytest.mark.django_db(transaction=True)


# -- events ------------------------------------------------------------------------------------
def event_form(client, event, **changes):
    """What a browser sends back of the form as it is shown, with `changes`."""
    return form_in(client.get(change_url(event)), "event_form") | changes


def test_a_title_changes(staff):
    event = EveningFactory()
    answer = staff.post(change_url(event), event_form(staff, event, title="A new title"))
    assert answer.status_code == 302
    event.refresh_from_db()
    assert event.title == "A new title"


@pytest.mark.parametrize(
    ("field", "value"),
    [("capacity", "2"), ("capacity", "-1"), ("capacity", "9" * 30), ("price_sats", "-5"), ("title", "\0"),
     ("timezone", "Moon/Base"), ("stream_url", "javascript:alert(1)"), ("slug", "a b")],
)  # fmt: skip
def test_what_an_event_cannot_be_is_said_at_the_field(staff, field, value):
    event = EveningFactory()
    hold(event, 3)
    answer = staff.post(change_url(event), event_form(staff, event, **{field: value}))
    assert answer.status_code == 200
    assert field in answer.context["adminform"].form.errors
    event.refresh_from_db()
    assert event.capacity == 10


def test_an_event_ends_after_it_starts(staff):
    event = EveningFactory()
    past = event.start_time - timedelta(days=1)
    answer = staff.post(change_url(event), event_form(staff, event, end_time_0=f"{past:%Y-%m-%d}"))
    assert answer.status_code == 200
    assert list(answer.context["adminform"].form.errors) == ["end_time"]


def test_seats_taken_cannot_be_typed(staff):
    event = EveningFactory()
    hold(event, 3)
    staff.post(change_url(event), event_form(staff, event, seats_taken="0", canceled_at="2020-01-01"))
    event.refresh_from_db()
    assert (event.seats_taken, event.canceled_at) == (3, None)


def test_an_event_with_orders_cannot_be_deleted(staff):
    event, empty = EveningFactory(), EveningFactory()
    hold(event)
    delete = reverse("admin:events_event_delete", args=[event.pk])
    assert staff.post(delete, {"post": "yes"}).status_code == 302
    staff.post(reverse("admin:events_event_delete", args=[empty.pk]), {"post": "yes"})
    assert list(Event.objects.all()) == [event]


def test_a_staff_edit_of_the_title_during_a_sale_loses_no_seat(staff):
    """Eight buyers and two editors at once, each on a connection of their own."""
    event = EveningFactory(capacity=40, price_sats=0)
    start, failures = threading.Barrier(10), []

    def together(work):
        def run():
            start.wait()
            try:
                work()
            except Exception as error:  # noqa: BLE001, told by the assertion below
                failures.append(error)
            finally:
                connection.close()

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    def buy():
        for _ in range(5):
            place_order(event=Event.objects.get(pk=event.pk), quantity=1, email="")

    def saves(title):
        """Ask, and answer that holders may be told."""
        asked = staff.post(change_url(event), event_form(staff, event, title=title))
        if asked.status_code == 200 and "concerns" in form_in(asked, "event_form"):
            asked = staff.post(change_url(event), form_in(asked, "event_form"))
        return asked.status_code == 302

    def edit():
        """As people do: told that somebody was faster, they look again."""
        for number in range(5):
            title = f"Title {number}"
            assert any(saves(title) for _ in range(20))

    threads = [together(buy) for _ in range(8)] + [together(edit) for _ in range(2)]
    for thread in threads:
        thread.join(60)
    assert failures == []
    event.refresh_from_db()
    assert (event.seats_taken, event.title) == (40, "Title 4")
    assert audit.run_integrity_checks() == []


# -- states ------------------------------------------------------------------------------------
def test_a_canceled_event_says_so_and_nothing_of_being_on_sale(staff):
    event = EveningFactory(is_active=True, canceled_at=timezone.now())
    for url, state in ((change_url(event), '<div class="readonly">%s</div>'), (list_url(Event), ">%s</td>")):
        page = staff.get(url).content.decode()
        assert state % "canceled" in page, url
        assert state % "on sale" not in page
        assert "Visible and on sale" not in page


@pytest.mark.parametrize("state", ["draft", "published", "canceled"])
def test_events_are_listed_by_state(staff, state):
    events = {
        "draft": EveningFactory(is_active=False),
        "published": EveningFactory(),
        "canceled": EveningFactory(canceled_at=timezone.now()),
    }
    listed = staff.get(list_url(Event), {"state": state}).context["cl"].result_list
    assert list(listed) == [events[state]]
