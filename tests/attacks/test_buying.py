"""E: purchases, holds, check-ins. Seats are sold once, at their price, to whoever may have them."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.attacks.attacker import assert_problem, cases
from tests.buyer import make_event
from ticketsuma.codes import new_code

BUY = "/api/tickets/purchase"
DOOR = "/api/tickets/check-in"
VALIDATE = "/api/tickets/validate"
VOID_TICKET = "from tickets.services import voiding; voiding.void_ticket(Ticket.objects.get(pk=pk))"
CANCEL_EVENT = "Event.objects.filter(pk=free).update(canceled_at=timezone.now())"


def email_of(someone) -> str:
    return f"{someone.address}@example.com"


# -- what is not on sale ----------------------------------------------------------------------------
@cases(
    "fields status code",
    [
        ("E01", "sold out", {"capacity": 1, "seats": 1}, 409, "sold_out"),
        ("E01", "not enough left", {"capacity": 3, "seats": 2}, 409, "sold_out"),
        ("E01", "past", {"hours": -5}, 409, "sales_closed"),
        ("E01", "sales closed", {"sales_end": -1}, 409, "sales_closed"),
        ("E01", "canceled", {"canceled": True}, 409, "sales_closed"),
        ("E01", "hidden", {"is_active": False}, 404, "not_found"),
    ],
)
def test_what_is_not_on_sale(shop, someone, fields, status, code):
    event = make_event(
        shop.stack, capacity=fields.get("capacity", 9), is_active=fields.get("is_active", True)
    )
    if "seats" in fields:
        shop.buy(event=event, quantity=fields["seats"])
    changes = """
event = Event.objects.get(pk=pk)
event.start_time += timedelta(hours=fields.get("hours", 0))
event.end_time += timedelta(hours=fields.get("hours", 0))
event.sales_end = timezone.now() + timedelta(hours=fields["sales_end"]) if "sales_end" in fields else None
event.canceled_at = timezone.now() if fields.get("canceled") else None
event.save()
"""
    shop.stack.django(changes, pk=event, fields=fields)
    body = {"event_id": event, "quantity": 2, "email": email_of(someone)}
    answer = someone.post(BUY, body)
    assert_problem(answer, status, code)
    if code == "sold_out":
        assert answer.headers["Retry-After"] == "30", "someone is still paying"
    assert shop.stack.django("Order.objects.filter(email=email).count()", email=body["email"]) == 0


def test_an_event_that_was_never_there(someone):
    """E01"""
    for number in (999_999_999, 2**63 - 1):
        answer = someone.post(BUY, {"event_id": number, "email": email_of(someone)})
        assert_problem(answer, 404, "not_found")


# -- hoarding ---------------------------------------------------------------------------------------
def test_fifty_purchases_at_once_by_one_person(shop):
    """E02: from fifty addresses; five orders and ten seats are what one person may hold."""
    event = make_event(shop.stack, capacity=500)
    body = {"event_id": event, "email": email_of(shop.attacker())}
    attackers = [shop.attacker() for _ in range(50)]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda attacker: attacker.post(BUY, body), attackers))
    assert sorted({answer.status for answer in answers}) == [201, 429]
    assert sum(answer.status == 201 for answer in answers) == 5
    assert {answer.code for answer in answers if answer.status == 429} == {"hold_limit"}
    assert shop.stack.django("Event.objects.get(pk=pk).seats_taken", pk=event) == 5


def test_more_seats_than_one_person_may_hold(shop, someone):
    """E02"""
    event = make_event(shop.stack, capacity=500)
    body = {"event_id": event, "email": email_of(someone), "quantity": 6}
    assert someone.post(BUY, body).status == 201
    assert_problem(someone.post(BUY, body), 429, "hold_limit")
    assert someone.post(BUY, body | {"quantity": 4}).status == 201


def test_many_names_at_one_wallet(shop):
    """E02: the wallet's address is a person too."""
    address = f"${shop.attacker().address.replace('.', '-')}@wallet.example"
    answers = []
    for _ in range(6):
        attacker = shop.attacker()
        body = {"event_id": shop.event, "email": email_of(attacker), "uma_address": address}
        answers.append(attacker.post(BUY, body))
    assert [answer.status for answer in answers] == [201] * 5 + [429]
    assert_problem(answers[-1], 429, "hold_limit")


def test_many_names_from_one_network(shop, someone):
    """E02, E03: thirty purchases in the time of a hold, whatever became of them."""
    soldout = make_event(shop.stack, capacity=1)
    shop.buy(event=soldout)
    said = []
    for number in range(32):
        body = {"event_id": soldout, "email": f"{number}-{email_of(someone)}"}
        said.append(someone.post(BUY, body))
    assert [answer.status for answer in said] == [409] * 30 + [429] * 2
    assert_problem(said[-1], 429, "throttled")


def test_canceling_and_buying_again_and_again(shop, someone):
    """E03: giving back does not give tries back."""
    person, said = shop.person(), []
    for _ in range(32):
        answer = someone.post(BUY, {"event_id": shop.free}, token=person.token)
        said.append(answer.status)
        if answer.status == 201:
            order = answer.json()["order"]
            shop.attacker().post(f"/api/orders/{order['id']}/cancel", order_token=order["token"])
    assert said == [201] * 30 + [429] * 2


def test_a_double_click_buys_once(shop, visitor):
    """E04: the page's form, sent four times at once."""
    slug = f"/events/{shop.slug}"
    page = visitor.open(slug).text
    fields = {"key": page.split('name="key" value="')[1].split('"')[0]}
    fields |= {"quantity": "2", "email": f"click-{id(visitor)}@example.com", "name": "", "uma_address": ""}
    # Both are a browser's; by the fourth click it may have the cookie of the first one's answer.
    origin = {"Origin": visitor.url, "Sec-Fetch-Site": "same-origin"}
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: visitor.send_form(slug, fields, origin), range(4)))
    assert [answer.status_code for answer in answers] == [302] * 4
    assert len({answer.headers["Location"] for answer in answers}) == 1
    assert shop.stack.django("Order.objects.filter(email=email).count()", email=fields["email"]) == 1


def test_free_seats_end_at_ten(shop, someone):
    """E15"""
    event = make_event(shop.stack, price_sats=0, capacity=2000)
    body, token = {"event_id": event}, shop.person().token  # a guest's end sooner, with the mails
    said = [someone.post(BUY, body, token=token).status for _ in range(12)]
    assert said == [201] * 10 + [409] * 2
    assert_problem(someone.post(BUY, body, token=token), 409, "free_limit")


# -- whose money ------------------------------------------------------------------------------------
def test_a_stranger_pays_and_the_owner_gets_the_ticket(shop):
    """E05: the BOLT11 says nothing of who pays it."""
    bought = shop.buy_and_pay(shop.owner)
    assert bought["order"]["user_id"] == shop.owner.id
    tickets = shop.attacker().get(f"/api/users/{shop.owner.id}/tickets", token=shop.owner.token).json()
    assert bought["tickets"][0]["ticket_id"] in [ticket["ticket_id"] for ticket in tickets["results"]]
    theirs = shop.attacker().get(f"/api/users/{shop.stranger.id}/tickets", token=shop.stranger.token).json()
    assert bought["tickets"][0]["ticket_id"] not in [ticket["ticket_id"] for ticket in theirs["results"]]


def test_what_is_paid_is_not_given_back_by_a_click(shop, someone):
    """E06: no double refund, no refund of another's order, no refund nobody waits for."""
    order = shop.buy_and_pay()["order"]
    mine, path = {"order_token": order["token"]}, f"/api/orders/{order['id']}"
    assert_problem(someone.post(f"{path}/cancel", **mine), 409, "already_paid")
    assert_problem(someone.post(f"{path}/cancel"), 404, "not_found")
    to = {"uma_address": "$thief@wallet.example"}
    assert_problem(someone.post(f"{path}/refund-address", to, **mine), 409, "nothing_to_refund")
    assert_problem(someone.post(f"{path}/refund-address", to), 404, "not_found")
    assert (
        shop.stack.django(
            "Refund.objects.filter(incoming_payment__payment__order=pk).count()", pk=order["id"]
        )
        == 0
    )


def test_canceling_twice(shop, someone):
    """E06"""
    order = shop.buy()["order"]
    path, mine = f"/api/orders/{order['id']}/cancel", {"order_token": order["token"]}
    assert someone.post(path, **mine).status == 200
    assert_problem(someone.post(path, **mine), 409, "invalid_transition")


def test_the_price_is_frozen(shop, someone):
    """E14: integers; what staff change during a hold is for the next buyer; the sum is the seats'."""
    event = make_event(shop.stack, price_sats=333)
    bought = shop.buy(event=event, quantity=3)
    change = {"price_sats": 999_999}
    assert someone.send("PATCH", f"/api/events/{event}", change, token=shop.staff.token).status == 200
    paid = shop.pay(bought)
    assert (paid["order"]["price_sats"], paid["order"]["amount_sats"]) == (333, 999)
    arrived = shop.stack.django(
        "[[one.amount_msats, one.applied_msats] for one in"
        " IncomingPayment.objects.filter(payment__order=pk)]",
        pk=bought["order"]["id"],
    )
    assert arrived == [[999_000, 999_000]]


# -- the door ---------------------------------------------------------------------------------------
@pytest.fixture
def ticket(shop) -> dict:
    """A ticket that admits, with the event at whose door it does."""
    bought = shop.buy(event=shop.free)
    return {"id": bought["tickets"][0]["ticket_id"], "ticket_code": bought["tickets"][0]["ticket_code"]}


@cases(
    "change found",
    [
        ("E16", "as printed", lambda code: code, True),
        ("E16", "in small letters", lambda code: code.lower(), True),
        ("E16", "in groups", lambda code: "-".join(code[n : n + 5] for n in range(0, 26, 5)), True),
        ("E16", "with spaces", lambda code: f"  {code[:13]} {code[13:]} ", True),
        ("E16", "with look-alikes", lambda code: code.replace("0", "O").replace("1", "l"), True),
        ("E16", "one short", lambda code: code[:-1], False),
        ("E16", "one more", lambda code: code + "0", False),
        ("E16", "its first eight", lambda code: code[:8], False),
        ("E16", "another last one", lambda code: code[:-1] + ("0" if code[-1] != "0" else "2"), False),
        ("E16", "a wildcard", lambda code: code[:-1] + "%", False),
        ("E16", "an underscore", lambda code: code[:-1] + "_", False),
        ("E16", "turned around", lambda code: code[::-1], False),
        ("E16", "in full-width letters", lambda code: "".join(chr(ord(c) + 0xFEE0) for c in code), True),
        ("E16", "SQL", lambda code: "' OR 1=1--", False),
    ],
)  # fmt: skip
def test_a_code_as_people_type_it(someone, ticket, change, found):
    answer = someone.post(VALIDATE, {"ticket_code": change(ticket["ticket_code"])}).json()
    assert answer["reason"] == ("ok" if found else "unknown_code")


def test_guessing_codes(someone):
    """E16: 130 bits, twenty tries a minute."""
    said = [someone.post(VALIDATE, {"ticket_code": new_code(26)}) for _ in range(22)]
    assert [answer.status for answer in said] == [200] * 20 + [429] * 2
    assert len({answer.body for answer in said[:20]}) == 1
    assert_problem(said[-1], 429, "throttled")


def test_two_scanners_at_once(shop, ticket):
    """E17"""
    body = {"ticket_code": ticket["ticket_code"], "event_id": shop.free}
    attackers = [shop.attacker() for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda a: a.post(DOOR, body, token=shop.staff.token), attackers))
    assert sorted(answer.status for answer in answers) == [200] + [409] * 5
    assert {answer.code for answer in answers if answer.status == 409} == {"already_checked_in"}


def test_the_same_scan_twice(shop, someone, ticket):
    """E17"""
    scan = {"ticket_code": ticket["ticket_code"], "event_id": shop.free, "nonce": "scan-1"}
    answers = [someone.post(DOOR, scan, token=shop.staff.token) for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    for other in ({"nonce": "scan-2"}, {"nonce": ""}):
        assert_problem(someone.post(DOOR, scan | other, token=shop.staff.token), 409, "already_checked_in")


@cases(
    "change status code",
    [
        ("E17", "another event", "event = paid", 409, "wrong_event"),
        ("E17", "void", VOID_TICKET, 409, "void"),
        ("E17", "given back", "Order.objects.filter(tickets=pk).update(status='canceled')", 409, "void"),
        ("E17", "not paid", "Order.objects.filter(tickets=pk).update(status='pending')", 409, "not_paid"),
        ("E17", "no such code", "Ticket.objects.filter(pk=pk).update(ticket_code=new)", 404, "unknown_code"),
        ("E17", "event canceled", CANCEL_EVENT, 409, "event_canceled"),
    ],
)  # fmt: skip
def test_a_ticket_that_does_not_admit(shop, someone, change, status, code):
    free = make_event(shop.stack, price_sats=0)
    ticket = shop.buy(event=free)["tickets"][0]
    names = {"pk": ticket["ticket_id"], "free": free, "new": new_code(26)}
    if change != "event = paid":
        shop.stack.django(f"{change}; answer = None", **names)
    event = shop.event if change == "event = paid" else free
    scan = {"ticket_code": ticket["ticket_code"], "event_id": event, "nonce": "x"}
    answer = someone.post(DOOR, scan, token=shop.staff.token)
    undo = "Order.objects.filter(tickets=pk).update(status='paid'); answer = None"
    shop.stack.django(undo, pk=names["pk"])
    assert_problem(answer, status, code)
    assert shop.stack.django("CheckIn.objects.filter(ticket=pk).count()", pk=names["pk"]) == 0


@cases(
    "name status kept",
    [
        ("E19", "HTML", "<script>alert(1)</script>", 302, "<script>alert(1)</script>"),
        ("E19", "121 characters", "x" * 121, 422, "Guest"),
        ("E19", "a control character", "a\x07b", 422, "Guest"),
        ("E19", "right-to-left override", "a\u202eb", 302, "ab"),
    ],
)
def test_a_ticket_renamed(shop, visitor, name, status, kept):
    ticket = shop.buy(event=shop.free)["tickets"][0]
    link = ticket["url"].removeprefix(shop.stack.shop_url)
    assert visitor.submit(link, to=f"{link}/holder", holder_name=name).status_code == status
    holder = shop.stack.django("Ticket.objects.get(pk=pk).holder_name", pk=ticket["ticket_id"])
    assert holder == kept
    assert "<script>alert" not in visitor.open(link).text
