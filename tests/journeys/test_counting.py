"""Counting in memory: web processes write while they run, and when they stop in order."""

import requests

from tests.buyer import make_event
from tests.processes import wait_until

PERSON = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0"}
VIEWS = """
from tickets.reports.models import PageViews
answer = sum(PageViews.objects.filter(event_id=event_id).values_list("views", flat=True))
"""


def test_two_processes_count_every_look_and_lose_none_at_a_stop(stack):
    event_id = make_event(stack)
    page = requests.get(f"{stack.shop_url}/events/{event_id}", headers=PERSON, timeout=10)
    assert page.status_code == 200

    def look(times: int) -> None:
        for _time in range(times):  # a connection each: both of the server's processes answer some
            requests.get(page.url, headers=PERSON | {"Connection": "close"}, timeout=10)
            requests.get(page.url, headers=PERSON | {"User-Agent": "Googlebot/2.1"}, timeout=10)

    look(19)
    wait_until(lambda: stack.django(VIEWS, event_id=event_id) == 20, 60, "the views are written")
    look(7)
    stack.web.stop()
    try:
        assert stack.django(VIEWS, event_id=event_id) == 27
    finally:
        stack.web.start()
        stack.wait_healthy()
    assert "could not be written" not in stack.web.tail(2000)
