"""Times around a change of clocks: where start and end differ in their offset, the offset is shown."""

import pytest
from django.template.loader import render_to_string
from django.utils.dateparse import parse_datetime

from events.models import Event
from ticketsuma.templatetags.display import end_clock, start_clock


def night(start: str, end: str, zone: str) -> Event:
    return Event(
        title="A night", slug="night", timezone=zone,
        start_time=parse_datetime(start), end_time=parse_datetime(end),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("start", "end", "zone", "said"),
    [
        ("2031-10-26T00:30Z", "2031-10-26T01:15Z", "Europe/Berlin", ("02:30 (UTC+2)", "02:15 (UTC+1)")),
        ("2031-11-02T05:30Z", "2031-11-02T06:15Z", "America/New_York", ("01:30 (UTC-4)", "01:15 (UTC-5)")),
        ("2031-10-04T15:00Z", "2031-10-04T16:00Z", "Australia/Lord_Howe",
         ("01:30 (UTC+10:30)", "03:00 (UTC+11)")),
        ("2031-10-26T01:30Z", "2031-10-26T03:15Z", "Europe/Berlin", ("02:30", "04:15")),
        ("2031-10-25T18:00Z", "2031-10-25T20:00Z", "Asia/Kolkata", ("23:30", "01:30")),
    ],
)  # fmt: skip
def test_the_offset_is_said_where_clocks_are_changed(start, end, zone, said):
    event = night(start, end, zone)
    assert (start_clock(event), end_clock(event)) == said
    for template in ("parts/event_times.html", "mails/when.html", "mails/when.txt"):
        text = " ".join(render_to_string(template, {"event": event}).split())
        assert all(clock in text for clock in said), template
