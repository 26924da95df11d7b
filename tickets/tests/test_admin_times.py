"""Times in the admin: typed in the event's time zone, with errors at the field."""

from datetime import UTC, datetime

import pytest
from django.utils import timezone

from events.models import Event
from tests.acts import hold, pay
from tests.factories import CheckInFactory, EveningFactory
from tickets.models import CheckIn
from tickets.tests.admin_client import act_url, change_url, list_url
from tickets.tests.test_admin_events import event_form

pytestmark = pytest.mark.django_db(transaction=True)

BERLIN = "Europe/Berlin"


def times(**typed) -> dict:
    """`start="2031-05-01 20:00"` as the form's inputs."""
    data = {}
    for name, moment in typed.items():
        day, _, clock = moment.partition(" ")
        data |= {f"{name}_time_0": day, f"{name}_time_1": clock}
    return data


def utc(*parts) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def save(staff, event, **typed):
    answer = staff.post(change_url(event), event_form(staff, event, timezone=BERLIN) | times(**typed))
    event.refresh_from_db()
    return answer


def test_times_are_typed_and_shown_by_the_events_clocks(staff):
    event = EveningFactory()
    assert save(staff, event, start="2031-05-01 20:00", end="2031-05-01 22:30").status_code == 302
    assert (event.start_time, event.end_time) == (utc(2031, 5, 1, 18), utc(2031, 5, 1, 20, 30))
    page = staff.get(change_url(event)).content.decode()
    assert 'value="20:00"' in page
    assert 'value="22:30"' in page
    assert "2031-05-01 20:00 Berlin" in staff.get(list_url(Event)).content.decode()
    # Saved again as it is shown, it stays.
    assert staff.post(change_url(event), event_form(staff, event)).status_code == 302
    event.refresh_from_db()
    assert event.start_time == utc(2031, 5, 1, 18)


def test_an_end_before_the_start_is_said_at_the_end(staff):
    event = EveningFactory()
    answer = save(staff, event, start="2031-05-01 20:00", end="2031-05-01 19:00")
    errors = answer.context["adminform"].form.errors
    assert dict(errors) == {"end_time": ["The event must end after it starts."]}


def test_a_time_that_clocks_leave_out_is_refused_and_one_that_comes_twice_is_understood(staff):
    event = EveningFactory()
    answer = save(staff, event, start="2031-03-30 02:30", end="2031-03-30 05:00")
    assert "Clocks are set forward then" in str(answer.context["adminform"].form.errors["start_time"])
    assert save(staff, event, start="2031-10-26 02:30", end="2031-10-26 02:15").status_code == 302
    assert (event.start_time, event.end_time) == (utc(2031, 10, 26, 0, 30), utc(2031, 10, 26, 1, 15))
    # The second 02:30 is kept when nothing is touched.
    Event.objects.update(start_time=utc(2031, 10, 26, 1, 30), end_time=utc(2031, 10, 26, 3))
    assert save(staff, event, start="2031-10-26 02:30", end="2031-10-26 04:00").status_code == 302
    assert event.start_time == utc(2031, 10, 26, 1, 30)


@pytest.mark.parametrize("year", ["0001", "1969", "2200", "9999"])
def test_a_year_that_clocks_may_not_show_is_refused(staff, year):
    event = EveningFactory()
    answer = save(staff, event, start=f"{year}-12-31 20:00", end=f"{year}-12-31 22:30")
    assert (answer.status_code, b"from 1970 to 2199" in answer.content) == (200, True)
    asked = staff.get(act_url(event, "duplicate")).context["form"]["seen"].value()
    said = {"seen": asked, "title": "Again", "count": "52", "every": "28"}
    said |= times(start=f"{year}-12-31 20:00")
    assert b"from 1970 to 2199" in staff.post(act_url(event, "duplicate"), said).content
    assert Event.objects.count() == 1


def test_no_moment_on_staffs_pages_is_without_its_clocks(staff):
    """Lists, facts and timeline are by the event's clocks, and each has a place for the reader's own time."""
    order = hold(EveningFactory(timezone="Asia/Tokyo"))
    pay(order)
    CheckInFactory(ticket=order.tickets.get(), at=timezone.now())
    for page in (change_url(order), list_url(type(order)), list_url(CheckIn)):
        html = staff.get(page).content.decode()
        assert " Tokyo</time>" in html
        assert html.count("<time ") == html.count("data-viewer-time")
        assert "UTC" not in html
