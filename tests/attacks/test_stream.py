"""B04, B05: a stream's address is shown to the current viewer of a ticket alone."""

import re

from tests.attacks.attacker import assert_problem, cases
from tests.attacks.shop import STREAM
from tests.buyer import make_event

SECRET = STREAM.rpartition("/")[2]


def live_event(shop, **fields) -> int:
    """An event whose room is open: it began a minute ago."""
    event = make_event(shop.stack, title="Live now", stream_url=STREAM, **fields)
    shop.stack.django(
        "Event.objects.filter(pk=pk).update(start_time=timezone.now() - timedelta(minutes=1))", pk=event
    )
    return event


def everything_about(shop, event: int, bought: dict) -> dict[str, str]:
    """Every answer in which an event could tell its stream, as somebody with this order's link gets it."""
    slug = shop.stack.django("Event.objects.get(pk=pk).slug", pk=event)
    order, someone = bought["order"], shop.attacker()
    ticket = shop.stack.django("Ticket.objects.get(pk=pk).token", pk=bought["tickets"][0]["ticket_id"])
    pages = [
        "/", "/?q=live", f"/events/{slug}", f"/events/{slug}/calendar.ics", f"/posters/{event}.svg",
        f"/orders/{order['token']}", f"/orders/{order['token']}/status", f"/tickets/{ticket}",
        f"/tickets/{ticket}/calendar.ics", f"/tickets/{ticket}/ticket.pdf", f"/tickets/{ticket}/stream",
        f"/tickets/{ticket}/stream/status", "/room/forged", "/api/events", f"/api/events/{event}",
        "/api/schema",
        f"/api/tickets/{bought['tickets'][0]['ticket_id']}/status",
    ]  # fmt: skip
    told = {page: someone.get(page).text for page in pages}
    told["the order"] = shop.order(bought).text
    told["the purchase"] = str(bought)
    return told


@cases(
    "state",
    [
        ("B04", "nobody bought", "unpaid"),
        ("B04", "expired", "expired"),
        ("B04 B05", "given back", "canceled"),
        ("B04 B05", "void", "void"),
        ("B04 B05", "event canceled", "event canceled"),
    ],
)
def test_the_stream_is_told_to_nobody_who_has_not_paid(shop, state):
    event = live_event(shop, price_sats=2500 if state in ("unpaid", "expired") else 0)
    bought = shop.buy(event=event)
    change = {
        "unpaid": "pass",
        "expired": "Order.objects.filter(pk=pk).update(expires_at=timezone.now() - timedelta(hours=1))",
        "canceled": "Order.objects.filter(pk=pk).update(status='canceled')",
        "void": "import tickets.services.voiding as v; v.void_ticket(Ticket.objects.get(order=pk))",
        "event canceled": "Event.objects.filter(orders=pk).update(canceled_at=timezone.now())",
    }[state]
    undo = {"canceled": "Order.objects.filter(pk=pk).update(status='paid')"}.get(state, "pass")
    if state != "unpaid":
        bought["tickets"] = shop.order(bought).json()["tickets"]
    shop.stack.django(f"{change}; answer = None", pk=bought["order"]["id"])
    told = everything_about(shop, event, bought)
    shop.stack.django(f"{undo}; answer = None", pk=bought["order"]["id"])
    assert [page for page, text in told.items() if SECRET in text] == []


def test_the_stream_is_told_to_the_viewer_in_place_and_to_nobody_else(shop):
    """B04: with the order's and the ticket's links, before anybody joined and while another watches."""
    event = live_event(shop, price_sats=0)
    bought = shop.buy(event=event)
    assert [page for page, text in everything_about(shop, event, bought).items() if SECRET in text] == []
    link = bought["tickets"][0]["url"].removeprefix(shop.stack.shop_url)
    viewer = shop.attacker().browser()
    viewer.submit(f"{link}/stream", to=f"{link}/stream/join")
    room = viewer.open(f"{link}/stream")
    assert SECRET in room.text
    assert "no-store" in room.headers["Cache-Control"]
    assert [page for page, text in everything_about(shop, event, bought).items() if SECRET in text] == []


def token_of(page: str) -> str:
    return re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]


def test_the_room_lets_one_browser_in_for_each_joining_of_the_api(shop, someone):
    """B04"""
    event = live_event(shop, price_sats=0)
    ticket = shop.buy(event=event)["tickets"][0]
    path = f"/api/tickets/{ticket['ticket_id']}/join"
    assert_problem(someone.post(path, {}), 404, "not_found")
    assert_problem(someone.post(path, {}, Ticket_Token="forged"), 404, "not_found")
    joined = someone.post(path, {}, Ticket_Token=ticket["token"])
    assert (joined.status, SECRET in joined.text) == (200, False)
    room = joined.json()["room_url"].removeprefix(shop.stack.shop_url)
    first, second = shop.attacker().browser(), shop.attacker().browser()
    form = {"csrfmiddlewaretoken": token_of(second.open(room).text)}
    entered = first.submit(room)
    assert SECRET in first.open(entered.headers["Location"]).text
    late = second.send_form(room, form, headers={"Referer": second.url})
    assert (late.status_code, SECRET in late.text) == (410, False)
    assert SECRET not in second.open(entered.headers["Location"]).text


def test_the_stream_goes_in_and_never_comes_out(shop, someone):
    """B04, of staff who wrote it themselves."""
    answer = someone.send(
        "PATCH", f"/api/events/{shop.hidden}", {"stream_url": STREAM}, token=shop.staff.token
    )
    assert answer.status == 200
    assert SECRET not in answer.text
    assert SECRET not in someone.get(f"/api/events/{shop.hidden}", token=shop.staff.token).text
